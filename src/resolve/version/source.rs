//! Where the version comes from: a literal, git, a file, the project's own metadata, the release, or a command.
//! Never an environment variable.

use std::path::Path;

use crate::build::ask::ask;
use crate::config::schema::{At, Text, VersionSource};
use crate::config::suggest;
use crate::diagnostic::{Diagnostic, codes};
use crate::resolve::git;
use crate::resolve::ground::{Ground, read_text};
use crate::resolve::identity::{Fact, Version};
use crate::resolve::preset::Preset;

use super::{cargo, dotenv, mix, parse};

/// A version and, in a few words, where it was found (`mix.exs`, `git v1.4.0`).
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The version.
    pub version: Fact<Version>,
    /// Where.
    pub from: String,
}

const SOURCES: &str =
    "sources are `git`, `release`, `Cargo.toml`, `mix.exs`, `file:PATH`, `file:PATH#KEY` and `command:…`";

/// Finds the version; reports and gives `None` if there is none.
pub(crate) fn find(ground: &Ground, source: &At<VersionSource>, preset: Option<&Preset>) -> Option<Found> {
    let (text, from, at) = match &source.value {
        VersionSource::Literal(text) => (text.clone(), "fitout.toml".to_owned(), source.range.clone()),
        VersionSource::From { from } => {
            let (text, words) = look_up(ground, from, preset)?;
            (text, words, from.range.clone())
        }
    };
    let span = ground.span(&at);
    match parse(&text) {
        Ok(version) => {
            Some(Found { version: Fact { value: version, origin: crate::diagnostic::Origin::Config(span) }, from })
        }
        Err(why) => {
            let shown: String = text.chars().take(60).collect();
            let message = format!("`{}` is not a version: {why}", shown.escape_debug());
            let mut finding = Diagnostic::error(codes::RESOLVE_VERSION, message).at(&span, "");
            if from != "fitout.toml" {
                finding = finding.note(format!("it was found in {from}"));
            }
            ground.report(finding.help("write it as in `1.2.3`, `1.2.3-rc.1` or `2026.01`"));
            None
        }
    }
}

fn look_up(ground: &Ground, from: &Text, preset: Option<&Preset>) -> Option<(String, String)> {
    let word = from.value.as_str();
    if word == "git" {
        return from_git(ground, from);
    }
    if let Some(command) = word.strip_prefix("command:") {
        return from_command(ground, from, command);
    }
    if let Some(place) = word.strip_prefix("file:") {
        return from_file(ground, from, place);
    }
    if word == "release" {
        return from_release(ground, from, preset);
    }
    let name = Path::new(word).file_name().and_then(|name| name.to_str());
    match name {
        Some("Cargo.toml") => match cargo::read(&ground.path(word), word) {
            Ok(version) => Some((version, word.to_owned())),
            Err(why) => {
                missing(ground, from, why, "point at the Cargo.toml that has the version, or write the version itself")
            }
        },
        Some("mix.exs") => from_mix(ground, from),
        _ => {
            let known = ["git", "release", "Cargo.toml", "mix.exs", "file:VERSION", "command:"];
            let label = suggest::nearest(word, known).map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
            let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{word}` is no source of versions"));
            ground.report(finding.at(&ground.span(&from.range), label).help(SOURCES));
            None
        }
    }
}

fn missing<T>(ground: &Ground, from: &Text, why: impl Into<String>, help: impl Into<String>) -> Option<T> {
    ground.refuse(codes::RESOLVE_NO_VERSION, from, why, help);
    None
}

fn from_git(ground: &Ground, from: &Text) -> Option<(String, String)> {
    match git::describe(ground.dir) {
        Ok((version, Some(tag))) => Some((version.text, format!("git {tag}"))),
        Ok((version, None)) => Some((version.text, "git, no tag".into())),
        Err(git::NoVersion::Shallow) => missing(
            ground,
            from,
            "this clone is shallow, and no tag is in the part of the history that it has",
            "run `git fetch --unshallow --tags`, or check out with the whole history",
        ),
        Err(git::NoVersion::Tag(tag, why)) => {
            missing(ground, from, format!("the tag `{tag}` is not a version: {why}"), "tag releases as `v1.2.3`")
        }
        Err(git::NoVersion::Git(refusal)) => {
            let finding = Diagnostic::error(codes::RESOLVE_NO_VERSION, "git gives no version")
                .at(&ground.span(&from.range), "")
                .help("the folder of fitout.toml must be in a git repository that has a commit");
            ground.report(refusal.lines().into_iter().fold(finding, Diagnostic::note));
            None
        }
    }
}

fn from_command(ground: &Ground, from: &Text, command: &str) -> Option<(String, String)> {
    match ask(ground.dir, "sh", &["-c", command]) {
        Ok(answer) => Some((answer.trim().to_owned(), format!("`{command}`"))),
        Err(refusal) => {
            let finding = Diagnostic::error(codes::RESOLVE_COMMAND_FAILED, format!("`{command}` gives no version"))
                .at(&ground.span(&from.range), "")
                .help("it is run by `sh -c` in the folder of fitout.toml, and what it prints is the version");
            ground.report(refusal.lines().into_iter().fold(finding, Diagnostic::note));
            None
        }
    }
}

fn from_file(ground: &Ground, from: &Text, place: &str) -> Option<(String, String)> {
    let (path, key) = match place.split_once('#') {
        Some((path, key)) => (path, Some(key)),
        None => (place, None),
    };
    let span = ground.span(&from.range);
    let file = ground.ok(read_text(&ground.path(path), path).map_err(|f| f.at(&span, "")))?;
    let Some(key) = key else { return Some((file.text.trim().to_owned(), path.to_owned())) };
    if let Some(value) = dotenv::value(&file.text, key) {
        return Some((value, place.to_owned()));
    }
    let help = match suggest::nearest(key, dotenv::keys(&file.text)) {
        Some(near) => format!("did you mean `file:{path}#{near}`?"),
        None => format!("it takes a line such as `{key}=1.2.3`"),
    };
    missing(ground, from, format!("`{path}` has no line `{key}=…`"), help)
}

fn from_mix(ground: &Ground, from: &Text) -> Option<(String, String)> {
    let word = from.value.as_str();
    let file = ground.read(from)?;
    match mix::version(&file.text) {
        Some(mix::Said::Literal(version)) => Some((version, word.to_owned())),
        Some(mix::Said::File(name)) => {
            let beside = Path::new(word).with_file_name(&name).display().to_string();
            let span = ground.span(&from.range);
            let text =
                ground.ok(read_text(&ground.path(&beside), &beside).map_err(|f| f.at(&span, "read by mix.exs")))?;
            Some((text.text.trim().to_owned(), format!("{word}, {beside}")))
        }
        None => missing(
            ground,
            from,
            format!("the version in `{word}` is no literal, and fitout does not run Elixir"),
            "use `from = \"release\"`, which reads the assembled release, or `from = \"command:…\"`",
        ),
    }
}

fn from_release(ground: &Ground, from: &Text, preset: Option<&Preset>) -> Option<(String, String)> {
    match preset {
        Some(Preset::Otp(release)) => Some((release.version.clone(), format!("release {}", release.name))),
        Some(_) => missing(
            ground,
            from,
            "`from = \"release\"` reads an OTP release, and this project has another preset",
            "set `preset = \"otp\"` under `[build]`, or take the version from elsewhere",
        ),
        // The preset could not be read, and has said why.
        None => None,
    }
}
