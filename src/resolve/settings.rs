//! `[format.deb]`, `[format.rpm]`, `[format.tarball]`, `[format.zip]` -> their settings in the Plan.
//!
//! Closed words and numbers are checked here; what deb and rpm say of relations, fields and distributions is checked by
//! those formats, whose words they are.

use std::collections::BTreeMap;

use crate::config::schema::{self, Formats, Text};
use crate::diagnostic::{Origin, codes};
use crate::resolve::identity::Fact;
use crate::resolve::packaging;

use super::compression;
use super::facts::host_path;
use super::ground::Ground;
use super::preset::otp::{host, node::Runtime};
use super::preset::{Preset, fact};
use crate::config::suggest;

/// Debian policy 2.5.
const PRIORITIES: &[&str] = &["required", "important", "standard", "optional", "extra"];
/// Debian policy 2.2: a section of these is written with the area before it.
const AREAS: &[&str] = &["main", "contrib", "non-free", "non-free-firmware"];

/// `[format.deb]`
pub(crate) fn deb(ground: &Ground, formats: &Formats, preset: Option<&Preset>) -> Option<packaging::Deb> {
    let deb = &formats.deb;
    let compression = compression::read(ground, deb.compression.as_ref(), compression::ALL, "deb");
    let multi_arch = deb.multi_arch.as_ref().map(|text| word(ground, text, &["same", "foreign", "allowed"]));
    let section = deb.section.as_ref().map_or(Some("misc".to_owned()), |text| section(ground, text));
    let priority = deb.priority.as_ref().map(|text| word(ground, text, PRIORITIES));
    let triggers: Vec<bool> = deb.triggers.iter().map(|line| trigger(ground, line)).collect();
    let mut relations = relations(
        ground,
        &[
            ("Pre-Depends", &deb.pre_depends),
            ("Depends", &deb.depends),
            ("Recommends", &deb.recommends),
            ("Suggests", &deb.suggests),
            ("Enhances", &deb.enhances),
            ("Conflicts", &deb.conflicts),
            ("Breaks", &deb.breaks),
            ("Replaces", &deb.replaces),
            ("Provides", &deb.provides),
        ],
    );
    if let Some(runtime) = absent_runtime(preset) {
        let needs = host::deb(&runtime).into_iter().map(|needed| fact("otp", "a release without ERTS", needed));
        relations.entry("Depends").or_default().extend(needs);
        if let Some(text) = &deb.distribution {
            ground.ok(host::suits(&runtime, text).map_err(|finding| finding.at(&ground.span(&text.range), "")));
        }
    }
    Some(packaging::Deb {
        compression: compression?,
        distribution: deb.distribution.as_ref().map(|text| ground.fact(text)),
        section: section?,
        priority: priority.map_or(Some("optional".to_owned()), |word| word.map(|word| word.value))?,
        source: deb.source.as_ref().map(|text| ground.fact(text)),
        essential: deb.essential,
        multi_arch: multi_arch.map_or(Some(None), |word| word.map(Some))?,
        relations,
        fields: facts(ground, &deb.fields),
        libraries: facts(ground, &deb.libraries),
        auto_depends: !deb.no_auto_depends,
        triggers: triggers.into_iter().all(|good| good).then(|| ground.facts(&deb.triggers))?,
    })
}

/// `[format.rpm]`
pub(crate) fn rpm(
    ground: &Ground,
    formats: &Formats,
    maintainer: Option<&str>,
    preset: Option<&Preset>,
) -> Option<packaging::Rpm> {
    let rpm = &formats.rpm;
    let compression = compression::read(ground, rpm.compression.as_ref(), compression::ALL, "rpm");
    let format_version = match &rpm.format_version {
        None => Some(4),
        Some(text) => word(ground, text, &["v4", "v6"]).map(|word| if word.value == "v6" { 6 } else { 4 }),
    };
    let prefixes: Vec<bool> =
        rpm.prefixes.iter().map(|path| ground.ok(host_path(path, &ground.span(&path.range))).is_some()).collect();
    let mut relations = relations(
        ground,
        &[
            ("Requires", &rpm.requires),
            ("Requires(pre)", &rpm.requires_pre),
            ("Requires(post)", &rpm.requires_post),
            ("Requires(preun)", &rpm.requires_preun),
            ("Requires(postun)", &rpm.requires_postun),
            ("Recommends", &rpm.recommends),
            ("Suggests", &rpm.suggests),
            ("Supplements", &rpm.supplements),
            ("Enhances", &rpm.enhances),
            ("Conflicts", &rpm.conflicts),
            ("Obsoletes", &rpm.obsoletes),
            ("Provides", &rpm.provides),
            ("OrderWithRequires", &rpm.order_with_requires),
        ],
    );
    if let Some(runtime) = absent_runtime(preset) {
        let needs = host::rpm(&runtime).into_iter().map(|needed| fact("otp", "a release without ERTS", needed));
        relations.entry("Requires").or_default().extend(needs);
    }
    Some(packaging::Rpm {
        compression: compression?,
        distribution: rpm.distribution.as_ref().map(|text| ground.fact(text)),
        format_version: format_version?,
        group: or(ground, rpm.group.as_ref(), "Applications/System"),
        packager: or(ground, rpm.packager.as_ref(), maintainer?),
        relations,
        auto_requires: !rpm.no_auto_requires,
        prefixes: prefixes.into_iter().all(|good| good).then(|| ground.facts(&rpm.prefixes))?,
    })
}

/// `[format.tarball]`
pub(crate) fn tarball(ground: &Ground, tarball: &schema::Tarball) -> Option<packaging::Tarball> {
    let compression = compression::read(ground, tarball.compression.as_ref(), compression::ALL, "tarball")?;
    Some(packaging::Tarball { compression })
}

/// `[format.zip]`
pub(crate) fn zip(ground: &Ground, zip: &schema::Zip) -> Option<packaging::Zip> {
    let compression = compression::read(ground, zip.compression.as_ref(), compression::ZIP, "zip")?;
    Some(packaging::Zip { compression })
}

/// What a release without a runtime needs of the distribution's, whose business it is to have one.
fn absent_runtime(preset: Option<&Preset>) -> Option<Runtime> {
    match preset {
        Some(Preset::Otp(release)) if !release.erts_included => Some(Runtime::of(release, "")),
        _ => None,
    }
}

fn or(ground: &Ground, text: Option<&Text>, default: &str) -> Fact<String> {
    text.map_or_else(|| Fact { value: default.to_owned(), origin: Origin::Default }, |text| ground.fact(text))
}

fn facts(ground: &Ground, texts: &BTreeMap<String, Text>) -> BTreeMap<String, Fact<String>> {
    texts.iter().map(|(name, text)| (name.clone(), ground.fact(text))).collect()
}

fn relations(ground: &Ground, lists: &[(&'static str, &schema::Texts)]) -> BTreeMap<&'static str, Vec<Fact<String>>> {
    let there = lists.iter().filter(|(_, texts)| !texts.is_empty());
    there.map(|(name, texts)| (*name, ground.facts(texts))).collect()
}

/// One of a few words.
pub(crate) fn word(ground: &Ground, text: &Text, words: &[&str]) -> Option<Fact<String>> {
    if words.contains(&text.as_str()) {
        return Some(ground.fact(text));
    }
    let all: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let help = match suggest::nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of {}", all.join(", ")),
    };
    ground.refuse(codes::CONFIG_INVALID_VALUE, text, format!("`{}` is not known here", text.escape_debug()), help);
    None
}

/// `net`, `contrib/net`: Debian policy 2.4. An archive of one's own may have sections of its own.
fn section(ground: &Ground, text: &Text) -> Option<String> {
    let (area, section) = text.split_once('/').map_or((None, text.as_str()), |(area, section)| (Some(area), section));
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-".contains(c);
    let good = section.starts_with(|c: char| c.is_ascii_lowercase()) && section.chars().all(legal);
    if good && area.is_none_or(|area| AREAS.contains(&area)) {
        return Some(text.value.clone());
    }
    let help = match area {
        Some(_) if good => format!("before the `/` stands one of `{}`", AREAS.join("`, `")),
        _ => "write it in small letters, as `net`, `web` or `contrib/utils`".to_owned(),
    };
    ground.refuse(codes::CONFIG_INVALID_VALUE, text, format!("`{}` is no section", text.escape_debug()), help);
    None
}

/// A line of deb-triggers(5): a directive and one name.
fn trigger(ground: &Ground, line: &Text) -> bool {
    const DIRECTIVES: [&str; 6] =
        ["interest", "interest-await", "interest-noawait", "activate", "activate-await", "activate-noawait"];
    let words: Vec<&str> = line.split_whitespace().collect();
    let good = matches!(words[..], [directive, _] if DIRECTIVES.contains(&directive)) && !line.contains('\n');
    if !good {
        let near = words.first().and_then(|word| suggest::nearest(word, DIRECTIVES));
        let help = match near {
            Some(near) if words.len() == 2 => format!("did you mean `{near}`?"),
            _ => "write it as `interest-noawait /usr/share/NAME` or `activate-noawait ldconfig`".into(),
        };
        ground.refuse(codes::CONFIG_INVALID_VALUE, line, format!("`{}` is no trigger", line.escape_debug()), help);
    }
    good
}
