//! What a yum repository says to people: how a host is set up, and the files for it.

use std::sync::Arc;

use super::stored::Entry;
use super::{KEY, Yum, compare};
use crate::diagnostic::{Diagnostic, Findings};
use crate::interrupt;
use crate::publish::draft::{Draft, Put};
use crate::publish::keyring::{Brings, Keyring};
use crate::publish::landing::{SetUp, Shelf, file_name, path as reference};
use crate::publish::parcel::Parcel;
use crate::publish::repo::Listed;
use crate::store::{StoreError, Trouble};

impl Yum {
    /// The package with the keys, signed, if it has to be made anew; with a page only, by which hosts find it.
    pub(super) fn keyring(&self, entries: &[Entry], draft: &mut Draft) -> Result<Option<Parcel>, Findings> {
        let (Some(front), Some(signer)) = (&self.front, &self.signer) else { return Ok(None) };
        let url = front.url.as_str();
        let one = |finding: Diagnostic| vec![finding];
        let keys = signer.certificates().map_err(|error| one(error.into()))?;
        let settings = &self.settings;
        let file = file_of(&settings.title, &settings.channel);
        let ring = format!("/etc/pki/rpm-gpg/RPM-GPG-KEY-{file}");
        let repo = repo(&settings.title, &file, url, &format!("file://{ring}"));
        let keyring = Keyring {
            name: &file,
            title: &settings.title,
            url,
            maintainer: &settings.maintainer,
            keys: &String::from_utf8_lossy(&keys),
            brings: Brings::Repo { text: &repo, ring: &ring },
        };
        let name = keyring.package();
        let newest = entries.iter().filter(|entry| *entry.name == *name).max_by(|a, b| a.compare(b));
        let is_there = |parcel: Parcel| {
            let Some(entry) = newest else { return Ok(false) };
            let parcel = parcel.signed(signer, false)?;
            Ok(*entry.id == parcel.artifact.sha256 || self.is_signed_otherwise(entry, &parcel)?)
        };
        let failed = |error: std::io::Error| StoreError::of("a temporary folder", Trouble::Failed, &error).into();
        let folder = interrupt::folder(tempfile::tempdir, |folder| folder.path().to_owned());
        let folder = folder.map_err(|error| one(failed(error)))?;
        let made =
            keyring.parcel(folder.0.path(), signer, newest.map(|entry| &*entry.version), is_there, (self.now)())?;
        let made = made.map(|parcel| parcel.signed(signer, false)).transpose().map_err(one)?;
        draft.folders.push(Arc::new(folder));
        draft.folders.extend(made.as_ref().and_then(Parcel::folder));
        Ok(made)
    }

    /// The page and all beside it, if the config says where hosts reach the repository; nothing if it is there as it would be put.
    pub(super) fn page<'e>(
        &self,
        entries: impl Iterator<Item = &'e Entry>,
        time: i64,
    ) -> Result<Vec<Vec<Put>>, Diagnostic> {
        let Some(front) = &self.front else { return Ok(Vec::new()) };
        let url = front.url.as_str();
        let settings = &self.settings;
        let file = file_of(&settings.title, &settings.channel);
        let packages: Vec<Listed> = entries.map(|entry| entry.listed(&settings.channel)).collect();
        let ring = format!("{file}-release");
        let other = packages.iter().find(|listed| listed.name != ring);
        let wanted = other.map_or(settings.owner.as_str(), |listed| &listed.name);
        let release =
            packages.iter().filter(|listed| listed.name == ring).max_by(|a, b| compare(&a.version, &b.version));
        let mut setups = setups(url, &file, wanted, true);
        setups.extend(release.map(|release| SetUp {
            label: "Fedora, EL, by a package that follows the keys".to_owned(),
            lines: vec![
                format!("sudo dnf install {url}/{}", reference(&release.file)),
                format!("sudo dnf install {wanted}"),
            ],
            open: false,
        }));
        setups.extend(front.beside.iter().cloned());
        let key = format!("{url}/{KEY}");
        let page = Shelf {
            title: &settings.title,
            description: &settings.description,
            url,
            setups,
            files: vec![(format!("{file}.repo"), repo(&settings.title, &file, url, &key).into_bytes())],
            packages,
            key_file: format!("{file}.asc"),
            time,
        };
        page.puts(&*self.place, front, self.signer.as_deref())
    }
}

/// The name of a repository, fit for files: each channel is a repository to its hosts.
pub(in crate::publish) fn file_of(title: &str, channel: &str) -> String {
    if channel == STABLE { file_name(title) } else { file_name(&format!("{title} {channel}")) }
}

/// The channel where the config names none.
pub const STABLE: &str = "stable";

/// As dnf.conf(5) has it, which zypper reads, too.
fn repo(title: &str, file: &str, url: &str, key: &str) -> String {
    format!("[{file}]\nname={title}\nbaseurl={url}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey={key}\n")
}

/// How hosts are set up; `open` shows the first from the start.
pub(in crate::publish) fn setups(url: &str, file: &str, package: &str, open: bool) -> Vec<SetUp> {
    vec![
        SetUp {
            label: "Fedora, EL, with dnf".to_owned(),
            lines: vec![
                format!("sudo curl -fsSLo /etc/yum.repos.d/{file}.repo {url}/{file}.repo"),
                format!("sudo dnf install {package}"),
            ],
            open,
        },
        SetUp {
            label: "openSUSE, SLE, with zypper".to_owned(),
            lines: vec![format!("sudo zypper addrepo {url}/{file}.repo"), format!("sudo zypper install {package}")],
            open: false,
        },
    ]
}
