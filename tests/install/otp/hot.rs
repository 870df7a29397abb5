//! Upgrades and downgrades of a package whose node takes the new code while it runs: a client asks all the while, and none of
//! its answers is lost.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::made::shell;
use crate::daemons::{Built, Installer, System, on};
use crate::roots::{BOOKWORM, TESTING};
use crate::support::{copy_tree, root, tool};
use crate::systemd::wait;

/// Four versions; the second has a relup from and to the first, the third one from the second that cannot work, the fourth has
/// none.
const MADE: &str = r#"
for version in 1 2 3 4; do
	mkdir -p "$version/src"
	cp "$1"/rebar.config "$1"/sys.config "$1"/vm.args "$version"
	cp "$1"/plover_app.erl "$1"/plover_line.erl "$1"/plover.app.src "$version/src"
	if [ "$version" = 1 ]; then cp "$1"/plover-1.erl 1/src/plover.erl; else cp "$1"/plover-2.erl "$version/src/plover.erl"; fi
	if [ "$version" = 3 ]; then sed -i "s/^code_change(_, Count.*/code_change(_, _, _) -> error(broken)./" 3/src/plover.erl; fi
	sed -i "s/VERSION/$version.0.0/" "$version/rebar.config" "$version/src/plover.app.src"
	sed -i "s/GREETING/hello$version/" "$version/sys.config"
	(
		cd "$version"
		REBAR_OFFLINE=1 REBAR_CACHE_DIR=$PWD/cache REBAR_GLOBAL_CONFIG_DIR=$PWD/global rebar3 release -o "$PWD/out"
	)
	mv "$version/out/plover" "plover-$version"
done
cp "$1"/plover.appup plover-2/lib/plover-2.0.0/ebin/
"$2" release relup plover-1 plover-2 >plover-2/releases/2.0.0/relup
sed 's/1\.0\.0/2.0.0/g; s/^{"2\.0\.0"/{"3.0.0"/' "$1"/plover.appup >plover-3/lib/plover-3.0.0/ebin/plover.appup
"$2" release relup plover-2 plover-3 >plover-3/releases/3.0.0/relup
"#;

/// Two versions by mix; the second has one more implementation of a protocol, and another `runtime.exs`.
const MIX: &str = r#"
mkdir lib config
cp "$1"/mix/mix.exs .
cp "$1"/mix/grebe.ex lib
for version in 1 2; do
	echo "$version.0.0" >VERSION
	sed "s/VERSION/$version/" "$1"/mix/runtime.exs >config/runtime.exs
	cp "$1/mix/counter-$version.ex" lib/counter.ex
	rm -rf _build/prod/lib/grebe
	mix release --quiet --overwrite --path "grebe-$version"
done
# What is proposed is as good as what a person would write.
"$2" release appup --write grebe-1 grebe-2
"$2" release relup grebe-1 grebe-2 >grebe-2/releases/2.0.0/relup
"#;

/// Asks once a line over one connection, and writes down every answer; it ends when the connection does.
const CLIENT: &str = "exec 3<>\"/dev/tcp/127.0.0.1/$0\"; while echo ask >&3; do IFS= read -r line <&3 || break; echo \"$line\" >>/answers; done; echo lost >>/answers";

/// The packages of all versions.
fn built() -> Option<&'static [Built]> {
    static BUILT: OnceLock<Option<Vec<Built>>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        tool("rebar3", &["--version"])?;
        let folder = tempfile::tempdir().unwrap();
        let given = root().join("tests/install/otp/hot");
        shell(MADE, folder.path(), &[given.to_str().unwrap(), env!("CARGO_BIN_EXE_fitout")]);
        Some((1..=4).map(|version| package("plover", &folder.path().join(format!("plover-{version}")))).collect())
    });
    built.as_deref()
}

fn package(name: &str, release: &Path) -> Built {
    let project = tempfile::tempdir().unwrap();
    copy_tree(release, &project.path().join("rel"));
    let config = "[package]\nname = \"NAME\"\nversion = { from = \"release\" }\nsummary = \"Counts who asks\"\n\
                  maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n\
                  [build]\npreset = \"otp\"\ninput = \"rel\"\n[[service]]\nenv-file = \"/etc/NAME/env\"\non-upgrade = \"hot\"\n";
    fs::write(project.path().join("fitout.toml"), config.replace("NAME", name)).unwrap();
    Built::of(project)
}

/// The answers so far.
fn answers(system: &System) -> Vec<String> {
    system.machine.sh("cat /answers 2>/dev/null || true").lines().map(str::to_owned).collect()
}

/// Waits until there are a hundred answers of this kind more than there were.
fn hundred_more(system: &System, begin: &str) {
    let count = || answers(system).iter().filter(|line| line.starts_with(begin)).count();
    let before = count();
    wait(begin, || if count() > before + 100 { Ok(()) } else { Err(format!("{:?}", answers(system).last())) });
}

/// Of one connection: every number once and in order, whoever answered.
fn none_is_lost(answers: &[String]) {
    for (at, line) in answers.iter().enumerate() {
        let number: usize =
            line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(number, at + 1, "{line}");
    }
}

#[test]
fn a_node_takes_new_code_while_it_is_asked() {
    let Some(built) = built() else { return };
    let packages = [("plover-1", &built[0]), ("plover-2", &built[1]), ("plover-3", &built[2]), ("plover-4", &built[3])];
    on(&[(Installer::Apt, &BOOKWORM), (Installer::Rpm, &TESTING)], &packages, |system| {
        let process = || system.machine.show("plover.service", "MainPID");
        system.ok(&["plover-1"]);
        if system.installer == Installer::Rpm {
            system.machine.ok(&["systemctl", "enable", "--now", "plover.service"]);
        }
        let client = system.machine.start(&["bash", "-c", CLIENT, "4207"]);
        hundred_more(system, "one ");
        let first = process();
        assert_eq!(system.machine.ok(&["plover", "ping"]), "pong");
        // Up: the state is converted, the configuration is that of the new version, the process is the same.
        let (code, said) = system.install(&["plover-2"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("version 2.0.0 has taken the place of 1.0.0; nothing was restarted"), "{said}");
        hundred_more(system, "two ");
        assert!(answers(system).last().unwrap().ends_with("hello2 upgraded"), "{:?}", answers(system).last());
        assert_eq!(process(), first);
        assert_eq!(system.machine.run(&["plover", "upgrade"]), (0, "it runs version 2.0.0 already\n".to_owned()));
        assert!(
            !system.machine.root.has("/usr/lib/plover/releases/1.0.0"),
            "the package manager has kept the old version"
        );
        // Down, by the relup that went with the new version's files.
        let (code, said) = system.install(&["plover-1"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("version 1.0.0 has taken the place of 2.0.0"), "{said}");
        hundred_more(system, "one ");
        // And up once more.
        let (_, said) = system.install(&["plover-2"]);
        assert!(said.contains("version 2.0.0 has taken the place of 1.0.0"), "{said}");
        hundred_more(system, "two ");
        assert_eq!(process(), first);
        let all = answers(system);
        none_is_lost(&all);
        println!("{:?}: {} answers over two upgrades and a downgrade", system.installer, all.len());
        drop(client);
        // What goes wrong on the way ends in a restart, and why is told.
        let (code, said) = system.install(&["plover-3"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("version 3.0.0 was not taken") && said.contains("broken"), "{said}");
        let ask = || system.machine.ok(&["plover", "rpc", "lists:flatten(plover:ask())"]);
        wait("a restart", || if process() == first { Err(first.clone()) } else { Ok(()) });
        assert_eq!(ask(), "\"two 1 hello3 fresh\\n\"");
        // So does the lack of a relup.
        let third = process();
        let (code, said) = system.install(&["plover-4"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("there is no relup from version 3.0.0 to version 4.0.0"), "{said}");
        wait("a restart", || if process() == third { Err(third.clone()) } else { Ok(()) });
        assert_eq!(ask(), "\"two 1 hello4 fresh\\n\"");
        assert_eq!(system.active("plover.service"), "active");
        // What a node left of its upgrades is gone with it: the next one knows itself by its boot script.
        assert_eq!(system.machine.run(&["plover", "upgrade"]), (0, "it runs version 4.0.0 already\n".to_owned()));
        let (code, said) = system.machine.run(&["plover", "upgrade", "9.9.9"]);
        assert!(code == 2 && said.contains("there is no version 9.9.9; there is 4.0.0"), "{code} {said}");
        system.machine.ok(&["systemctl", "stop", "plover"]);
        let (code, said) = system.machine.run(&["plover", "upgrade"]);
        assert!(code == 7 && said.contains("does not run"), "{code} {said}");
    });
}

/// Of mix: consolidated protocols change with the code, and `runtime.exs` of the new version is evaluated.
#[test]
fn a_release_of_mix_takes_new_code_too() {
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let given = root().join("tests/install/otp/hot");
    shell(MIX, folder.path(), &[given.to_str().unwrap(), env!("CARGO_BIN_EXE_fitout")]);
    let [one, two] = ["grebe-1", "grebe-2"].map(|release| package("grebe", &folder.path().join(release)));
    on(&[(Installer::Apt, &BOOKWORM)], &[("grebe-1", &one), ("grebe-2", &two)], |system| {
        system.machine.sh("mkdir /etc/grebe && echo GREBE_GREETING=hello >/etc/grebe/env");
        system.ok(&["grebe-1"]);
        let process = || system.machine.show("grebe.service", "MainPID");
        let first = process();
        let _client = system.machine.start(&["bash", "-c", CLIENT, "4208"]);
        let last = || answers(system).last().cloned().unwrap_or_default();
        hundred_more(system, "one ");
        assert!(last().ends_with(" hello of 1, any"), "{}", last());
        for _ in 0..2 {
            let (code, said) = system.install(&["grebe-2"]);
            assert!(code == 0 && said.contains("version 2.0.0 has taken the place of 1.0.0"), "{code} {said}");
            hundred_more(system, "two ");
            assert!(last().ends_with(" hello of 2, integer upgraded"), "{}", last());
            let (code, said) = system.install(&["grebe-1"]);
            assert!(code == 0 && said.contains("version 1.0.0 has taken the place of 2.0.0"), "{code} {said}");
            hundred_more(system, "one ");
            assert!(last().ends_with(" hello of 1, any"), "{}", last());
        }
        assert_eq!(process(), first);
        none_is_lost(&answers(system));
        println!("mix: {} answers over two upgrades and two downgrades", answers(system).len());
        let told = system.machine.ok(&["grebe", "rpc", "IO.puts(System.get_env(\"RELEASE_VSN\"))"]);
        assert_eq!(told, "1.0.0");
    });
}
