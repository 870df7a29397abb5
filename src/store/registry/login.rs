//! Who asks: from the files that `docker login` and `podman login` leave, and from their helpers.
//!
//! Enters: a repository and the environment. Leaves: a [`Login`]. A helper goes before an entry of `auths`, which may be left over from
//! before there was one. Source: docker's config.json; containers-auth.json(5); docker-credential-helpers.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{Refusal, Repository};
use crate::codec::base64;
use crate::interrupt;
use crate::store::{StoreError, TELLS_WITHIN, Trouble, Variables};

/// Who asks. What is secret is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// Nobody that would be known.
    Anonymous,
    /// A name and a password.
    Basic { user: String, password: String },
    /// A token that others are asked for with.
    Identity(String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "anonymous",
            Self::Basic { user, .. } => user,
            Self::Identity(_) => "identity token",
        })
    }
}

impl Login {
    /// Helpers say by the name `<token>` that the secret is no password.
    fn of(user: String, secret: String) -> Self {
        if user == "<token>" { Self::Identity(secret) } else { Self::Basic { user, password: secret } }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Entry>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    identitytoken: String,
    username: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Looks through the files in their order; the first that knows the host counts.
///
/// # Errors
/// A file is no such file, or a helper that it names fails.
pub(super) fn find(repository: &Repository, variables: &Variables) -> Result<Login, StoreError> {
    for path in files(variables) {
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(repository, error)),
        };
        // A parser's words may quote what is secret.
        let file: File = serde_json::from_str(&text).map_err(|error| {
            unreadable(repository, format!("`{}` is no JSON of this kind (line {})", path.display(), error.line()))
        })?;
        if let Some(login) = file.login(repository, variables)? {
            return Ok(login);
        }
    }
    Ok(Login::Anonymous)
}

fn unreadable(repository: &Repository, message: impl std::fmt::Display) -> StoreError {
    StoreError::new(repository.to_string(), Trouble::Registry(Refusal::Login), message)
}

/// Those that are named come first.
fn files(variables: &Variables) -> Vec<PathBuf> {
    let get = |name: &str| variables.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = get("HOME");
    let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let containers = get("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
    [
        get("REGISTRY_AUTH_FILE"),
        get("DOCKER_CONFIG").map(|folder| folder.join("config.json")),
        get("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        containers.map(|folder| folder.join("containers/auth.json")),
        below_home(".docker/config.json"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl File {
    fn login(&self, repository: &Repository, variables: &Variables) -> Result<Option<Login>, StoreError> {
        let keys = keys(repository);
        let of_host = keys.iter().find_map(|key| self.cred_helpers.get(key));
        let helper = of_host.or((!self.creds_store.is_empty()).then_some(&self.creds_store));
        if let Some(helper) = helper {
            // Docker's tools ask for its own registry by an address.
            let server = if repository.is_hub() { "https://index.docker.io/v1/" } else { repository.server() };
            if let Some(login) = ask(helper, server, repository, variables)? {
                return Ok(Some(login));
            }
        }
        Ok(keys.iter().filter_map(|key| self.entry(key)).find_map(Entry::login))
    }

    /// An entry by its key; those of old tools are addresses.
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.auths.get(key).or_else(|| self.auths.iter().find(|(name, _)| bare(name) == key).map(|(_, entry)| entry))
    }
}

/// `https://host/v1/` -> `host`
fn bare(name: &str) -> &str {
    let Some(rest) = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")) else { return name };
    rest.split('/').next().unwrap_or(rest)
}

impl Entry {
    fn login(&self) -> Option<Login> {
        if !self.identitytoken.is_empty() {
            return Some(Login::Identity(self.identitytoken.clone()));
        }
        if !self.username.is_empty() {
            return Some(Login::of(self.username.clone(), self.password.clone()));
        }
        let decoded = base64::decode(self.auth.trim())?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Login::of(user.to_owned(), password.trim_end_matches('\0').to_owned()))
    }
}

/// What an entry may be called, the nearest first: containers' tools have entries for paths.
fn keys(repository: &Repository) -> Vec<String> {
    let host = if repository.is_hub() { "docker.io" } else { repository.server() };
    let mut keys = Vec::new();
    let mut path = format!("{host}/{}", repository.asked());
    while path.contains('/') {
        keys.push(path.clone());
        path.truncate(path.rfind('/').unwrap_or(0));
    }
    keys.push(path);
    if repository.is_hub() {
        keys.extend(["index.docker.io", "registry-1.docker.io"].map(str::to_owned));
    }
    keys
}

/// Asks `docker-credential-NAME get`; none where it knows nothing of the host.
fn ask(
    helper: &str,
    server: &str,
    repository: &Repository,
    variables: &Variables,
) -> Result<Option<Login>, StoreError> {
    let program = format!("docker-credential-{helper}");
    let failed = |why: String| unreadable(repository, format!("`{program}`: {why}"));
    let path = variables.get(OsStr::new("PATH"));
    let found = path.and_then(|path| std::env::split_paths(path).map(|dir| dir.join(&program)).find(|p| p.is_file()));
    let found = found.as_deref().unwrap_or(Path::new(&program));
    let mut command = Command::new(found);
    command.arg("get").env_clear().envs(variables);
    let output = interrupt::talk(&mut command, &mut server.as_bytes(), Some(TELLS_WITHIN))
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stdout);
        if told.contains("credentials not found") {
            return Ok(None);
        }
        return Err(failed(format!("it ended with {}", output.status)));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("it did not print a document of its kind".to_owned()))?;
    // Some know every host, and nobody there.
    Ok((!answer.secret.is_empty()).then(|| Login::of(answer.username, answer.secret)))
}
