//! Presets: tables of the config's own grammar, one file a product, and how the keys of a config go before theirs.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::config::schema::{HttpPreset, HttpStep, PublishHttp, Text, Worth};

macro_rules! presets {
    ($($id:ident = $name:literal,)*) => {
        /// Every preset by name, with its text.
        pub const PRESETS: &[(&str, &str)] = &[$(($name, include_str!(concat!("presets/", $name, ".toml")))),*];

        /// Name and text of a preset.
        fn text(preset: HttpPreset) -> (&'static str, &'static str) {
            match preset {
                $(HttpPreset::$id => ($name, include_str!(concat!("presets/", $name, ".toml"))),)*
            }
        }
    };
}

presets! {
    Artifactory = "artifactory",
    ArtifactoryDeb = "artifactory-deb",
    ArtifactoryRpm = "artifactory-rpm",
    CloudsmithDeb = "cloudsmith-deb",
    CloudsmithRpm = "cloudsmith-rpm",
    GiteaDebian = "gitea-debian",
    GiteaGeneric = "gitea-generic",
    GiteaRelease = "gitea-release",
    GiteaRpm = "gitea-rpm",
    GithubRelease = "github-release",
    GitlabDebian = "gitlab-debian",
    GitlabGeneric = "gitlab-generic",
    GitlabRelease = "gitlab-release",
    NexusApt = "nexus-apt",
    NexusRaw = "nexus-raw",
    NexusYum = "nexus-yum",
    Packagecloud = "packagecloud",
    PulpDeb = "pulp-deb",
    PulpRpm = "pulp-rpm",
}

/// A preset as it stands in a config.
pub fn as_table(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("[[").or_else(|| line.strip_prefix('[')) {
        Some(name) if line.starts_with("[[") => format!("[[publish.http.{name}\n"),
        Some(name) => format!("[publish.http.{name}\n"),
        None => format!("{line}\n"),
    };
    let (about, keys) = text.split_once('\n').unwrap_or((text, ""));
    format!("{about}\n[[publish.http]]\n{}", keys.lines().map(line).collect::<String>())
}

/// What a preset is called.
pub(super) fn name(preset: HttpPreset) -> &'static str {
    text(preset).0
}

/// The table with what its preset says where it says nothing itself. Texts of the preset are taken to stand at `range`.
pub(super) fn merged(own: PublishHttp, range: &Range<usize>) -> PublishHttp {
    let Some(preset) = &own.preset else { return own };
    // A test reads all of them.
    let mut base: PublishHttp = toml::from_str(text(preset.value).1).unwrap_or_default();
    for text in texts(&mut base) {
        text.range = range.clone();
    }
    let word = own.token_word.or(base.token_word.filter(|_| own.token_header.is_none()));
    let header = own.token_header.or(base.token_header.filter(|_| word.is_none()));
    PublishHttp {
        preset: own.preset,
        server: own.server.or(base.server),
        values: over(base.values, own.values),
        formats: own.formats.or(base.formats),
        username: own.username,
        password: own.password,
        token: own.token,
        token_header: header,
        token_word: word,
        insecure: own.insecure,
        ca: own.ca,
        url: own.url.or(base.url),
        method: own.method.or(base.method),
        body: own.body.or(base.body),
        field: own.field.or(base.field),
        fields: over(base.fields, own.fields),
        headers: over(base.headers, own.headers),
        checksums: own.checksums.or(base.checksums),
        success: own.success.or(base.success),
        exists: own.exists.or(base.exists),
        exists_text: own.exists_text.or(base.exists_text),
        take: over(base.take, own.take),
        poll: own.poll.or(base.poll),
        check: own.check.or(base.check),
        remove: own.remove.or(base.remove),
        before: own.before.or(base.before),
        then: own.then.or(base.then),
        after: own.after.or(base.after),
    }
}

fn over<T>(mut base: BTreeMap<String, T>, own: BTreeMap<String, T>) -> BTreeMap<String, T> {
    base.extend(own);
    base
}

/// All requests beside that of the artifact.
pub(super) fn steps(table: &PublishHttp) -> impl Iterator<Item = &HttpStep> {
    let lists = [&table.before, &table.then, &table.after];
    lists.into_iter().flatten().flatten().chain(&table.remove).map(|step| &step.value)
}

/// Every text with holes.
pub(super) fn texts(table: &mut PublishHttp) -> Vec<&mut Text> {
    let mut all: Vec<&mut Text> = Vec::new();
    all.extend(&mut table.server);
    all.extend(&mut table.url);
    all.extend(table.values.values_mut());
    all.extend(table.fields.values_mut());
    all.extend(table.poll.as_mut().map(|poll| &mut poll.value.url));
    if let Some(check) = &mut table.check {
        all.push(&mut check.value.url);
        all.extend(check.value.r#where.values_mut());
        all.extend(&mut check.value.bytes);
    }
    let lists = [&mut table.before, &mut table.then, &mut table.after];
    for step in lists.into_iter().flatten().flatten().chain(&mut table.remove) {
        let step = &mut step.value;
        all.extend(&mut step.url);
        all.extend(step.json.values_mut());
        all.extend(step.headers.values_mut());
        all.extend(step.poll.as_mut().map(|poll| &mut poll.value.url));
        if let Some(find) = &mut step.find {
            all.push(&mut find.value.url);
            all.extend(find.value.r#where.values_mut());
        }
    }
    all
}

/// Headers that were typed, with holes.
pub(super) fn typed_headers(table: &PublishHttp) -> impl Iterator<Item = (&str, &str)> {
    table.headers.iter().filter_map(|(name, value)| match &value.value {
        Worth::Typed(text) => Some((name.as_str(), text.as_str())),
        Worth::Secret(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_table_of_the_grammar() {
        for (name, text) in PRESETS {
            let table: Result<PublishHttp, _> = toml::from_str(text);
            let table = table.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(table.preset.is_none() && table.url.is_some(), "{name}");
            assert!(table.token.is_none() && table.password.is_none() && !table.insecure, "{name}");
            assert!(text.starts_with("# ") && text.lines().all(|line| line.len() < 260), "{name}");
        }
        let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn a_preset_that_is_printed_is_the_same_table() {
        for (name, text) in PRESETS {
            let printed: toml::Table = toml::from_str(&as_table(text)).unwrap();
            let own: toml::Table = toml::from_str(text).unwrap();
            assert_eq!(printed["publish"]["http"].as_array().unwrap(), &vec![own.into()], "{name}");
        }
    }

    #[test]
    fn what_the_config_says_goes_before() {
        let own = "preset = 'gitlab-generic'\ntoken-word = 'Basic'\nserver = 'https://git.example.org'\nvalues = { project = '7' }";
        let own: PublishHttp = toml::from_str(own).unwrap();
        let table = merged(own, &(3..9));
        assert_eq!(table.server.unwrap().value, "https://git.example.org");
        assert!(table.token_header.is_none() && table.token_word.is_some());
        assert_eq!(table.url.unwrap().range, 3..9);
        assert_eq!(table.values.len(), 1);
    }
}
