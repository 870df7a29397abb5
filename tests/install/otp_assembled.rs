//! Releases that fitout assembles are those that `mix release` and relx make, file by file; their boot files are those that
//! `systools` writes. What is otherwise is listed here, and nothing else may be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::otp::made::shell;
use crate::support::{finish, root, run, tool};

#[path = "otp_assembled/projects.rs"]
mod projects;

#[path = "otp_assembled/newer.rs"]
mod newer;

#[path = "otp_assembled/lives.rs"]
mod lives;

use projects::Project;

/// A release made twice.
struct Pair {
    folder: tempfile::TempDir,
    project: &'static str,
    version: &'static str,
    theirs: PathBuf,
    ours: PathBuf,
}

/// Config of a package around `[release]`.
fn config(name: &str, release: &str) -> String {
    format!(
        "[package]\nname = \"{}\"\nversion = {{ from = \"release\" }}\nsummary = \"Tells what it is\"\n\
         maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n[build]\nformats = [\"tarball\"]\n[release]\n{release}",
        name.replace('_', "-")
    )
}

impl Pair {
    /// Makes the release by its own tool, then by fitout; none if that cannot be done here.
    fn of(project: &Project) -> Option<Self> {
        tool("elixir", &["--version"])?;
        tool("rebar3", &["--version"])?;
        let folder = tempfile::tempdir().unwrap();
        shell(project.script, folder.path(), &[root().join("tests/install/otp").to_str().unwrap()]);
        fs::write(folder.path().join("fitout.toml"), config(project.name, project.config)).unwrap();
        let (code, _, stderr) = run(folder.path(), &["build"]);
        assert_eq!(code, 0, "{stderr}");
        let ours = folder.path().join("_build/fitout/rel").join(project.name);
        let theirs = folder.path().join("theirs");
        Some(Self { project: project.name, version: project.version, theirs, ours, folder })
    }

    /// The project.
    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Path in the folder of the version.
    fn live(&self, name: &str) -> String {
        format!("releases/{}/{name}", self.version)
    }

    /// What only they have, what only we have, what is not the same.
    fn difference(&self) -> [Vec<String>; 3] {
        let (theirs, ours) = (files(&self.theirs), files(&self.ours));
        assert!(ours.len() > 15, "{} files", ours.len());
        let missing = |from: &Files, there: &Files| from.keys().filter(|k| !there.contains_key(*k)).cloned().collect();
        let other = theirs.iter().filter(|(name, file)| ours.get(*name).is_some_and(|own| own != *file));
        [missing(&theirs, &ours), missing(&ours, &theirs), other.map(|(name, _)| name.clone()).collect()]
    }

    fn same_terms(&self, names: &[&str]) {
        same_terms([&self.theirs, &self.ours], names);
    }

    /// `start.boot` has the bytes that systools gives it, but for what mix puts in afterwards.
    fn boots_as_systools_says(&self, flags: &str) {
        let rel = self.ours.join(self.live(&format!("{}.rel", self.project)));
        let boot = self.ours.join(self.live("start.boot"));
        erl(SYSTOOLS, &[rel.to_str().unwrap(), boot.to_str().unwrap(), self.ours.to_str().unwrap(), flags]);
    }
}

/// Compares a boot file with that which systools makes of the same `.rel`, without what mix puts in.
const SYSTOOLS: &str = r#"
[Rel, Boot, Root, Flags] = init:get_plain_arguments(),
{ok, [{release, _, _, Applications}]} = file:consult(Rel),
Folder = fun(Name, Version) ->
	Dir = Name ++ "-" ++ Version ++ "/ebin",
	Otp = filename:join([code:root_dir(), "lib", Dir]),
	case filelib:is_dir(Otp) of true -> Otp; false -> filename:join([Root, "lib", Dir]) end
end,
Paths = [Folder(atom_to_list(element(1, A)), element(2, A)) || A <- Applications],
{ok, Tokens, _} = erl_scan:string(Flags),
{ok, Given} = erl_parse:parse_term(Tokens),
{ok, Wanted} = file:read_file(Boot),
Name = Root ++ ".systools",
{ok, _} = file:copy(Rel, Name ++ ".rel"),
Variables = [{Variable, filename:join(Root, Where)} || {variable, Variable, Where} <- Given],
Others = [Flag || Flag <- Given, not is_tuple(Flag)],
{ok, _, _} = systools:make_script(Name, [silent, {path, Paths}, {variables, Variables} | Others]),
{ok, Made} = file:read_file(Name ++ ".boot"),
{script, Id, Instructions} = binary_to_term(Wanted),
Without = lists:flatmap(fun
	({apply, {'Elixir.Config.Provider', boot, []}}) -> [];
	({path, [First | Rest]} = Path) ->
		case lists:suffix("/consolidated", First) of true -> [{path, Rest}]; false -> [Path] end;
	(Other) -> [Other]
end, Instructions),
true = term_to_binary({script, Id, Without}) =:= Made,
Without =:= Instructions andalso (true = Wanted =:= Made),
halt().
"#;

/// Files of two trees that are other bytes and the same terms.
fn same_terms(trees: [&Path; 2], names: &[&str]) {
    let ask = "[One, Other | Names] = init:get_plain_arguments(), \
        Read = fun(Tree, Name) -> {ok, Terms} = file:consult(filename:join(Tree, Name)), Terms end, \
        [] = [Name || Name <- Names, Read(One, Name) =/= Read(Other, Name)], halt().";
    erl(ask, &[&trees.map(|tree| tree.to_str().unwrap())[..], names].concat());
}

fn erl(script: &str, arguments: &[&str]) {
    let mut command = Command::new("erl");
    command.args(["-noinput", "-eval", script, "-extra"]).args(arguments);
    let (code, stdout, stderr) = finish(command.output().unwrap());
    assert_eq!(code, 0, "{arguments:?}\n{stdout}{stderr}");
}

type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// Mode and bytes of each file; of a link, where it leads.
fn files(folder: &Path) -> Files {
    let mut all = Files::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if meta.is_dir() {
                open.push(path);
            } else if meta.is_symlink() {
                all.insert(name, (0, fs::read_link(&path).unwrap().to_str().unwrap().into()));
            } else {
                // The builder's umask, and what a generator of the tests set, are theirs.
                let mode = if meta.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
                all.insert(name, (mode, fs::read(&path).unwrap()));
            }
        }
    }
    all
}

/// What a release of mix has otherwise: commands are the launcher's, a host makes its own cookie, scripts are printed by Erlang.
fn as_mix(project: &Project, without: &[&str], more: &[&str]) {
    let Some(pair) = Pair::of(project) else { return };
    let [only_theirs, only_ours, other] = pair.difference();
    let live = |names: &[&str]| names.iter().map(|name| pair.live(name)).collect::<Vec<_>>();
    let mut lacking = live(without);
    lacking.insert(0, "releases/COOKIE".to_owned());
    lacking.sort();
    assert_eq!((only_theirs, only_ours), (lacking, Vec::new()));
    let mut different = live(&["start.script", "start_clean.script"]);
    different.insert(0, format!("bin/{}", project.name));
    if pair.ours.join("erts-13.1.5").is_dir() {
        different.insert(1, "erts-13.1.5/bin/erl".to_owned());
    }
    different.extend(more.iter().map(|name| (*name).to_owned()));
    different.sort();
    assert_eq!(other, different);
    pair.same_terms(&[&pair.live("start.script"), &pair.live("start_clean.script")]);
    pair.boots_as_systools_says("[no_dot_erlang, {variable, \"RELEASE_LIB\", \"lib\"}].");
}

/// From sources, by the steps of `tool = "mix"`: nothing of what mix assembled is there.
#[test]
fn a_project_that_is_only_compiled_gives_the_same_release() {
    let Some(pair) = Pair::of(&projects::UMBRELLA) else { return };
    let before = files(&pair.ours);
    fs::remove_dir_all(pair.folder().join("_build")).unwrap();
    let config = pair.folder().join("fitout.toml");
    let text = fs::read_to_string(&config).unwrap().replacen("[build]\n", "[build]\ntool = \"mix\"\n", 1);
    fs::write(&config, text).unwrap();
    let (code, _, stderr) = run(pair.folder(), &["build", "--verbose"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("Running mix compile\n") && !stderr.contains("mix release"), "{stderr}");
    let after = files(&pair.ours);
    let other: Vec<&String> =
        before.iter().filter(|(name, file)| after.get(*name) != Some(file)).map(|(n, _)| n).collect();
    assert!(other.is_empty() && before.len() == after.len(), "{other:?}");
    let (code, _, stderr) = run(pair.folder(), &["build", "--verbose"]);
    assert!(code == 0 && stderr.contains(" applications, unchanged"), "{stderr}");
}

/// Without a template mix writes arguments that are all comments, and an empty script for the environment.
const COMMENTS: &[&str] = &["env.sh", "remote.vm.args", "vm.args"];

#[test]
fn a_plain_release_is_that_of_mix() {
    // A link of `priv` stays one; mix copies what it leads to.
    as_mix(&projects::PLAIN, &[], &["lib/heron-0.3.1/priv/link"]);
}

#[test]
fn a_release_without_runtime_is_that_of_mix() {
    as_mix(&projects::BARE, COMMENTS, &[]);
}

#[test]
fn a_release_with_native_code_is_that_of_mix() {
    as_mix(&projects::NATIVE, COMMENTS, &[]);
}

#[test]
fn a_release_of_an_umbrella_with_every_start_type_is_that_of_mix() {
    as_mix(&projects::UMBRELLA, COMMENTS, &[]);
}

/// What relx has otherwise: its own launcher, and files printed by Erlang.
fn as_relx(erts: bool, flags: &str) {
    let project = projects::rebar(erts);
    let Some(pair) = Pair::of(&project) else { return };
    let [only_theirs, only_ours, other] = pair.difference();
    let launcher = ["bin/install_upgrade.escript", "bin/nodetool", "bin/skerry-1.0.0"];
    assert_eq!((only_theirs, only_ours), (launcher.map(String::from).to_vec(), Vec::new()));
    let mut different = vec!["bin/skerry".to_owned(), pair.live("skerry.rel"), pair.live("start.script")];
    pair.same_terms(&[&pair.live("skerry.rel")]);
    // Without a runtime relx calls the folder of OTP by another variable, and wants the release's own in that of OTP.
    let boots: &[&str] = if erts { &[] } else { &["no_dot_erlang.boot", "start.boot", "start_clean.boot"] };
    different.extend(boots.iter().map(|name| pair.live(name)));
    different.push(if erts { "releases/RELEASES" } else { "bin/no_dot_erlang.boot" }.to_owned());
    if erts {
        pair.same_terms(&[&pair.live("start.script"), "releases/RELEASES"]);
    }
    different.sort();
    assert_eq!(other, different);
    pair.boots_as_systools_says(flags);
}

#[test]
fn a_release_is_that_of_relx() {
    as_relx(true, "[].");
}

#[test]
fn a_release_without_runtime_is_that_of_relx() {
    as_relx(false, "[{variable, \"ERTS_LIB_DIR\", \"/usr/lib/erlang/lib\"}, {variable, \"RELEASE_LIB\", \"lib\"}].");
}
