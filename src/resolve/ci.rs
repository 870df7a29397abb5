//! Manifest -> the workflow of a CI system, for `fitout init --ci`: a runner for each target, one that publishes what all of them built.
//!
//! Enters: the config. Leaves: a file's path and its text. Which runner an architecture has, and which secrets publishing asks for, is said
//! here; the text is a template of `templates/ci`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::identity::Arch;
use super::target;
use crate::config::schema::{Confidential, HttpPreset, Manifest, Preset, Tool, Worth};
use crate::diagnostic::{Diagnostic, codes};
use crate::store::registry::Repository;
use crate::store::{Address, Scheme};
use crate::template::Templates;

/// A CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
}

#[derive(Serialize)]
struct Values {
    version: &'static str,
    targets: Vec<Runner>,
    beam: bool,
    shared: bool,
    shared_secrets: Vec<&'static str>,
    secrets: Vec<Secret>,
    registries: Vec<Registry>,
    writes: bool,
    contents: &'static str,
    packages: &'static str,
}

#[derive(Serialize)]
struct Runner {
    target: String,
    /// `linux-amd64`
    name: String,
    github: &'static str,
    gitlab: &'static str,
}

#[derive(Serialize)]
struct Secret {
    name: String,
    /// Where GitHub has it.
    github: String,
}

#[derive(Serialize)]
struct Registry {
    host: String,
    github: bool,
    gitlab: bool,
}

/// The workflow: its path, relative to the repository, and its text.
///
/// # Errors
/// A target that is none.
pub fn workflow(
    system: System,
    manifest: &Manifest,
    templates: &Templates,
) -> Result<(&'static str, String), Diagnostic> {
    let (path, template) = match system {
        System::Github => (".github/workflows/release.yml", "ci/github.yml"),
        System::Gitlab => (".gitlab-ci.yml", "ci/gitlab.yml"),
    };
    let shared = manifest.build.cache.shared.as_ref();
    let registries = registries(manifest, system);
    let releases = of_releases(manifest);
    let writes = releases || registries.iter().any(|registry| registry.github);
    let values = Values {
        version: env!("CARGO_PKG_VERSION"),
        targets: runners(manifest)?,
        beam: matches!(manifest.build.tool.as_deref(), Some(Tool::Mix | Tool::Rebar3))
            || manifest.build.preset.as_deref() == Some(&Preset::Otp),
        shared: shared.is_some(),
        shared_secrets: shared.map(|address| of_store(address)).unwrap_or_default(),
        secrets: secrets(manifest),
        writes,
        contents: if releases { "write" } else { "read" },
        packages: if registries.iter().any(|registry| registry.github) { "write" } else { "read" },
        registries,
    };
    Ok((path, templates.render(template, &values)?))
}

fn runners(manifest: &Manifest) -> Result<Vec<Runner>, Diagnostic> {
    let typed = manifest.build.targets.iter().flatten().map(|target| target.value.clone());
    let mut typed: Vec<String> = typed.collect();
    if typed.is_empty() {
        typed.extend(target::host().map(|arch| format!("linux/{}", arch.go())));
    }
    let one = |text: &String| {
        let target = target::parse(text).map_err(|help| {
            Diagnostic::error(codes::RESOLVE_UNKNOWN_TARGET, format!("`{text}` is no target")).help(help)
        })?;
        // What runs on the runners that everybody has; others are one's own.
        let (github, gitlab) = match target.arch {
            Arch::Amd64 | Arch::I386 => ("ubuntu-24.04", "saas-linux-small-amd64"),
            Arch::Arm64 | Arch::Arm7 | Arch::Arm5 => ("ubuntu-24.04-arm", "saas-linux-small-arm64"),
            _ => ("self-hosted", "self-hosted"),
        };
        Ok(Runner { target: target.to_string(), name: target.to_string().replace('/', "-"), github, gitlab })
    };
    typed.iter().map(one).collect()
}

/// Variables that a store's credentials are usually in.
fn of_store(address: &str) -> Vec<&'static str> {
    match Address::parse(address).map(|address| address.scheme) {
        Some(Scheme::S3) => vec!["AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"],
        Some(Scheme::Gcs) => vec!["GOOGLE_SERVICE_ACCOUNT_KEY"],
        Some(Scheme::Azure) => vec!["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_NAME"],
        Some(Scheme::File) | None => Vec::new(),
    }
}

/// Every variable that publishing asks for.
fn secrets(manifest: &Manifest) -> Vec<Secret> {
    let publish = &manifest.publish;
    let mut names: BTreeSet<String> = BTreeSet::new();
    let to = publish.apt.iter().map(|at| &at.to).chain(publish.yum.iter().map(|at| &at.to));
    for address in to.chain(publish.files.iter().map(|at| &at.to)) {
        names.extend(of_store(address).into_iter().map(str::to_owned));
    }
    let sign = &manifest.sign;
    names.extend(sign.keys.iter().filter_map(|key| Some(key.env.as_ref()?.value.clone())));
    let passphrases = sign.keys.iter().filter_map(|key| key.passphrase.as_ref()).chain(&sign.passphrase);
    let mut places: Vec<&Confidential> = passphrases.map(|place| &place.value).collect();
    for http in &publish.http {
        places.extend(http.token.iter().chain(&http.password).map(|place| &place.value));
        places.extend(http.headers.values().chain(&http.username).filter_map(|worth| secret(&worth.value)));
    }
    for command in &publish.command {
        places.extend(command.env.values().filter_map(|worth| secret(&worth.value)));
    }
    names.extend(places.into_iter().filter_map(|place| Some(place.env.as_ref()?.value.clone())));
    let is_variable = |name: &String| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(char::is_numeric)
    };
    names.into_iter().filter(is_variable).map(|name| Secret { github: on_github(&name), name }).collect()
}

/// GitHub gives each job a token of its own, and lets no secret have such a name.
fn on_github(name: &str) -> String {
    if name == "GH_TOKEN" || name.starts_with("GITHUB_") {
        "github.token".to_owned()
    } else {
        format!("secrets.{name}")
    }
}

fn secret(worth: &Worth) -> Option<&Confidential> {
    match worth {
        Worth::Secret(place) => Some(place),
        Worth::Typed(_) => None,
    }
}

/// Registries that somebody logs in to; GitLab's job has one.
fn registries(manifest: &Manifest, system: System) -> Vec<Registry> {
    let hosts: BTreeSet<String> =
        manifest.publish.registry.iter().filter_map(|at| Some(Repository::parse(&at.image)?.host)).collect();
    let most = if system == System::Gitlab { 1 } else { usize::MAX };
    let one = |host: String| Registry {
        github: system == System::Github && host == "ghcr.io",
        gitlab: host == "registry.gitlab.com",
        host,
    };
    hosts.into_iter().filter(|host| !host.is_empty()).take(most).map(one).collect()
}

/// Whether something writes releases of the forge itself.
fn of_releases(manifest: &Manifest) -> bool {
    manifest.publish.http.iter().any(|at| at.preset.as_deref() == Some(&HttpPreset::GithubRelease))
}
