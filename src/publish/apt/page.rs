//! What an apt repository says to people: how a host is set up, and the files for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::packages::Packages;
use super::release::Release;
use super::{Apt, Suite};
use crate::diagnostic::Diagnostic;
use crate::publish::draft::Put;
use crate::publish::landing::{SetUp, Shelf, file_name};
use crate::publish::repo::{self, Listed};
use crate::sign::Signer;

/// The suite that hosts are set up with, if there are several.
const MAIN: &str = "stable";

/// A suite as hosts name it.
struct Source<'a> {
    name: &'a str,
    components: String,
}

impl Apt {
    /// The page and all beside it, if the config says where hosts reach the repository.
    pub(super) fn page(
        &self,
        release: &Release,
        lists: &BTreeMap<String, Packages>,
    ) -> Result<Vec<Vec<Put>>, Diagnostic> {
        let Some(url) = self.url.as_deref() else { return Ok(Vec::new()) };
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
        let main = sources.iter().find(|source| source.name == MAIN).or(sources.first());
        let wanted = packages.iter().map(|listed| listed.name.as_str()).next().unwrap_or(&self.settings.owner);
        let page = Shelf {
            title,
            description: release.get("Description").unwrap_or_default(),
            url,
            setups: main.map_or_else(Vec::new, |main| setups(url, &file, main, wanted)),
            files: self.files(url, &file, &sources, main.map_or("", |main| main.name))?,
            packages: packages.iter().cloned().collect(),
            key_file: format!("{file}.asc"),
            time: release.date().unwrap_or_default(),
        };
        page.puts(&*self.place, &self.templates, self.signer.as_deref())
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

fn setups(url: &str, file: &str, source: &Source<'_>, package: &str) -> Vec<SetUp> {
    let Source { name, components } = source;
    let install = format!("sudo apt-get update && sudo apt-get install {package}");
    vec![
        SetUp {
            label: "Debian 12, Ubuntu 22.04 and later".to_owned(),
            lines: vec![
                format!("sudo curl -fsSLo /etc/apt/sources.list.d/{file}.sources {url}/{file}.sources"),
                install.clone(),
            ],
            open: true,
        },
        SetUp {
            label: "Debian 11, Ubuntu 20.04".to_owned(),
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
    ]
}
