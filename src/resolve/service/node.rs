//! The Erlang node that a service is: which release it runs, what it is called, who may talk to it.

use super::Reload;
pub use crate::config::schema::Distribution;
pub use crate::resolve::preset::otp::node::Runtime;

/// First port that a node without one of its own may get: below what Linux hands out by itself (32768 and more).
const FIRST_PORT: u16 = 21_000;
/// How many there are.
const PORTS: u32 = 4_000;

/// An Erlang node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The release that it runs.
    pub runtime: Runtime,
    /// Who may talk to it.
    pub distribution: Distribution,
    /// Whether the config says so; the release's own env.sh may say that nobody may, otherwise.
    pub distribution_given: bool,
    /// Its whole name, if the config gives one; may hold `${NAME}`.
    pub name: Option<String>,
    /// Port of the distribution.
    pub port: u16,
    /// Whether it is registered with epmd.
    pub epmd: bool,
    /// File of options for TLS, on the host.
    pub tls: Option<String>,
    /// File on the host whose arguments are taken in the place of the release's own, if it is there.
    pub arguments: String,
    /// Folder that it fills files in.
    pub runtime_dir: String,
}

impl Node {
    /// How it reads its configuration again where the config says nothing: its launcher asks it to.
    pub fn reload(&self, launcher: &str) -> Option<Reload> {
        let asked = vec![launcher.to_owned(), "reload_config".to_owned()];
        (self.distribution != Distribution::None).then_some(Reload::Exec(asked))
    }
}

/// The port of a node that is given none: 21000 and the CRC-32 of the service's name, modulo 4000. Two services of a host
/// rarely come to the same, a service comes to the same on every host.
pub fn port_of(name: &str) -> u16 {
    FIRST_PORT + u16::try_from(crc32fast::hash(name.as_bytes()) % PORTS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `python3 -c 'import zlib; print(21000 + zlib.crc32(b"hello") % 4000)'`
    #[test]
    fn a_name_has_one_port() {
        assert_eq!((port_of("hello"), port_of("heron")), (21870, 22833));
    }
}
