//! Who and what the package is: from the config, else from the preset, else an error that says where it could come from.

use std::ops::Range;

use crate::codec::calendar::date;
use crate::config::schema::{Manifest, Package, Text};
use crate::diagnostic::{Code, Diagnostic, Origin, Span, codes};
use crate::resolve::identity::{Fact, Identity, Replaced};

use super::git::Commit;
use super::ground::Ground;
use super::paragraphs;
use super::preset::{Known, Preset};
use super::spdx;
use super::version::{self, Found};
use super::{Request, environment};

/// What enters besides the manifest.
pub(crate) struct Given<'a> {
    pub preset: Option<&'a Preset>,
    pub known: &'a Known,
    pub commit: Option<&'a Commit>,
    pub clock: Option<i64>,
}

/// The identity, and in a few words where the version was found.
pub(crate) fn identity(
    ground: &Ground,
    manifest: &Manifest,
    request: &Request,
    given: &Given,
) -> Option<(Identity, String)> {
    let package = &manifest.package;
    let known = given.known;
    let mut missing = Vec::new();
    let mut required = |key: &'static str, typed: Option<&Text>, known: &Option<Fact<String>>| {
        let found = typed.map(|text| ground.fact(text)).or_else(|| known.clone());
        missing.extend(found.is_none().then_some(key));
        found
    };
    let name = required("name", package.name.as_ref(), &known.name);
    let name = name.filter(|name| check(ground, name, codes::RESOLVE_NAME, "name", name_fault));
    let summary = required("summary", package.summary.as_ref(), &known.summary);
    let summary = summary.filter(|s| check(ground, s, codes::CONFIG_INVALID_VALUE, "summary", summary_fault));
    let maintainer = required("maintainer", package.maintainer.as_ref(), &known.maintainer);
    let maintainer = maintainer.filter(|m| check(ground, m, codes::RESOLVE_MAINTAINER, "maintainer", maintainer_fault));
    let license = required("license", package.license.as_ref(), &known.license);
    let license = license.filter(|license| is_license(ground, license));
    let url = |what: &str, typed: Option<&Text>, known: &Option<Fact<String>>| {
        let found = typed.map(|url| ground.fact(url)).or_else(|| known.clone());
        found.filter(|url| check(ground, url, codes::RESOLVE_HOMEPAGE, what, url_fault))
    };
    let homepage = url("homepage", package.homepage.as_ref(), &known.homepage);
    let repository = url("repository", package.repository.as_ref(), &known.repository);
    missing.extend((package.version.is_none() && known.version.is_none()).then_some("version"));
    // A preset that could not be read has said so; what it would have known is not missing as well.
    if given.preset.is_some() && !missing.is_empty() {
        report_missing(ground, &missing);
    }
    let version = found_version(ground, manifest, request, given);
    let vendor = package.vendor.as_ref().map(|v| one_line(ground, v, "vendor"));
    let description = package.description.as_ref().map(|text| paragraphs(ground, text)).unwrap_or_default();
    let copyright = package.copyright.as_ref().map(|c| c.lines().map(|l| l.trim().to_owned()).collect::<Vec<_>>());
    let replaces = replaced(ground, package, name.as_ref());
    let (name, summary, maintainer, license, version) = (name?, summary?, maintainer?, license?, version?);
    let clock = given.clock?;
    let holder = || {
        let who = maintainer.split('<').next().unwrap_or_default().trim();
        vec![format!("{} {who}", date(clock).year)]
    };
    let copyright = copyright.unwrap_or_else(holder);
    let identity = Identity {
        name,
        version: version.version,
        epoch: package.epoch.as_ref().map(|epoch| epoch.value),
        release: package.release.as_ref().map(|release| ground.fact(release)),
        summary,
        description,
        maintainer,
        license,
        copyright,
        homepage,
        repository,
        vendor,
        revision: given.commit.map(|commit| commit.id.clone()),
        replaces: replaces?,
    };
    Some((identity, version.from))
}

/// `old-name`, `old-name < 3.0`: which packages this one takes the place of.
fn replaced(ground: &Ground, package: &Package, own: Option<&Fact<String>>) -> Option<Vec<Replaced>> {
    let version = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+~:-".contains(c))
    };
    let read = |text: &Text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, before) = match words[..] {
            [name] => (name, None),
            [name, "<", before] if version(before) => (name, Some(before.to_owned())),
            _ => {
                let message = format!("`{}` is no name that a package had", text.escape_debug());
                let help = "write `old-name`, or `old-name < 3.0` for what is older than that";
                ground.refuse(codes::CONFIG_INVALID_VALUE, text, message, help);
                return None;
            }
        };
        if own.is_some_and(|own| own.value == name) {
            let help = "a new version takes the place of the older ones by itself: name what it was called before";
            ground.refuse(codes::CONFIG_INVALID_VALUE, text, "a package cannot replace itself", help);
            return None;
        }
        let name = Fact { value: name.to_owned(), origin: ground.origin(text) };
        Some(Replaced { name, before })
    };
    let all: Vec<Option<Replaced>> = package.replaces.iter().map(read).collect();
    all.into_iter().collect()
}

fn found_version(ground: &Ground, manifest: &Manifest, request: &Request, given: &Given) -> Option<Found> {
    let mut found = match (&manifest.package.version, &given.known.version) {
        (Some(source), _) => version::find(ground, source, given.preset)?,
        (None, Some(known)) => {
            let Ok(value) = version::parse(known) else {
                ground.report(
                    Diagnostic::error(codes::RESOLVE_VERSION, format!("`{}` is not a version", known.value))
                        .note(format!("it was found by {}", known.origin))
                        .help("set `version` under `[package]`"),
                );
                return None;
            };
            let from = match &known.origin {
                Origin::Preset { what, .. } => what.clone(),
                other => other.to_string(),
            };
            Found { version: Fact { value, origin: known.origin.clone() }, from }
        }
        (None, None) => return None,
    };
    found.version.value = environment::mark(found.version.value, manifest, request.environment.as_deref());
    Some(found)
}

/// One finding for all of them, with a line that says what each takes.
fn report_missing(ground: &Ground, keys: &[&str]) {
    let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let (are, list) = match &names[..] {
        [before @ .., last] if !before.is_empty() => ("are", format!("{} and {last}", before.join(", "))),
        _ => ("is", names.concat()),
    };
    let finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, format!("{list} {are} missing under `[package]`"));
    let finding = ground.in_table(finding, "package");
    ground.report(keys.iter().fold(finding, |finding, key| finding.help(format!("add `{key}`: {}", wanted(key)))));
}

/// What a key of `[package]` takes, and who else may know it.
fn wanted(key: &str) -> &'static str {
    match key {
        "name" => "the package's name in every format; the presets `rust` and `otp` know it",
        "version" => "a literal such as `\"1.2.3\"`, or `{ from = \"git\" }`; the presets `rust` and `otp` know it",
        "summary" => {
            "one line that says what it is; `description` in Cargo.toml, with `preset = \"rust\"`, or the release's .app file gives it too"
        }
        "license" => "an SPDX expression such as `MIT`; `license` in Cargo.toml gives it too, with `preset = \"rust\"`",
        _ => "written `Name <mail>`; `authors` in Cargo.toml gives it too, with `preset = \"rust\"`",
    }
}

/// Reports what `fault` finds; whether all is well.
fn check(ground: &Ground, fact: &Fact<String>, code: Code, what: &str, fault: fn(&str) -> Option<String>) -> bool {
    let Some(help) = fault(fact) else { return true };
    let shown: String = fact.chars().take(80).collect();
    let finding = Diagnostic::error(code, format!("`{}` is no {what} that packages can carry", shown.escape_debug()));
    ground.report(finding.at_origin(&fact.origin, "").help(help));
    false
}

fn paragraphs(ground: &Ground, text: &Text) -> String {
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        let help = "take the control character out";
        ground.refuse(codes::CONFIG_INVALID_VALUE, text, "`description` has a control character in it", help);
    }
    paragraphs::wrap(text)
}

fn one_line(ground: &Ground, text: &Text, key: &str) -> String {
    if text.chars().any(char::is_control) {
        let help = "take the line break or control character out";
        ground.refuse(codes::CONFIG_INVALID_VALUE, text, format!("`{key}` is one line of text"), help);
    }
    text.trim().to_owned()
}

/// The check that every format shares, because the name becomes part of paths; each format has more to say.
fn name_fault(name: &str) -> Option<String> {
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c))
        && name.len() <= 128;
    (!good).then(|| "a name begins with a letter or digit and goes on with letters, digits, `+`, `-`, `.`, `_`".into())
}

fn summary_fault(summary: &str) -> Option<String> {
    let good = !summary.trim().is_empty() && !summary.chars().any(char::is_control) && summary.chars().count() <= 200;
    (!good).then(|| "a summary is one line of up to 200 characters; more goes into `description`".into())
}

fn maintainer_fault(maintainer: &str) -> Option<String> {
    let parts = maintainer.strip_suffix('>').and_then(|rest| rest.split_once(" <"));
    let good = parts.is_some_and(|(name, mail)| {
        let (user, host) = mail.split_once('@').unwrap_or_default();
        !name.trim().is_empty()
            && !user.is_empty()
            && !host.is_empty()
            && !name.contains(['<', '>', '\n', '\r'])
            && !host.contains('@')
            && !mail.contains(['<', '>', ','])
            && !mail.chars().any(|c| c.is_whitespace() || c.is_control())
            && !maintainer.chars().any(char::is_control)
    });
    (!good).then(|| "write it as `Ops Team <ops@example.org>`".into())
}

fn url_fault(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let good = rest.is_some_and(|r| !r.is_empty() && !r.starts_with('/'))
        && !url.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"".contains(c));
    (!good).then(|| "write it as `https://example.org/hello`".into())
}

/// Checks the licence; deprecated identifiers are warned of.
fn is_license(ground: &Ground, fact: &Fact<String>) -> bool {
    let at = |finding: Diagnostic, range| finding.at_origin(&part(&fact.origin, &fact.value, &range), "");
    match spdx::check(fact) {
        Ok(deprecated) => {
            for old in deprecated {
                let message = format!("the SPDX identifier `{}` is deprecated", old.id);
                let finding = at(Diagnostic::warning(codes::RESOLVE_LICENSE_DEPRECATED, message), old.range);
                ground.report(finding.help(match old.instead {
                    Some(instead) => format!("write `{instead}`"),
                    None => "https://spdx.org/licenses/ says what takes its place".to_owned(),
                }));
            }
            true
        }
        Err(faults) => {
            for fault in faults {
                let shown: String = fact.chars().take(80).collect();
                let message = format!("`{}` is no licence expression: {}", shown.escape_debug(), fault.message);
                let finding = at(Diagnostic::error(codes::RESOLVE_LICENSE, message), fault.range);
                ground.report(fault.helps.into_iter().fold(finding, Diagnostic::help));
            }
            false
        }
    }
}

/// The place of a part of a string that stands in the config as it is, without escapes; else that of the whole string.
fn part(origin: &Origin, text: &str, range: &Range<usize>) -> Origin {
    let Origin::Config(span) = origin else { return origin.clone() };
    let typed = span.source.text.get(span.range.clone()).unwrap_or_default();
    let plain = ['"', '\''].iter().any(|quote| typed == format!("{quote}{text}{quote}"));
    if !plain || range.is_empty() {
        return origin.clone();
    }
    let start = span.range.start + 1;
    Origin::Config(Span::new(&span.source, start + range.start..start + range.end))
}

/// Where code goes: `/usr/lib/NAME` unless set.
pub(crate) fn prefix(ground: &Ground, typed: Option<&Text>, name: Option<&str>) -> Option<String> {
    let Some(typed) = typed else { return name.map(|name| format!("/usr/lib/{name}")) };
    let span = ground.span(&typed.range);
    ground.ok(host_path(&typed.value, &span)).map(|()| typed.value.clone())
}

/// Whether a path on the host is absolute and normalised; the root itself is not.
pub(crate) fn host_path(path: &str, span: &Span) -> Result<(), Diagnostic> {
    let climbs = path.split('/').any(|part| part == "..");
    let help = match path.strip_prefix('/') {
        _ if climbs => "write the place that is meant, without `..`".to_owned(),
        None => format!("it begins with `/`: `/{}`", path.escape_debug()),
        Some(rest)
            if rest.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.chars().any(char::is_control) =>
        {
            return Ok(());
        }
        Some(_) => "it has no empty part, no `.` and no control character, and does not end with `/`".into(),
    };
    let what = if climbs { "has `..` in it" } else { "is not an absolute, normalised path" };
    let message = format!("`{}` {what}", path.escape_debug());
    Err(Diagnostic::error(codes::RESOLVE_PATH, message).at(span, "").help(help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;

    #[test]
    fn maintainers() {
        for good in ["Ops Team <ops@example.org>", "Jürgen O'Neil <j+x@host>"] {
            assert_eq!(maintainer_fault(good), None, "{good}");
        }
        for bad in [
            "",
            "Ops",
            "<ops@example.org>",
            "Ops <ops>",
            "Ops <ops@>",
            "Ops ops@example.org",
            "A <a@b> B",
            "A <a@b\n>",
            "A <a@b@c>",
            "A\n <a@b>",
        ] {
            assert!(maintainer_fault(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_part_of_a_string_has_its_own_place() {
        let source =
            std::sync::Arc::new(SourceText { name: "x".into(), text: "a = \"b c\" 'b c' \"b\\u0020c\"".into() });
        let at = |range: Range<usize>| {
            let origin = Origin::Config(Span::new(&source, range));
            let Origin::Config(span) = part(&origin, "b c", &(2..3)) else { panic!("a place") };
            source.text[span.range].to_owned()
        };
        assert_eq!([at(4..9), at(10..15), at(16..26)], ["c", "c", "\"b\\u0020c\""]);
    }

    #[test]
    fn names_and_homepages() {
        assert!(["hello", "libssl3", "g++", "A_b.c"].iter().all(|n| name_fault(n).is_none()));
        assert!(["", "-a", "a b", "a/b", "..", "é"].iter().all(|n| name_fault(n).is_some()));
        assert!(["https://example.org", "http://x/y?z"].iter().all(|n| url_fault(n).is_none()));
        assert!(
            ["example.org", "ftp://x", "https://", "https://a b", "https:///x"].iter().all(|n| url_fault(n).is_some())
        );
    }
}
