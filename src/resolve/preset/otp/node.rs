//! What must be known of a release to start it without the script that came with it.
//!
//! Enters: an [`OtpRelease`] and where it lies on the host. Leaves: a [`Runtime`]. How it is started is in
//! `templates/launcher/otp.sh.hbs`; which name and port a node has is the service's matter (`resolve::service`).

use super::{OtpRelease, Producer};

/// First OTP whose nodes find each other without epmd, as tried: `-erl_epmd_port` and `-dist_listen` are older (23.0), and
/// were mended since.
const WITHOUT_EPMD: u32 = 25;

/// A release as its launcher starts it. Paths are on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Folder of the release.
    pub root: String,
    /// Folder of the live version: boot scripts and configuration.
    pub live: String,
    /// Name of the release.
    pub name: String,
    /// Version of the release.
    pub version: String,
    /// Which tool assembled it.
    pub producer: Producer,
    /// Version of the runtime system (ERTS).
    pub erts: String,
    /// Whether it is inside.
    pub erts_included: bool,
    /// Release of OTP, such as 25; none where the version of ERTS does not tell.
    pub otp: Option<u32>,
    /// Boot script that starts all applications, without suffix.
    pub boot: String,
    /// Boot script that starts none, without suffix.
    pub clean: String,
    /// Folder that is looked into for modules before all others.
    pub code_path: Option<String>,
    /// Version of Elixir, if it is inside.
    pub elixir: Option<String>,
    /// Whether Elixir's shell is inside.
    pub iex: bool,
    /// Applications that the host's OTP must have: `kernel-8.5.3`.
    pub host_applications: Vec<String>,
}

impl Runtime {
    /// Of a release that lies in `root` on the host.
    pub(crate) fn of(release: &OtpRelease, root: &str) -> Self {
        let live = format!("{root}/releases/{}", release.version);
        let has =
            |name: &str| release.dir.join("releases").join(&release.version).join(format!("{name}.boot")).is_file();
        let consolidated = format!("lib/{}-{}/consolidated", release.name, release.version);
        let version_of = |name: &str| {
            let found = release.applications.iter().find(|(application, _)| application == name);
            found.map(|(_, version)| version.clone())
        };
        let absent = release.applications.iter().map(|(name, version)| format!("{name}-{version}"));
        let absent = absent.filter(|folder| !release.dir.join("lib").join(folder).exists());
        Self {
            boot: if has("start") { "start".to_owned() } else { release.name.clone() },
            clean: if has("start_clean") { "start_clean".to_owned() } else { "../../bin/start_clean".to_owned() },
            code_path: (release.producer == Producer::Distillery && release.dir.join(&consolidated).is_dir())
                .then(|| format!("{root}/{consolidated}")),
            elixir: version_of("elixir"),
            iex: version_of("iex").is_some(),
            host_applications: if release.erts_included { Vec::new() } else { absent.collect() },
            otp: otp_of(&release.erts),
            root: root.to_owned(),
            live,
            name: release.name.clone(),
            version: release.version.clone(),
            producer: release.producer,
            erts: release.erts.clone(),
            erts_included: release.erts_included,
        }
    }

    /// Whether its nodes can do without epmd.
    pub fn can_do_without_epmd(&self) -> bool {
        self.otp.is_some_and(|otp| otp >= WITHOUT_EPMD)
    }
}

/// The release of OTP that a version of ERTS belongs to: since 23 the numbers go side by side.
pub(crate) fn otp_of(erts: &str) -> Option<u32> {
    let mut numbers = erts.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next()??, numbers.next().flatten()) {
        (major @ 11.., _) => Some(major + 12),
        (10, Some(minor)) => Some(if minor < 4 { 21 } else { 22 }),
        (major @ 6..=9, _) => Some(major + 11),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::preset::otp::tests::synthetic;

    #[test]
    fn a_version_of_erts_tells_its_otp() {
        let all = [("13.1.5", 25), ("16.0", 28), ("11.0", 23), ("10.3.5", 21), ("10.4", 22), ("9.3", 20), ("6.0", 17)];
        for (erts, otp) in all {
            assert_eq!(otp_of(erts), Some(otp), "{erts}");
        }
        assert_eq!((otp_of("5.10"), otp_of("x"), otp_of("")), (None, None, None));
    }

    #[test]
    fn what_is_not_inside_must_be_on_the_host() {
        let dir = tempfile::tempdir().unwrap();
        synthetic(dir.path());
        let whole = Runtime::of(&OtpRelease::read(dir.path(), "rel").unwrap(), "/opt/x");
        assert_eq!((whole.otp, whole.host_applications.len(), whole.iex), (Some(25), 0, true));
        assert_eq!(whole.live, "/opt/x/releases/0.3.1");
        fs_err::remove_dir_all(dir.path().join("erts-13.1.5")).unwrap();
        fs_err::remove_dir_all(dir.path().join("lib/kernel-8.5.3")).unwrap();
        let without = Runtime::of(&OtpRelease::read(dir.path(), "rel").unwrap(), "/opt/x");
        assert_eq!(without.host_applications, ["kernel-8.5.3"]);
    }
}
