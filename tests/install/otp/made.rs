//! Releases made for the tests: by mix, by rebar3, in the layout of Distillery, without a runtime of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use crate::daemons::Built;
use crate::support::{artifact_of, copy_tree, finish, root, run, tool};

/// What a release of the tests is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By `mix release`, with `runtime.exs` and `env.sh`.
    Mix,
    /// The same without the runtime.
    Bare,
    /// By rebar3, with files that are filled at start.
    Relx,
    /// Laid out as Distillery does.
    Distillery,
    /// By `mix release`, with a library in the runtime and a program beside it, in C, and OpenSSL.
    Nif,
}

/// Runs lines of a shell in a folder.
pub fn shell(script: &str, folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("sh");
    command.args(["-euc", script, "sh"]).args(arguments).current_dir(folder);
    command.envs([("LC_ALL", "C.UTF-8"), ("MIX_ENV", "prod"), ("ERL_COMPILER_OPTIONS", "deterministic")]);
    let (code, stdout, stderr) = finish(command.output().unwrap());
    assert_eq!(code, 0, "{script}\n{stdout}{stderr}");
}

const MIX: &str = r#"
mkdir -p lib config rel
cp "$1"/mix/mix.exs .
cp "$1"/mix/heron.ex lib/
cp "$1"/mix/runtime.exs config/
cp "$1"/mix/env.sh.eex rel/
for version in 0.3.1 0.4.0-rc.1; do
	echo "$version" >VERSION
	rm -rf _build/prod/lib/heron
	for name in heron_line heron_bare; do
		mix release "$name" --quiet --overwrite --path "$name-$version"
	done
done
"#;

const RELX: &str = r#"
mkdir src
cp "$1"/relx/* .
mv tern.erl tern.app.src src/
chmod +x before.sh song
REBAR_OFFLINE=1 REBAR_CACHE_DIR=$PWD/cache REBAR_GLOBAL_CONFIG_DIR=$PWD/global rebar3 release -o "$PWD/out"
mv out/tern tern-0.8.2
"#;

const NIF: &str = r#"
mkdir lib native
cp "$1"/nif/mix.exs .
cp "$1"/nif/gannet.ex lib/
cp "$1"/nif/*.c native/
mix release --quiet --path gannet-1.2.0
"#;

/// By the rules of Distillery: what it has that the others do not, and modes as it leaves them.
const DISTILLERY: &str = r#"
cp -R "$1" heron-0.3.1
cd heron-0.3.1
live=releases/0.3.1
rm -r releases/COOKIE "$live"/elixir "$live"/iex "$live"/env.sh "$live"/runtime.exs "$live"/remote.vm.args bin/*
mv "$live"/heron_line.rel "$live"/heron.rel
sed -i 's/"heron_line"/"heron"/' "$live"/heron.rel
mv "$live"/start.boot "$live"/heron.boot
mv "$live"/consolidated lib/heron-0.3.1/
printf '#!/bin/bash\nexit 9\n' >bin/heron
mkdir -p "$live"/libexec "$live"/commands "$live"/hooks/pre_start.d var
echo 'echo "migrating $RELEASE_ROOT_DIR: $*"' >"$live"/commands/migrate.sh
echo 'echo "before $REL_NAME"' >"$live"/hooks/pre_start.d/10_tell
cat >"$live"/vm.args <<'END'
-name ${NODE_NAME:-heron@127.0.0.1}
-setcookie ${HERON_COOKIE}
END
cat >"$live"/sys.config <<'END'
[{heron, [{port, ${HERON_PORT}}, {greeting, <<"${HERON_GREETING:-nothing said}">>}]}].
END
printf '[].\n' >releases/RELEASES
chmod 0777 bin/heron "$live"/vm.args
ln -s "$PWD/releases/RELEASES" bin/absolute
"#;

/// Folder with all releases, made once; none if that cannot be done here.
fn all() -> Option<&'static Path> {
    static MADE: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        tool("elixir", &["--version"])?;
        tool("tmux", &["-V"])?;
        tool("rebar3", &["--version"])?;
        let folder = tempfile::tempdir().unwrap();
        let given = root().join("tests/install/otp");
        let given = given.to_str().unwrap();
        for (name, script) in [("mix", MIX), ("relx", RELX), ("nif", NIF)] {
            fs::create_dir(folder.path().join(name)).unwrap();
            shell(script, &folder.path().join(name), &[given]);
        }
        fs::create_dir(folder.path().join("distillery")).unwrap();
        let from = folder.path().join("mix/heron_line-0.3.1");
        shell(DISTILLERY, &folder.path().join("distillery"), &[from.to_str().unwrap()]);
        Some(folder)
    });
    made.as_ref().map(tempfile::TempDir::path)
}

/// A project that packages a release.
pub struct Project {
    folder: tempfile::TempDir,
    /// Name of the package.
    pub name: &'static str,
}

/// Keeps two builds from one folder apart.
static TURN: Mutex<()> = Mutex::new(());

impl Project {
    /// Of a release of the first or the second version, with these lines in its `[[service]]` and behind it.
    pub fn new(kind: Kind, second: bool, service: &str) -> Option<Self> {
        let all = all()?;
        let version = if second { "0.4.0-rc.1" } else { "0.3.1" };
        let (name, release) = match kind {
            Kind::Mix => ("heron-line", format!("mix/heron_line-{version}")),
            Kind::Bare => ("heron-bare", format!("mix/heron_bare-{version}")),
            Kind::Relx => ("tern", "relx/tern-0.8.2".to_owned()),
            Kind::Distillery => ("heron", "distillery/heron-0.3.1".to_owned()),
            Kind::Nif => ("gannet", "nif/gannet-1.2.0".to_owned()),
        };
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[package]\nname = \"{name}\"\nversion = {{ from = \"release\" }}\nsummary = \"Tells what it is\"\n\
             maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n\
             [build]\npreset = \"otp\"\ninput = \"rel\"\n\
             [[service]]\nenv-file = \"/etc/{name}/env\"\n{service}"
        );
        copy_tree(&all.join(release), &folder.path().join("rel"));
        fs::write(folder.path().join("fitout.toml"), config).unwrap();
        Some(Self { folder, name })
    }

    /// Adds lines to its config.
    pub fn append(&mut self, lines: &str) {
        let config = self.folder().join("fitout.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(config, text + lines).unwrap();
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Builds it as deb and rpm.
    pub fn both(self) -> Built {
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Built::of(self.folder)
    }

    /// Builds it as one format; the artifact.
    pub fn build(&self, format: &str, suffix: &str) -> PathBuf {
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (code, _, stderr) = run(self.folder(), &["build", "--format", format]);
        assert_eq!(code, 0, "{stderr}");
        artifact_of(self.folder(), suffix)
    }
}
