//! The shared config and credentials files of the AWS tools: profiles, static keys, `credential_process`.
//!
//! Enters: the environment and, by the names in it, the two files. Leaves: a [`Profile`]. SSO and chains of roles come in by
//! `credential_process`. Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{StoreError, Trouble, Variables};

/// What a profile says, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) keys: Option<Keys>,
    pub(super) process: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

/// Static keys.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id)
    }
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// The profile of `AWS_PROFILE`, or `default`; nothing where there are no such files.
///
/// # Errors
/// The profile that the variable names is not there, or needs what only other tools can do.
pub(super) fn read(place: &str, variables: &Variables) -> Result<Profile, StoreError> {
    let text = |name: &str| variables.get(std::ffi::OsStr::new(name))?.to_str().filter(|value| !value.is_empty());
    let named = text("AWS_PROFILE").or_else(|| text("AWS_DEFAULT_PROFILE"));
    let home = text("HOME").map(PathBuf::from);
    let file = |variable: &str, name: &str| {
        let path = text(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".aws").join(name)))?;
        fs_err::read_to_string(path).ok()
    };
    let config = sections(&file("AWS_CONFIG_FILE", "config").unwrap_or_default());
    let credentials = sections(&file("AWS_SHARED_CREDENTIALS_FILE", "credentials").unwrap_or_default());
    let name = named.unwrap_or("default");
    let in_config = if name == "default" { config.get("default") } else { None };
    let in_config = in_config.or_else(|| config.get(&format!("profile {name}")));
    let in_credentials = credentials.get(name);
    if named.is_some() && in_config.is_none() && in_credentials.is_none() {
        let message = format!("`AWS_PROFILE` is `{name}`, and neither of the shared files has such a profile");
        return Err(StoreError::new(place, Trouble::NoCredentials, message));
    }
    let get = |key: &str| {
        in_credentials.and_then(|section| section.get(key)).or_else(|| in_config?.get(key)).filter(|v| !v.is_empty())
    };
    let keys = get("aws_access_key_id").zip(get("aws_secret_access_key")).map(|(id, secret)| Keys {
        id: id.clone(),
        secret: secret.clone(),
        token: get("aws_session_token").cloned(),
    });
    let process = get("credential_process").cloned();
    let chained = ["sso_session", "sso_start_url", "role_arn"].into_iter().find(|key| get(key).is_some());
    // Whom variables name needs no profile.
    let of_variables =
        ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"].into_iter().any(|name| text(name).is_some());
    if let (None, None, Some(key), false) = (&keys, &process, chained, of_variables) {
        let message = format!(
            "the profile `{name}` has `{key}`, which other tools resolve: give it \
             `credential_process = aws configure export-credentials --profile {name} --format process`"
        );
        return Err(StoreError::new(place, Trouble::NoCredentials, message));
    }
    Ok(Profile { keys, process, region: get("region").cloned(), endpoint: get("endpoint_url").cloned() })
}

/// `[name]`, `key = value`; comments are whole lines. A line that is indented belongs to the key before it.
fn sections(text: &str) -> Sections {
    let mut found = Sections::new();
    let mut current = None;
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let name = name.0.split_whitespace().collect::<Vec<_>>().join(" ");
            current = Some(found.entry(name).or_default());
        } else if let (Some(section), Some((key, value))) = (current.as_deref_mut(), line.split_once('=')) {
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name).into_os_string()
        };
        let config = write(
            "config",
            "[default]\nregion = eu-1\n# x = y\n[profile  ci]\nregion=eu-2\ncredential_process = helper --json\ns3 =\n  max = 3\n\
             [profile sso]\nsso_session = x\n",
        );
        let credentials = write(
            "credentials",
            "[default]\naws_access_key_id = A\naws_secret_access_key = S=+/\n[other]\naws_access_key_id=B\naws_secret_access_key=T\naws_session_token=U\n",
        );
        let with = |profile: &str| {
            let mut variables = Variables::new();
            variables.insert("AWS_CONFIG_FILE".into(), config.clone());
            variables.insert("AWS_SHARED_CREDENTIALS_FILE".into(), credentials.clone());
            if !profile.is_empty() {
                variables.insert("AWS_PROFILE".into(), profile.into());
            }
            read("s3://b", &variables)
        };
        let keys = |id: &str, secret: &str, token: Option<&str>| {
            Some(Keys { id: id.into(), secret: secret.into(), token: token.map(str::to_owned) })
        };
        let default = with("").unwrap();
        assert_eq!((default.keys, default.region.as_deref()), (keys("A", "S=+/", None), Some("eu-1")));
        assert_eq!(with("other").unwrap().keys, keys("B", "T", Some("U")));
        let ci = with("ci").unwrap();
        assert_eq!((ci.process.as_deref(), ci.region.as_deref()), (Some("helper --json"), Some("eu-2")));
        assert!(with("sso").unwrap_err().message.contains("credential_process"));
        let mut keyed =
            Variables::from([("AWS_CONFIG_FILE".into(), config.clone()), ("AWS_PROFILE".into(), "sso".into())]);
        assert!(read("s3://b", &keyed).is_err());
        keyed.insert("AWS_ACCESS_KEY_ID".into(), "C".into());
        assert_eq!(read("s3://b", &keyed).unwrap().keys, None);
        assert_eq!(with("gone").unwrap_err().trouble, Trouble::NoCredentials);
        assert_eq!(read("s3://b", &Variables::new()).unwrap(), Profile::default());
    }
}
