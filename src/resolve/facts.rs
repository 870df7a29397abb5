//! Who and what the package is: from the config, else from the preset, else an error that says where it could come from.

use crate::codec::calendar::date;
use crate::config::schema::{Manifest, Text};
use crate::diagnostic::{Code, Diagnostic, Origin, Span, codes};
use crate::resolve::identity::{Fact, Identity};

use super::git::Commit;
use super::ground::Ground;
use super::paragraphs;
use super::preset::{Known, Preset};
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
    // A preset that could not be read has said so; what it would have known is not missing as well.
    let required = |key: &str, typed: Option<&Text>, known: &Option<Fact<String>>, from: &str| {
        let found = typed.map(|text| ground.fact(text)).or_else(|| known.clone());
        if found.is_none() && given.preset.is_some() {
            missing(ground, key, from);
        }
        found
    };
    let name = required("name", package.name.as_ref(), &known.name, "the package's name in every format");
    let name = name.filter(|name| check(ground, name, codes::RESOLVE_NAME, "name", name_fault));
    let summary = required("summary", package.summary.as_ref(), &known.summary, "one line that says what it is");
    let summary = summary.filter(|s| check(ground, s, codes::CONFIG_INVALID_VALUE, "summary", summary_fault));
    let maintainer = required("maintainer", package.maintainer.as_ref(), &known.maintainer, "written `Name <mail>`");
    let maintainer = maintainer.filter(|m| check(ground, m, codes::RESOLVE_MAINTAINER, "maintainer", maintainer_fault));
    let license = required("license", package.license.as_ref(), &known.license, "an SPDX expression such as `MIT`");
    let license = license.filter(|l| check(ground, l, codes::RESOLVE_LICENSE, "licence", license_fault));
    let url = |what: &str, typed: Option<&Text>, known: &Option<Fact<String>>| {
        let found = typed.map(|url| ground.fact(url)).or_else(|| known.clone());
        found.filter(|url| check(ground, url, codes::RESOLVE_HOMEPAGE, what, url_fault))
    };
    let homepage = url("homepage", package.homepage.as_ref(), &known.homepage);
    let repository = url("repository", package.repository.as_ref(), &known.repository);
    let version = found_version(ground, manifest, request, given);
    let vendor = package.vendor.as_ref().map(|v| one_line(ground, v, "vendor"));
    let copyright = package.copyright.as_ref().map(|c| c.lines().map(|l| l.trim().to_owned()).collect::<Vec<_>>());
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
        description: package.description.as_ref().map(|text| paragraphs::wrap(text)).unwrap_or_default(),
        maintainer,
        license,
        copyright,
        homepage,
        repository,
        vendor,
        revision: given.commit.map(|commit| commit.id.clone()),
    };
    Some((identity, version.from))
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
        (None, None) => {
            if given.preset.is_some() {
                missing(ground, "version", "a literal such as `\"1.2.3\"`, or `{ from = \"git\" }`");
            }
            return None;
        }
    };
    found.version.value = environment::mark(found.version.value, manifest, request.environment.as_deref());
    Some(found)
}

fn missing(ground: &Ground, key: &str, what: &str) {
    let sources = match key {
        "name" | "version" => "; the presets `rust` and `otp` know it",
        "summary" => "; `description` in Cargo.toml, with `preset = \"rust\"`, or the release's .app file gives it too",
        "license" => "; `license` in Cargo.toml gives it too, with `preset = \"rust\"`",
        "maintainer" => "; `authors` in Cargo.toml gives it too, with `preset = \"rust\"`",
        _ => "",
    };
    ground.report(
        Diagnostic::error(codes::CONFIG_MISSING_KEY, format!("`{key}` is missing under `[package]`"))
            .at(&ground.table("package"), "")
            .help(format!("add `{key}`: {what}{sources}")),
    );
}

/// Reports what `fault` finds; whether all is well.
fn check(ground: &Ground, fact: &Fact<String>, code: Code, what: &str, fault: fn(&str) -> Option<String>) -> bool {
    let Some(help) = fault(fact) else { return true };
    let shown: String = fact.chars().take(80).collect();
    let finding = Diagnostic::error(code, format!("`{}` is no {what} that packages can carry", shown.escape_debug()));
    let finding = finding.at_origin(&fact.origin, "").help(help);
    ground.report(match &fact.origin {
        Origin::Config(_) => finding,
        other => finding.note(format!("it was found by {other}")),
    });
    false
}

fn one_line(ground: &Ground, text: &Text, key: &str) -> String {
    if text.contains('\n') {
        ground.refuse(codes::CONFIG_INVALID_VALUE, text, format!("`{key}` is one line"), "take the line break out");
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

/// Checks the form of an SPDX expression, not whether its identifiers are listed.
fn license_fault(license: &str) -> Option<String> {
    if license.contains('/') {
        return Some(format!("alternatives are joined by `OR`: `{}`", license.replace('/', " OR ").replace("  ", " ")));
    }
    let spaced = license.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_identifier) = (0u32, true);
    for word in spaced.split_whitespace() {
        match (word, wants_identifier) {
            ("(", true) => depth += 1,
            (")", false) if depth > 0 => depth -= 1,
            ("AND" | "OR" | "WITH", false) => wants_identifier = true,
            (word, true) if is_license_id(word) => wants_identifier = false,
            (word, false) if is_license_id(word) => {
                return Some(format!("`{word}` follows another identifier: join them by `AND`, `OR` or `WITH`"));
            }
            (word, _) => return Some(format!("`{word}` may not stand there: write it as in `MIT OR Apache-2.0`")),
        }
    }
    (wants_identifier || depth > 0).then(|| "the expression ends too early: write it as in `MIT OR Apache-2.0`".into())
}

fn is_license_id(word: &str) -> bool {
    let word = word.strip_suffix('+').unwrap_or(word);
    word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c))
        && !matches!(word.to_ascii_uppercase().as_str(), "AND" | "OR" | "WITH")
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
    fn licences() {
        for good in [
            "MIT",
            "Apache-2.0 OR MIT",
            "(MIT AND BSD-3-Clause) OR GPL-2.0+",
            "GPL-3.0-only WITH GCC-exception-3.1",
            "LicenseRef-Ours",
        ] {
            assert_eq!(license_fault(good), None, "{good}");
        }
        for bad in
            ["", "MIT/Apache-2.0", "MIT Apache-2.0", "MIT OR", "(MIT", "MIT)", "OR", "MIT, BSD", "GPL® 2", "MIT or X"]
        {
            assert!(license_fault(bad).is_some(), "{bad:?}");
        }
        assert!(license_fault("MIT/Apache-2.0").unwrap().contains("`MIT OR Apache-2.0`"));
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
