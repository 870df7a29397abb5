//! The output folder: what is written there, what never leaves it, and what never gets from there into a package.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::{contents, finish, fitout, project, run};
use crate::{TREE, config};

#[test]
fn an_environment_cannot_leave_the_output_folder() {
    let evil = format!("{}\n[environment.\"../../evil\".package]\nsummary = \"Evil\"\n", config(TREE));
    let folder = project(&[("inner/fitout.toml", &evil), ("inner/tree/a", "a")]);
    let inner = folder.path().join("inner");
    for args in [&["build", "--environment", "../../evil"][..], &["build"]] {
        let (code, _, stderr) = run(&inner, args);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("error[config/invalid-value]"), "{stderr}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(!inner.join("dist").exists());
}

/// Builds with these arguments and gives the bytes of everything that lies in the output folder.
fn built(folder: &Path, args: &[&str], out: &str) -> BTreeMap<String, Vec<u8>> {
    let (code, _, stderr) = run(folder, &[&["build", "--quiet"], args].concat());
    assert_eq!(code, 0, "{args:?}: {stderr}");
    contents(&folder.join(out))
}

#[test]
fn a_build_does_not_pack_the_one_before() {
    let files = "[[files]]\nfrom = \".\"\nto = \"/usr/lib/bad\"\n\n[environment.live.package]\nsummary = \"Live\"\n";
    for (args, out) in [
        (&[][..], "dist"),
        (&["--out", "o3"], "o3"),
        (&["--out", "deep/er/out"], "deep/er/out"),
        (&["--out", "a/../o4"], "o4"),
        (&["--environment", "live"], "dist/live"),
        (&["--out", "o5", "--environment", "live"], "o5/live"),
    ] {
        let folder = project(&[
            ("fitout.toml", &config(files)),
            ("a/b", "b"),
            ("a/.git/index", "times"),
            (".git/HEAD", "ref: refs/heads/main"),
        ]);
        let first = built(folder.path(), args, out);
        let second = built(folder.path(), args, out);
        assert!(first == second, "{args:?}: the second build differs");
        let tarball = first.keys().find(|name| name.ends_with(".tar.gz") && !name.contains("oci")).unwrap();
        let (_, listed, _) = run(folder.path(), &["inspect", "--tree", &format!("{out}/{tarball}")]);
        assert!(listed.contains("lib/bad/a/b"), "{listed}");
        for own in ["dist", "fitout.toml", ".git", "deep", "o3", "o4", "o5"] {
            assert!(!listed.contains(&format!("lib/bad/{own}")), "{args:?}: {own} was packed\n{listed}");
        }
        assert!(!listed.contains(".git"), "{listed}");
    }
}

/// Paths below `/usr/lib/bad` of the plan.
fn planned(folder: &Path) -> Vec<String> {
    let (code, told, stderr) = run(folder, &["plan", "--format", "deb", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let plan: serde_json::Value = serde_json::from_str(&told).unwrap();
    let entries = plan["plans"][0]["entries"].as_array().unwrap();
    let paths = entries.iter().map(|entry| entry["path"].as_str().unwrap());
    paths.filter_map(|path| path.strip_prefix("/usr/lib/bad/")).map(str::to_owned).collect()
}

#[test]
fn neither_keys_nor_what_was_published_or_built_elsewhere_is_packed() {
    let rest = "[[files]]\nfrom = \".\"\nto = \"/usr/lib/bad\"\n\n\
                [[files]]\nfrom = \"secret/*\"\nto = \"/usr/lib/bad/glob\"\n\n\
                [sign]\nkeys = [{ file = \"secret/key.asc\" }]\n\n\
                [[publish.apt]]\nto = \"file:repo/apt\"\n\n\
                [[publish.files]]\nto = \"file:shop/{version}\"\n\n\
                [environment.live.sign]\nkeys = [{ file = \"live.asc\" }]\n";
    let folder = project(&[
        ("fitout.toml", &config(rest)),
        ("app/a", "a"),
        ("app/manifest.json", "{\"name\": \"a web page\"}"),
        ("secret/public", "p"),
        ("live.asc", "k"),
    ]);
    let folder = folder.path();
    let (code, _, stderr) = run(folder, &["keys", "new", "--out", "secret/key.asc"]);
    assert_eq!(code, 0, "{stderr}");
    // A key that is named by a link is left out with it.
    std::os::unix::fs::symlink("secret/key.asc", folder.join("current.asc")).unwrap();
    fs::write(folder.join("fitout.toml"), config(rest).replace("secret/key.asc", "current.asc")).unwrap();
    let before = planned(folder);
    let all = ["app", "app/a", "app/manifest.json", "glob", "glob/public", "secret", "secret/public"];
    assert_eq!(before, all);
    fs::remove_file(folder.join("current.asc")).unwrap();
    fs::write(folder.join("fitout.toml"), config(rest)).unwrap();
    assert_eq!(planned(folder), all);
    for args in [&["build", "--out", "out"][..], &["build"], &["publish"]] {
        let (code, _, stderr) = run(folder, args);
        assert_eq!(code, 0, "{args:?}: {stderr}");
    }
    assert!(folder.join("repo/apt/dists").is_dir() && folder.join("shop/1.0.0").is_dir());
    // The folder of another version, which the config does not name any more.
    fs::write(folder.join("fitout.toml"), config(rest).replace("1.0.0", "1.1.0")).unwrap();
    assert_eq!(planned(folder), before);
    built(folder, &[], "dist");
}

const ALL: &str = "[[files]]\nfrom = \".\"\nto = \"/usr/lib/bad\"\n\n";

#[test]
fn sources_beside_old_artifacts_are_taken() {
    let folder = project(&[("fitout.toml", &config(ALL)), ("src/a", "a")]);
    let folder = folder.path();
    let before = planned(folder);
    built(folder, &["--out", "src/pkg"], "src/pkg");
    assert_eq!(planned(folder), before);
    fs::write(folder.join("src/pkg/app.service"), "").unwrap();
    assert_eq!(planned(folder), ["src", "src/a", "src/pkg", "src/pkg/app.service"]);
}

#[test]
fn a_place_counts_once_it_was_published_to() {
    let rest = format!("{ALL}[[publish.files]]\nto = \"file:site/downloads\"\n");
    let folder = project(&[("fitout.toml", &config(&rest)), ("site/a", ""), ("site/downloads/manual.pdf", "")]);
    let folder = folder.path();
    assert_eq!(planned(folder), ["site", "site/a", "site/downloads", "site/downloads/manual.pdf"]);
    for args in [&["build"][..], &["publish"]] {
        let (code, _, stderr) = run(folder, args);
        assert_eq!(code, 0, "{args:?}: {stderr}");
    }
    assert_eq!(planned(folder), ["site", "site/a"]);
    let (_, _, stderr) = run(folder, &["plan", "--verbose"]);
    let note = "note[files/published]: `site/downloads` is passed over: it is a folder that was published to";
    assert!(stderr.contains(note), "{stderr}");
    let (_, _, stderr) = run(folder, &["explain", "/usr/lib/bad/site/downloads/manual.pdf"]);
    assert!(stderr.contains("`site/downloads` is passed over: it is a folder that was published to"), "{stderr}");
    // One that a rule names is meant, but for what only its writers need.
    let named = format!("{rest}[[files]]\nfrom = \"site/downloads\"\nto = \"/usr/lib/bad/shop\"\n");
    fs::write(folder.join("fitout.toml"), config(&named)).unwrap();
    fs::create_dir(folder.join("site/downloads/deep")).unwrap();
    fs::write(folder.join("site/downloads/deep/.fitout-put-x"), "").unwrap();
    let planned = planned(folder);
    assert!(planned.contains(&"shop/manual.pdf".to_owned()), "{planned:?}");
    assert!(!planned.iter().any(|path| path.contains(".fitout")), "{planned:?}");
}

#[test]
fn what_other_configs_name_is_not_packed_either() {
    let other = "[package]\nname = \"other\"\n\n[sign]\nkeys = [{ file = \"other.asc\" }]\n";
    let cargo = "[package]\nname = \"a\"\nedition = \"2024\"\n";
    let files = [("live.toml", other), ("other.asc", "k"), ("Cargo.toml", cargo), ("a", "a")];
    let folder = project(&[&[("fitout.toml", config(ALL).as_str())], &files[..]].concat());
    assert_eq!(planned(folder.path()), ["Cargo.toml", "a"]);
    let named = config("[[files]]\nfrom = \"other.asc\"\nto = \"/usr/lib/bad/\"\n");
    fs::write(folder.path().join("fitout.toml"), named).unwrap();
    let (code, _, stderr) = run(folder.path(), &["plan"]);
    assert!(code == 2 && stderr.contains("files/secret"), "{stderr}");
}

#[test]
fn what_is_named_is_taken() {
    let files = "[[files]]\nfrom = \"fitout.toml\"\nto = \"/usr/lib/bad/\"\n\n[[files]]\nfrom = \"dist/*.js\"\nto = \"/usr/lib/bad\"\n";
    let folder = project(&[("fitout.toml", &config(files)), ("dist/app.js", "")]);
    let (code, listed, stderr) = run(folder.path(), &["plan"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(listed.contains("/usr/lib/bad/fitout.toml") && listed.contains("/usr/lib/bad/app.js"), "{listed}");
    built(folder.path(), &["--out", "packages"], "packages");
    let (code, _, stderr) = run(folder.path(), &["build"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("error[files/output]") && stderr.contains("--out DIR"), "{stderr}");
}

fn listed(folder: &Path) -> Vec<String> {
    let text = fs::read(folder.join("dist/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let artifacts = manifest["artifacts"].as_array().unwrap();
    artifacts.iter().map(|artifact| artifact["format"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_narrowed_build_keeps_the_list_of_the_others() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    let folder = folder.path();
    let whole = built(folder, &[], "dist");
    let part = built(folder, &["--format", "rpm"], "dist");
    assert!(whole == part, "what a whole build leaves and a part of it again differ");
    assert_eq!(listed(folder), ["deb", "rpm", "tarball", "zip", "oci"]);

    // Neither what is gone nor what was changed is listed, were it by one byte of the same size.
    let path = |suffix: &str| {
        let name = whole.keys().find(|name| name.ends_with(suffix)).unwrap();
        folder.join("dist").join(name)
    };
    fs::remove_file(path(".deb")).unwrap();
    let mut bytes = fs::read(path(".zip")).unwrap();
    bytes[40] ^= 1;
    fs::write(path(".zip"), bytes).unwrap();
    built(folder, &["--format", "rpm"], "dist");
    assert_eq!(listed(folder), ["rpm", "tarball", "oci"]);
    built(folder, &["--format", "deb"], "dist");
    assert_eq!(listed(folder), ["rpm", "tarball", "oci", "deb"]);

    // Those of another version are none of this one's.
    fs::write(folder.join("fitout.toml"), config(TREE).replace("1.0.0", "1.1.0")).unwrap();
    built(folder, &["--format", "rpm"], "dist");
    assert_eq!(listed(folder), ["rpm"]);

    // A list that is none does no harm.
    for damaged in ["", "{", "[]", "{\"schema\": \"fitout/manifest/1\"}"] {
        fs::write(folder.join("dist/manifest.json"), damaged).unwrap();
        built(folder, &["--format", "rpm"], "dist");
        assert_eq!(listed(folder), ["rpm"]);
    }
    built(folder, &[], "dist");
    assert_eq!(listed(folder), ["deb", "rpm", "tarball", "zip", "oci"]);
}

#[test]
fn every_verb_knows_the_output_folder() {
    let files = "[[files]]\nfrom = \".\"\nto = \"/usr/lib/bad\"\n";
    let folder = project(&[("fitout.toml", &config(files)), ("a", "a"), ("out/older.deb", "")]);
    let folder = folder.path();
    let within = |out: Option<&str>, args: &[&str]| {
        let mut command = fitout(folder);
        out.map(|out| command.env("FITOUT_OUT", out));
        finish(command.args(args).output().unwrap())
    };
    assert!(within(None, &["plan"]).1.contains("/usr/lib/bad/out/older.deb"));
    for (out, args) in [(Some("out"), &["plan"][..]), (None, &["plan", "--out", "out"])] {
        let (code, listed, stderr) = within(out, args);
        assert_eq!(code, 0, "{stderr}");
        assert!(listed.contains("/usr/lib/bad/a") && !listed.contains("/usr/lib/bad/out"), "{args:?}: {listed}");
    }
    let (code, _, stderr) = within(Some("out"), &["explain", "/usr/lib/bad/out/older.deb"]);
    assert!(code == 2 && stderr.contains("cli/not-in-plan"), "{stderr}");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    let of_flags = ["ENVIRONMENT", "JOBS", "OUT", "CONFIG", "CACHE_DIR", "CACHE_SIZE", "SHARED_CACHE"];
    let mut command = fitout(folder.path());
    command
        .envs(of_flags.map(|name| (format!("FITOUT_{name}"), "")))
        .env("XDG_CACHE_HOME", folder.path().join("cache"));
    let (code, stdout, stderr) = finish(command.args(["build", "--quiet"]).output().unwrap());
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("dist/"), "{stdout}");
    let (code, _, stderr) = finish(fitout(folder.path()).env("FITOUT_JOBS", "many").arg("build").output().unwrap());
    assert!(code == 2 && stderr.contains("invalid value 'many'"), "{stderr}");
}

#[test]
fn a_misused_command_line_is_a_document_too() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    for (args, message) in [
        (&["plan", "--json", "--bogus"][..], "unexpected argument '--bogus' found"),
        (&["build", "--json", "--jobs", "0"], "invalid value '0' for '--jobs <N>': 0 is not in 1..=256"),
        (&["--json", "nope"], "unrecognized subcommand 'nope'"),
        (&["explain", "--json"], "the following required arguments were not provided: <WHAT>"),
        (&["generate", "man", "--json"], "what this generates is no JSON"),
    ] {
        let (code, stdout, stderr) = run(folder.path(), args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        let document: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{args:?}: {e}"));
        assert_eq!(document["schema"], "fitout/findings/1", "{args:?}");
        let finding = &document["findings"][0];
        assert_eq!((&finding["code"], &finding["message"]), (&"cli/usage".into(), &message.into()), "{args:?}");
    }
    for args in [&["plan", "--bogus"][..], &["explain", "--", "--json"]] {
        assert_eq!((run(folder.path(), args).0, run(folder.path(), args).1.as_str()), (2, ""), "{args:?}");
    }
}

#[test]
fn a_man_page_begins_with_the_usage_of_its_verb() {
    let folder = tempfile::tempdir().unwrap();
    let (code, page, stderr) = run(folder.path(), &["generate", "man"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(page.contains(".SH SYNOPSIS\n\\fBfitout\\fR [OPTIONS] <COMMAND>\n"), "{page}");
    assert_eq!(run(folder.path(), &["generate", "man", "pages"]).0, 0);
    let page = fs::read_to_string(folder.path().join("pages/fitout-release-relup.1")).unwrap();
    assert!(page.contains(".SH SYNOPSIS\n\\fBfitout release relup\\fR [OPTIONS] <OLD> <NEW>\n"), "{page}");
}
