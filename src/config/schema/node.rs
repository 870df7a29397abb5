//! `[service.node]`: the Erlang node that a service of an OTP release is.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Text};

/// `[service.node]`: the Erlang node that a service of an OTP release is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[service.node]")]
pub struct Node {
    /// Who may talk to it by the distribution of Erlang: this host alone (`local`) unless set.
    pub distribution: Option<At<Distribution>>,
    /// Its whole name, such as `hello@10.0.0.1`; `${NAME}` is filled at start. That of `vm.args`, or the release's, unless set.
    pub name: Option<Text>,
    /// Port that it listens on for other nodes; 21000 + CRC-32 of the service's name modulo 4000 unless set.
    pub port: Option<At<u32>>,
    /// Register it with epmd. Off unless set: nodes find each other by the port.
    pub epmd: Option<bool>,
    /// File on the host with the options of TLS between nodes (`-ssl_dist_optfile`).
    pub tls: Option<Text>,
}

/// `distribution`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "distribution of a node")]
pub enum Distribution {
    /// Nodes of this host: it listens on the loopback alone.
    Local,
    /// Nodes of other hosts: it listens on all addresses.
    Cluster,
    /// Nobody: `remote` and `rpc` do not work.
    None,
}

impl Distribution {
    /// As the config spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Cluster => "cluster",
            Self::None => "none",
        }
    }
}
