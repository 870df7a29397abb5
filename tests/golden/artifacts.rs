//! What a user has -> what is in the artifacts: `cases/CASE` is a project, and each of its configs is built.
//!
//! `FORMAT/CASE.txt` holds everything that `fitout inspect` reads back and the digest of the whole file, so that no
//! byte changes unseen; `plan/CASE.txt` holds the text of `fitout plan`. `fitout.toml` gives the golden `CASE`,
//! `fitout.NAME.toml` gives `CASE.NAME`. A first line `# --environment NAME` is passed on.

use std::fmt::Write as _;
use std::path::Path;

use fitout::run::format_names;

use super::harness::{Case, Goldens, files, folder, folders};

/// Cases whose plans are goldens too.
const PLANNED: &[&str] = &["overlay", "tree"];

#[test]
fn artifacts() {
    let mut goldens = Goldens::default();
    for name in folders("cases") {
        let case = Case::copy(format!("cases/{name}"));
        for config in configs(&case) {
            let golden = golden_of(&name, &config);
            for (format, text) in built(&case, &config) {
                goldens.agree(format!("{format}/{golden}.txt"), &text);
            }
        }
    }
    goldens.finish();
}

#[test]
fn plans() {
    let mut goldens = Goldens::default();
    for name in PLANNED {
        let case = Case::copy(format!("cases/{name}"));
        for config in configs(&case) {
            let options = options(&case, &config);
            let mut arguments = vec!["plan", "--config", &config];
            arguments.extend(options.iter().map(String::as_str));
            let (code, stdout, stderr) = case.fitout(&arguments);
            assert_eq!(code, 0, "{name}: {stderr}");
            goldens.agree(format!("plan/{}.txt", golden_of(name, &config)), &stdout);
        }
    }
    goldens.finish();
}

/// What is not packed yet: `inspect/CASE/inspect` names the folder or program.
#[test]
fn unpacked() {
    let mut goldens = Goldens::default();
    for name in folders("inspect") {
        let case = Case::copy(format!("inspect/{name}"));
        let of = fs_err::read_to_string(case.folder.join("inspect")).expect("what to look at");
        let (code, stdout, stderr) = case.fitout(&["inspect", of.trim()]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{name}: {stderr}");
        goldens.agree(format!("inspect/{name}/expected.txt"), &stdout);
    }
    goldens.finish();
}

/// What is left of a case that was renamed would be compared with nothing.
#[test]
fn no_golden_is_left_over() {
    let wanted: Vec<String> = folders("cases")
        .iter()
        .flat_map(|name| {
            let configs = files(&folder().join("cases").join(name)).into_iter().filter(|file| is_config(file));
            configs.map(|config| golden_of(name, &config) + ".txt").collect::<Vec<_>>()
        })
        .collect();
    for format in format_names() {
        for file in files(&folder().join(format)) {
            assert!(wanted.contains(&file), "{format}/{file} belongs to no case");
        }
    }
}

fn is_config(file: &str) -> bool {
    file.starts_with("fitout.") && Path::new(file).extension().is_some_and(|extension| extension == "toml")
}

fn configs(case: &Case) -> Vec<String> {
    files(&case.folder).into_iter().filter(|file| is_config(file)).collect()
}

fn golden_of(case: &str, config: &str) -> String {
    case.to_owned() + config.trim_start_matches("fitout").trim_end_matches(".toml")
}

/// What the first line of a config asks for.
fn options(case: &Case, config: &str) -> Vec<String> {
    let text = fs_err::read_to_string(case.folder.join(config)).expect("the config of the case");
    let line = text.lines().next().and_then(|line| line.strip_prefix("# --"));
    line.map_or_else(Vec::new, |line| format!("--{line}").split(' ').map(str::to_owned).collect())
}

/// The listing of every artifact of one config, by format; those of several targets below each other.
fn built(case: &Case, config: &str) -> Vec<(String, String)> {
    let options = options(case, config);
    let mut arguments = vec!["build", "--json", "--config", config];
    arguments.extend(options.iter().map(String::as_str));
    let (code, stdout, stderr) = case.fitout(&arguments);
    assert_eq!(code, 0, "{config}: {stderr}");
    let made: serde_json::Value = serde_json::from_str(&stdout).expect("a document");
    let mut listings: Vec<(String, String)> = Vec::new();
    for artifact in made["artifacts"].as_array().expect("artifacts") {
        let text = |key: &str| artifact[key].as_str().expect("a string").to_owned();
        let path = text("path");
        let (code, stdout, stderr) = case.fitout(&["inspect", "--tree", "--scripts", "--fields", &path]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{path}: {stderr}");
        let listing = format!("{}\nsha256 {}\n\n{stdout}", text("file"), text("sha256"));
        match listings.iter_mut().find(|(format, _)| *format == text("format")) {
            Some((_, listings)) => {
                let _ = write!(listings, "\n{listing}");
            }
            None => listings.push((text("format"), listing)),
        }
    }
    listings
}
