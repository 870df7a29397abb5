//! The overlay, merged once: a [`Document`] and the name of an environment become the [`Manifest`] in a [`Reading`].
//!
//! Tables are merged key by key, everything else is replaced; values keep the place where they were typed. After this
//! nobody asks which environment a value came from: its span says it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::version;
use crate::config::load::{Document, Reading};
use crate::config::schema::Manifest;
use crate::config::{environments as named, suggest};
use crate::diagnostic::{Diagnostic, Findings, codes, in_order};
use crate::resolve::identity::Version;

/// Reads the document with the overlay of `environment`, or as it is; without what stands at the places `without`. An
/// environment that is in the document and wrong is not merged.
///
/// # Errors
/// The environment is not in the document: nobody knows what else would be wrong in it.
pub fn read(document: &Document, environment: Option<&str>, without: &[Range<usize>]) -> Result<Reading, Findings> {
    let (mut tree, lost) = document.tree(without);
    let mut merged = None;
    if let Some(name) = environment {
        if let Some(overlay) = overlay(tree.get_ref(), name) {
            merge(tree.get_mut(), overlay);
            merged = Some(name);
        } else if !lost.contains(&format!("environment.{name}")) {
            let mut findings = document.findings.clone();
            findings.push(unknown(document, tree.get_ref(), name));
            return Err(in_order(findings, document.source()));
        }
    }
    Ok(document.read(tree, lost, merged))
}

/// Names of the environments that the document has, sorted.
pub fn names(document: &Document) -> Vec<String> {
    environments(document.tree(&[]).0.get_ref()).into_iter().map(str::to_owned).collect()
}

/// Adds `+staging` to the version, unless the overlay sets a version of its own: an artifact of an environment must not
/// be taken for the one without. The manifest is the merged one, which still holds the overlays.
pub(crate) fn mark(version: Version, manifest: &Manifest, environment: Option<&str>) -> Version {
    let Some(name) = environment else { return version };
    let overlay = manifest.environment.get(name);
    let sets_version =
        overlay.and_then(|table| table.get("package")).is_some_and(|package| package.get("version").is_some());
    if sets_version {
        return version;
    }
    // Hyphens are not for every format's version; dots are.
    version::with_build(&version, &name.replace('-', "."))
}

fn environments<'t>(tree: &'t DeTable<'_>) -> Vec<&'t str> {
    let all = tree.get("environment").and_then(|value| value.get_ref().as_table());
    all.into_iter().flat_map(DeTable::keys).map(|name| name.get_ref().as_ref()).collect()
}

fn overlay<'i>(tree: &DeTable<'i>, name: &str) -> Option<DeTable<'i>> {
    let all = tree.get("environment")?.get_ref().as_table()?;
    all.get(name)?.get_ref().as_table().cloned()
}

fn merge<'i>(base: &mut DeTable<'i>, overlay: DeTable<'i>) {
    for (key, value) in overlay {
        let name = key.get_ref().as_ref();
        if let Some(DeValue::Table(below)) = base.get_mut(name).map(Spanned::get_mut)
            && let DeValue::Table(above) = value.get_ref()
        {
            merge(below, above.clone());
            continue;
        }
        // The map would keep the old key, and with it the old place.
        base.remove(name);
        base.insert(key, value);
    }
}

fn unknown(document: &Document, tree: &DeTable<'_>, name: &str) -> Diagnostic {
    let message = format!("there is no environment `{}`", name.escape_debug());
    let finding = Diagnostic::error(codes::CONFIG_NO_ENVIRONMENT, message);
    let existing = environments(tree);
    // The table that would be missing could not have this name either.
    let finding = if named::is_name(name) { finding } else { finding.help(named::HELP) };
    if existing.is_empty() && !named::is_name(name) {
        return finding.path(&document.source().name);
    }
    if existing.is_empty() {
        return finding
            .path(&document.source().name)
            .help(format!("add a table `[environment.{name}]`, or leave `--environment` out"));
    }
    let list = existing.join(", ");
    let finding = match suggest::nearest(name, existing).and_then(|near| Some((near, place_of(tree, near)?))) {
        Some((near, range)) => finding.at(&document.span(range), format!("did you mean `{near}`?")),
        None => finding.path(&document.source().name),
    };
    finding.help(format!("environments here: {list}"))
}

/// Where the name of an environment stands.
fn place_of(tree: &DeTable<'_>, name: &str) -> Option<std::ops::Range<usize>> {
    let all = tree.get("environment")?.get_ref().as_table()?;
    all.get_key_value(name).map(|(key, _)| key.span())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{Vocabulary, load};

    const TEXT: &str = r#"
[package]
name = "hello"
summary = "base"
version = { from = "git" }
bundle = ["a", "b"]
[format.deb]
depends = ["libc6"]
fields = { X-One = "1", X-Two = "2" }
[[files]]
from = "a"
to = "/a"
[environment.staging.package]
summary = "overlay"
version = "2.0"
bundle = []
[environment.staging.format.deb]
fields.X-Two = "two"
[[environment.staging.files]]
from = "b"
to = "/b"
[environment.live.format.oci.health-check]
interval = "1s"
"#;

    fn document() -> Document {
        let document = load("fitout.toml", TEXT, &Vocabulary { formats: &["deb"] }).expect("TOML");
        assert!(document.findings.is_empty());
        document
    }

    fn manifest(document: &Document, environment: Option<&str>) -> Result<Manifest, Findings> {
        let reading = read(document, environment, &[])?;
        if reading.findings.is_empty() { Ok(reading.manifest) } else { Err(reading.findings) }
    }

    #[test]
    fn without_an_environment_the_base_holds() {
        let manifest = manifest(&document(), None).expect("reads");
        assert_eq!(manifest.package.summary.expect("a summary").value, "base");
        assert_eq!(manifest.files[0].to.as_ref().expect("a path").value, "/a");
    }

    #[test]
    fn tables_are_merged_and_the_rest_is_replaced() {
        let manifest = manifest(&document(), Some("staging")).expect("reads");
        assert_eq!(manifest.package.name.expect("a name").value, "hello");
        assert_eq!(manifest.package.summary.expect("a summary").value, "overlay");
        assert!(manifest.package.bundle.is_empty());
        let version = manifest.package.version.expect("a version");
        assert_eq!(version.value, crate::config::schema::VersionSource::Literal("2.0".to_owned()));
        assert_eq!(manifest.files.len(), 1);
        assert_eq!(manifest.files[0].to.as_ref().expect("a path").value, "/b");
        let fields: Vec<_> = manifest.format.deb.fields.iter().map(|(k, v)| (k.as_str(), v.value.as_str())).collect();
        assert_eq!(fields, [("X-One", "1"), ("X-Two", "two")]);
        assert_eq!(manifest.format.deb.depends.len(), 1);
    }

    #[test]
    fn values_keep_their_places() {
        let document = document();
        let manifest = manifest(&document, Some("staging")).expect("reads");
        let summary = manifest.package.summary.expect("a summary");
        assert_eq!(&TEXT[summary.range.clone()], "\"overlay\"");
        assert_eq!(document.span(summary.range).line_column().0, 14);
        assert_eq!(&TEXT[manifest.package.name.expect("a name").range], "\"hello\"");
    }

    #[test]
    fn what_does_not_make_a_whole_is_found_after_the_merge() {
        let findings = manifest(&document(), Some("live")).expect_err("`command` is nowhere");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, codes::CONFIG_MISSING_KEY);
        assert!(findings[0].message.contains("`command`"), "{}", findings[0].message);
    }

    #[test]
    fn an_unknown_environment_names_the_nearest() {
        let findings = manifest(&document(), Some("stagging")).expect_err("not there");
        assert_eq!(findings[0].code, codes::CONFIG_NO_ENVIRONMENT);
        assert_eq!(findings[0].labels[0].text, "did you mean `staging`?");
        assert_eq!(&TEXT[findings[0].labels[0].span.range.clone()], "staging");
        assert_eq!(names(&document()), ["live", "staging"]);
    }

    #[test]
    fn the_environment_is_told_from_the_version() {
        let text = "[environment.staging.build]\npreset = \"otp\"\n[environment.pre-prod.package]\nversion = \"9\"\n";
        let document = load("fitout.toml", text, &Vocabulary { formats: &["deb"] }).expect("no findings");
        let marked = |name: Option<&str>| {
            let merged = manifest(&document, name.filter(|name| *name != "other-one")).expect("reads");
            mark(version::parse("1.2.3+b5").expect("a version"), &merged, name).text
        };
        assert_eq!(marked(None), "1.2.3+b5");
        assert_eq!(marked(Some("staging")), "1.2.3+b5.staging");
        assert_eq!(marked(Some("pre-prod")), "1.2.3+b5", "the overlay sets the version");
        assert_eq!(marked(Some("other-one")), "1.2.3+b5.other.one");
    }
}
