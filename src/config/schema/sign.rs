//! `[sign]`: the keys that published packages and repositories are signed with.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Text};

/// `[sign]`: which keys sign what is published. `build` never signs.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[sign]")]
pub struct Sign {
    /// OpenPGP keys: all of them sign repositories, the first signs packages. Two while one takes over from the other.
    pub keys: Vec<At<SignKey>>,
    /// What unlocks keys that have no passphrase of their own here.
    pub passphrase: Option<At<Confidential>>,
    /// Also sign deb packages: `_gpgorigin`, which debsig-verify reads and apt does not.
    pub deb: bool,
}

/// Where one key is: exactly one of `env`, `file`, `agent`, `command`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "key")]
pub struct SignKey {
    /// Environment variable that holds the secret key: armored, or base64 of it.
    pub env: Option<Text>,
    /// File with the secret key, relative to the config file.
    pub file: Option<Text>,
    /// Fingerprint of a key that gpg has: it never leaves gpg-agent or its smart card.
    pub agent: Option<Text>,
    /// Command that signs: it gets the bytes on standard input and `binary` or `text` as its last argument, and prints
    /// a detached OpenPGP signature.
    pub command: Option<Text>,
    /// File with the public key of `command`.
    pub public: Option<Text>,
    /// What unlocks this key.
    pub passphrase: Option<At<Confidential>>,
}

/// Where a secret of whoever publishes is: it never stands in the config itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "place of a secret")]
pub struct Confidential {
    /// Environment variable that holds it.
    pub env: Option<Text>,
    /// File that holds it, relative to the config file; one end of line behind it does not count.
    pub file: Option<Text>,
}
