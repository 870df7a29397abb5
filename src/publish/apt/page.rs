//! What an apt repository says to people: how a host is set up, and the files for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::packages::Packages;
use super::release::Release;
use super::{Apt, Suite};
use crate::diagnostic::{Diagnostic, Findings};
use crate::interrupt;
use crate::publish::draft::{Draft, Put};
use crate::publish::keyring::{Brings, Keyring};
use crate::publish::landing::{SetUp, Shelf, file_name, path as reference};
use crate::publish::parcel::Parcel;
use crate::publish::repo::{self, Listed};
use crate::sign::Signer;
use crate::store::{StoreError, Trouble};

/// A suite as hosts name it.
pub(in crate::publish) struct Source<'a> {
    pub(in crate::publish) name: &'a str,
    pub(in crate::publish) components: String,
}

impl Apt {
    /// The package with the keys, if it has to be made anew; with a page only, by which hosts find it.
    pub(super) fn keyring(
        &self,
        suite: &Suite<'_>,
        lists: &BTreeMap<String, Packages>,
        draft: &mut Draft,
    ) -> Result<Option<Parcel>, Findings> {
        let (Some(front), Some(signer)) = (&self.front, &self.signer) else { return Ok(None) };
        let url = front.url.as_str();
        let one = |finding: Diagnostic| vec![finding];
        let title = self.origin(&suite.release);
        let keys = signer.certificates().map_err(|error| one(error.into()))?;
        let ring = Keyring {
            name: &file_name(&title),
            title: &title,
            url,
            maintainer: &self.settings.maintainer,
            keys: &String::from_utf8_lossy(&keys),
            brings: Brings::Source(&self.settings.main, &self.settings.component),
        };
        let name = ring.package();
        let newest = lists.values().find_map(|list| list.of(&name).last());
        let is_there = |parcel: Parcel| {
            let sha256 = newest.and_then(|entry| entry.field("SHA256"));
            Ok(sha256 == Some(&parcel.artifact.sha256))
        };
        let failed = |error: std::io::Error| StoreError::of("a temporary folder", Trouble::Failed, &error).into();
        let folder = interrupt::folder(tempfile::tempdir, |folder| folder.path().to_owned());
        let folder = folder.map_err(|error| one(failed(error)))?;
        let version = newest.map(|entry| entry.version);
        let parcel = ring.parcel(folder.0.path(), signer, version, is_there, (self.now)())?;
        draft.folders.push(Arc::new(folder));
        Ok(parcel)
    }

    /// The page and all beside it, if the config says where hosts reach the repository.
    pub(super) fn page(
        &self,
        release: &Release,
        lists: &BTreeMap<String, Packages>,
    ) -> Result<Vec<Vec<Put>>, Diagnostic> {
        let Some(front) = &self.front else { return Ok(Vec::new()) };
        let url = front.url.as_str();
        let own = self.settings.suite.as_str();
        let known = repo::suites(&*self.place, &[])?;
        let mut names: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        names.insert(own);
        let others: Vec<String> = names.iter().filter(|name| **name != own).map(|name| (*name).to_owned()).collect();
        let mut packages: BTreeSet<Listed> =
            if others.is_empty() { BTreeSet::new() } else { repo::list(&*self.place, &others)?.into_iter().collect() };
        packages.extend(lists.values().flat_map(|list| repo::listed(own, list)));
        let mut sources = Vec::new();
        for name in &names {
            let components = if *name == own {
                release.words("Components").join(" ")
            } else {
                Suite::read(&*self.place, name)?.release.words("Components").join(" ")
            };
            sources.push(Source { name, components });
        }
        let title = release.get("Origin").unwrap_or(&self.settings.owner);
        let file = file_name(title);
        let main = sources.iter().find(|source| source.name == self.settings.main).or(sources.first());
        let ring = format!("{file}-archive-keyring");
        let package = lists.values().find_map(|list| list.of(&ring).last()).map(|entry| entry.file_name());
        let wanted = packages
            .iter()
            .find(|listed| listed.name != ring)
            .map_or(self.settings.owner.as_str(), |listed| &listed.name);
        let mut setups = main.map_or_else(Vec::new, |main| setups(url, &file, package, main, wanted));
        setups.extend(front.beside.iter().cloned());
        let page = Shelf {
            title,
            description: release.get("Description").unwrap_or_default(),
            url,
            setups,
            files: self.files(url, &file, &sources, main.map_or("", |main| main.name))?,
            packages: packages.iter().cloned().collect(),
            key_file: format!("{file}.asc"),
            time: release.date().unwrap_or_default(),
        };
        page.puts(&*self.place, front, self.signer.as_deref())
    }

    /// One `.sources` a suite; that of the main one has the plain name.
    fn files(
        &self,
        url: &str,
        file: &str,
        sources: &[Source<'_>],
        main: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, Diagnostic> {
        let keys = self.signer.as_deref().map(Signer::certificates).transpose()?.unwrap_or_default();
        let keys = String::from_utf8_lossy(&keys).into_owned();
        let one = |source: &Source<'_>| {
            let name = if source.name == main { file.to_owned() } else { format!("{file}-{}", file_name(source.name)) };
            let name = format!("{name}.sources");
            (name, deb822(url, source, &keys).into_bytes())
        };
        Ok(sources.iter().map(one).collect())
    }
}

/// As sources.list(5) has it since apt 2.4: with the keys in it.
fn deb822(url: &str, source: &Source<'_>, keys: &str) -> String {
    let mut text =
        format!("Types: deb\nURIs: {url}\nSuites: {}\nComponents: {}\nSigned-By:\n", source.name, source.components);
    for line in keys.lines() {
        // An empty line would end the stanza.
        let _ = writeln!(text, " {}", if line.is_empty() { "." } else { line });
    }
    text
}

/// `keyring` is where the package with the keys lies.
pub(in crate::publish) fn setups(
    url: &str,
    file: &str,
    keyring: Option<&str>,
    source: &Source<'_>,
    package: &str,
) -> Vec<SetUp> {
    let Source { name, components } = source;
    let install = format!("sudo apt-get update && sudo apt-get install {package}");
    let deb = format!("/tmp/{file}-archive-keyring.deb");
    let by_package = keyring.map(|keyring| SetUp {
        label: "Debian, Ubuntu".to_owned(),
        lines: vec![
            format!("curl -fsSLo {deb} {url}/{} && sudo apt-get install {deb}", reference(keyring)),
            install.clone(),
        ],
        open: true,
    });
    let open = by_package.is_none();
    let mut setups: Vec<SetUp> = by_package.into_iter().collect();
    setups.extend([
        SetUp {
            label: "Debian 12, Ubuntu 22.04 and later, by a file".to_owned(),
            lines: vec![
                format!("sudo curl -fsSLo /etc/apt/sources.list.d/{file}.sources {url}/{file}.sources"),
                install.clone(),
            ],
            open,
        },
        SetUp {
            label: "Debian 11, Ubuntu 20.04, by files".to_owned(),
            lines: vec![
                format!(
                    "sudo mkdir -p /etc/apt/keyrings && sudo curl -fsSLo /etc/apt/keyrings/{file}.asc {url}/{file}.asc"
                ),
                format!(
                    "echo 'deb [signed-by=/etc/apt/keyrings/{file}.asc] {url} {name} {components}' | sudo tee /etc/apt/sources.list.d/{file}.list"
                ),
                install,
            ],
            open: false,
        },
    ]);
    setups
}
