//! From `[publish]` to destinations.
//!
//! Enters: the config and what was built. Leaves: every destination opened, or every finding. Nothing is asked of a place yet.

use std::path::Path;
use std::sync::Arc;

use super::apt::{self, Apt, Settings, page::Source};
use super::files::Files;
use super::keys::{self, Keys};
use super::landing::{Front, SetUp, file_name};
use super::record::{self, Record};
use super::registry::{Registry, Table};
use super::yum::{self, Packing, Yum};
use super::{Destination, Parcel, Request, Signers};
use super::{command, http, twice};
use crate::config::load::Document;
use crate::config::schema::{
    At, ListCompression, Manifest, PublishApt, PublishFiles, PublishRegistry, PublishYum, Text,
};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::duration;
use crate::store::{self, Address, Place, now};
use crate::template::Templates;

/// What a config is read against.
pub(super) struct Ground<'a> {
    pub(super) document: &'a Document,
    pub(super) project: &'a Path,
    pub(super) request: &'a Request,
    pub(super) owner: &'a str,
    pub(super) keys: Keys,
    /// What `{…}` in addresses stands for.
    pub(super) holes: Vec<(&'static str, String)>,
    /// What is in the release, if something is built.
    pub(super) record: Option<Arc<Record>>,
    pub(super) templates: Templates,
}

/// All destinations.
pub struct Destinations {
    /// In the order of the file, one kind after the other.
    pub all: Vec<Box<dyn Destination>>,
    /// Findings that stop nothing: a key that ends soon.
    pub warnings: Findings,
    /// Who signs, where something is sent that is signed.
    pub(super) signer: Option<Signers>,
    /// Whether somebody would sign, whose keys are not at hand: see [`Keys::IfThere`].
    pub(super) lacks_keys: bool,
    /// Whether .deb packages are signed, too.
    pub(super) signs_deb: bool,
}

impl Destinations {
    /// Artifacts as they are sent: signed copies of packages, in place of what was built.
    pub(super) fn signed(&self, mut parcels: Vec<Parcel>) -> Result<Vec<Parcel>, Findings> {
        let Some(signer) = &self.signer else {
            for parcel in &mut parcels {
                parcel.unsigned = self.lacks_keys && parcel.is_signed_as(self.signs_deb);
            }
            return Ok(parcels);
        };
        let (mut copies, mut findings) = (Vec::new(), Findings::new());
        for parcel in parcels {
            let is_sent = self.all.iter().any(|destination| destination.takes(&parcel));
            match if is_sent { parcel.signed(signer, self.signs_deb) } else { Ok(parcel) } {
                Ok(parcel) => copies.push(parcel),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(copies) } else { Err(findings) }
    }
}

/// Opens every destination.
pub(super) fn open(manifest: &Manifest, ground: &Ground<'_>) -> Result<Destinations, Findings> {
    let (mut all, mut findings): (Vec<Box<dyn Destination>>, _) = (Vec::new(), Findings::new());
    let (signer, warnings) = match keys::signer(manifest, ground) {
        Ok((signer, warnings)) => (signer, warnings),
        Err(found) => {
            findings.extend(found);
            (None, Findings::new())
        }
    };
    findings.extend(twice::refuse(manifest, ground));
    for at in &manifest.publish.apt {
        match ground.apt(at, manifest, signer.clone()) {
            Ok(apt) => all.push(Box::new(apt)),
            Err(found) => findings.extend(found),
        }
    }
    for at in &manifest.publish.registry {
        match ground.registry(at) {
            Ok(registry) => all.push(Box::new(registry)),
            Err(found) => findings.extend(found),
        }
    }
    for at in &manifest.publish.yum {
        match ground.yum(at, manifest, signer.clone()) {
            Ok(yum) => all.push(Box::new(yum)),
            Err(found) => findings.extend(found),
        }
    }
    // Whose addresses name a build, which there may not be.
    let files = if ground.holes.is_empty() { &[][..] } else { &manifest.publish.files };
    for at in files {
        match ground.files(at, signer.clone()) {
            Ok(files) => all.push(Box::new(files)),
            Err(finding) => findings.push(finding),
        }
    }
    let commands = if ground.holes.is_empty() { &[][..] } else { &manifest.publish.command };
    for at in commands {
        match command::open(at, ground) {
            Ok(command) => all.push(Box::new(command)),
            Err(found) => findings.extend(found),
        }
    }
    let servers = if ground.holes.is_empty() { &[][..] } else { &manifest.publish.http };
    for at in servers {
        match http::open(at, ground) {
            Ok(http) => all.push(Box::new(http)),
            Err(found) => findings.extend(found),
        }
    }
    if all.is_empty() && findings.is_empty() {
        findings.push(nowhere(manifest, ground));
    }
    let (signs_deb, lacks_keys) = (manifest.sign.deb, signer.is_none() && !warnings.is_empty());
    if findings.is_empty() { Ok(Destinations { all, warnings, signer, lacks_keys, signs_deb }) } else { Err(findings) }
}

fn nowhere(manifest: &Manifest, ground: &Ground<'_>) -> Diagnostic {
    let publish = &manifest.publish;
    let has_others = !publish.files.is_empty() || !publish.http.is_empty() || !publish.command.is_empty();
    let message = if ground.holes.is_empty() && has_others {
        "the config names no repository: files, servers and commands keep no lists"
    } else {
        "the config names no place to publish to"
    };
    let help = "add `[[publish.apt]]` or `[[publish.yum]]` with `to = \"file:repository\"` for a start, or `[[publish.registry]]`";
    Diagnostic::error(codes::PUBLISH_NOWHERE, message).path(&ground.request.config).help(help)
}

/// The suite of a place that hosts are set up with: `stable` if the config has one there, else the first.
fn main(config: &PublishApt, suite: &str, all: &[At<PublishApt>]) -> String {
    let suite_of = |one: &PublishApt| one.suite.as_ref().map_or(STABLE, |suite| suite.as_str()).to_owned();
    let mut beside = all.iter().filter(|one| *one.to == *config.to).map(|one| suite_of(one));
    let first = beside.next().unwrap_or_else(|| suite.to_owned());
    if first == STABLE || beside.any(|other| other == STABLE) { STABLE.to_owned() } else { first }
}

/// Who answers for the packages that a repository makes itself.
fn maintainer(manifest: &Manifest) -> String {
    manifest.package.maintainer.as_ref().map(|text| text.value.clone()).unwrap_or_default()
}

/// How the images of the config are run.
fn images(manifest: &Manifest) -> Vec<SetUp> {
    let pull = |image: &Text| format!("podman pull {}", image.value);
    let lines: Vec<String> = manifest.publish.registry.iter().map(|registry| pull(&registry.image)).collect();
    let setup = SetUp { label: "Image, with podman or docker".to_owned(), lines, open: false };
    if setup.lines.is_empty() { Vec::new() } else { vec![setup] }
}

/// The suite where the config names none.
pub(super) const STABLE: &str = "stable";

/// Findings of one table: all of them are told.
#[derive(Default)]
struct Told(Findings);

impl Told {
    fn or_default<T: Default>(&mut self, result: Result<T, Diagnostic>) -> T {
        result.unwrap_or_else(|finding| {
            self.0.push(finding);
            T::default()
        })
    }
}

impl Ground<'_> {
    fn registry(&self, at: &At<PublishRegistry>) -> Result<Registry, Findings> {
        let Self { document, project, request, owner, .. } = self;
        Table { document, project, request, owner }.open(at)
    }

    fn place(&self, to: &Text) -> Result<Box<dyn Place>, Diagnostic> {
        let span = self.document.span(to.range.clone());
        let address = Address::parse(to).ok_or_else(|| {
            let message = format!("`{}` is no address of a place", to.value);
            Diagnostic::error(codes::CONFIG_INVALID_VALUE, message).at(&span, "").help(store::ADDRESS_HELP)
        })?;
        store::open(&address.below(self.project), &self.request.variables)
            .map_err(|error| Diagnostic::from(error).at(&span, ""))
    }

    /// An address that hosts can be told, without `/` at its end.
    fn url(&self, text: &Text) -> Result<String, Diagnostic> {
        let url = text.trim_end_matches('/');
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%[]@".contains(c);
        if host.is_none_or(|host| host.is_empty() || host.starts_with('/') || !host.chars().all(plain)) {
            return Err(Diagnostic::error(
                codes::CONFIG_INVALID_VALUE,
                format!("`{}` is no address for hosts", text.value),
            )
            .at(&self.document.span(text.range.clone()), "")
            .help("write it as `https://packages.example.org/apt`"));
        }
        Ok(url.to_owned())
    }

    fn files(&self, at: &At<PublishFiles>, signer: Option<Signers>) -> Result<Files, Diagnostic> {
        let PublishFiles { to, formats } = &at.value;
        let (mut text, mut rest) = (String::new(), to.as_str());
        while let Some((before, behind)) = rest.split_once('{') {
            let (hole, behind) = behind.split_once('}').unwrap_or((behind, ""));
            let fill = self.holes.iter().find(|(name, _)| *name == hole).map(|(_, value)| value);
            let Some(fill) = fill else {
                let names: Vec<String> = self.holes.iter().map(|(name, _)| format!("`{{{name}}}`")).collect();
                return Err(Diagnostic::error(codes::CONFIG_UNSET_HOLE, format!("`{{{hole}}}` has no value here"))
                    .at(&self.document.span(to.range.clone()), "")
                    .help(format!("filled in are {}", names.join(", "))));
            };
            text.push_str(before);
            text.push_str(fill);
            rest = behind;
        }
        text.push_str(rest);
        let to = At { value: text, range: to.range.clone() };
        let formats: Vec<String> = formats.iter().flatten().map(|format| format.value.clone()).collect();
        let record =
            self.record.clone().filter(|_| formats.is_empty() || formats.iter().any(|format| format == record::NAME));
        let replace = self.request.replace;
        Ok(Files { place: self.place(&to)?, formats, record, replace, signer, now: now::now })
    }

    /// A word that becomes a folder or a field of a list.
    fn word(&self, text: Option<&Text>, default: &str) -> Result<String, Diagnostic> {
        let Some(text) = text else { return Ok(default.to_owned()) };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._+~".contains(c);
        if text.is_empty() || text.starts_with(['-', '.']) || !text.chars().all(plain) {
            let message = format!("`{}` is no word for this", text.value.escape_debug());
            return Err(Diagnostic::error(codes::CONFIG_INVALID_VALUE, message)
                .at(&self.document.span(text.range.clone()), "")
                .help("it is made of letters, digits and `-`, `.`, `_`, `+`, `~`: it names a folder"));
        }
        Ok(text.value.clone())
    }

    fn line(&self, text: Option<&Text>) -> Result<Option<String>, Diagnostic> {
        let Some(text) = text else { return Ok(None) };
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(Diagnostic::error(codes::CONFIG_INVALID_VALUE, "it is no line of text")
                .at(&self.document.span(text.range.clone()), "")
                .help("write it in one line"));
        }
        Ok(Some(text.value.clone()))
    }

    /// Whose the repositories are, where nothing says it.
    fn vendor<'m>(&'m self, manifest: &'m Manifest) -> &'m str {
        manifest.package.vendor.as_ref().map_or(self.owner, |vendor| vendor.as_str())
    }

    /// What a repository says to people, if it has an address for them; `beside` is how hosts are set up with the others.
    fn front(&self, url: Option<&Text>, beside: Vec<SetUp>) -> Result<Option<Front>, Diagnostic> {
        let Some(url) = url.map(|url| self.url(url)).transpose()? else { return Ok(None) };
        let (record, replace) = (self.record.clone(), self.request.replace);
        Ok(Some(Front { url, templates: self.templates.clone(), beside, record, replace }))
    }

    /// How hosts are set up with the apt repository of the config, the first of several.
    fn apt_setups(&self, manifest: &Manifest) -> Vec<SetUp> {
        let all = &manifest.publish.apt;
        let with_url = |apt: &At<PublishApt>| Some((apt.value.clone(), self.url(apt.url.as_ref()?).ok()?));
        let Some((apt, url)) = all.iter().find_map(with_url) else { return Vec::new() };
        let suite = main(&apt, apt.suite.as_ref().map_or(STABLE, |suite| suite.as_str()), all);
        let components = apt.component.as_ref().map_or("main", |component| component.as_str()).to_owned();
        let file = file_name(apt.origin.as_ref().map_or(self.vendor(manifest), |origin| origin.as_str()));
        let mut setups = apt::page::setups(&url, &file, None, &Source { name: &suite, components }, self.owner);
        for setup in &mut setups {
            setup.open = false;
        }
        setups
    }

    /// How hosts are set up with the yum repository of the config: the stable one, or the first.
    fn yum_setups(&self, manifest: &Manifest) -> Vec<SetUp> {
        let channel =
            |yum: &PublishYum| yum.channel.as_ref().map_or(yum::page::STABLE, |text| text.as_str()).to_owned();
        let all = manifest.publish.yum.iter();
        let mut all: Vec<_> = all.filter_map(|yum| Some((&yum.value, self.url(yum.url.as_ref()?).ok()?))).collect();
        all.sort_by_key(|(yum, _)| channel(yum) != yum::page::STABLE);
        let Some((yum, url)) = all.first() else { return Vec::new() };
        let title = yum.title.as_ref().map_or(self.vendor(manifest), |title| title.as_str());
        yum::page::setups(url, &yum::page::file_of(title, &channel(yum)), self.owner, false)
    }

    fn apt(&self, at: &At<PublishApt>, manifest: &Manifest, signer: Option<Signers>) -> Result<Apt, Findings> {
        let config = &at.value;
        let mut told = Told::default();
        let suite = told.or_default(self.word(config.suite.as_ref(), STABLE));
        let codename = config.codename.as_ref().map(|text| told.or_default(self.word(Some(text), "")));
        let settings = Settings {
            codename,
            component: told.or_default(self.word(config.component.as_ref(), "main")),
            architectures: config.architectures.iter().map(|arch| told.or_default(self.word(Some(arch), ""))).collect(),
            origin: told.or_default(self.line(config.origin.as_ref())),
            owner: self.vendor(manifest).to_owned(),
            label: told.or_default(self.line(config.label.as_ref())),
            description: told.or_default(self.line(config.description.as_ref())),
            valid_for: config.valid_for.as_ref().map(|text| told.or_default(self.span_of_time(text))),
            main: main(config, &suite, &manifest.publish.apt),
            maintainer: maintainer(manifest),
            keep: config.keep.as_ref().map(|keep| keep.value.max(1) as usize),
            xz: config.xz,
            automatic: config.automatic.unwrap_or(true),
            suite,
        };
        let front =
            told.or_default(self.front(config.url.as_ref(), [self.yum_setups(manifest), images(manifest)].concat()));
        let place = self.place(&config.to);
        match (place, told.0.is_empty()) {
            (Ok(place), true) => {
                let replace = self.request.replace;
                Ok(Apt { place, settings, front, replace, signer, now: now::now })
            }
            (place, _) => {
                told.0.extend(place.err());
                Err(told.0)
            }
        }
    }

    fn yum(&self, at: &At<PublishYum>, manifest: &Manifest, signer: Option<Signers>) -> Result<Yum, Findings> {
        let config = &at.value;
        let mut told = Told::default();
        let title = told.or_default(self.line(config.title.as_ref()));
        let title = title.unwrap_or_else(|| self.vendor(manifest).to_owned());
        let description = told.or_default(self.line(config.description.as_ref()));
        let settings = yum::Settings {
            channel: told.or_default(self.word(config.channel.as_ref(), yum::page::STABLE)),
            description: description.unwrap_or_else(|| format!("Packages of {title}")),
            title,
            owner: self.owner.to_owned(),
            maintainer: maintainer(manifest),
            keep: config.keep.as_ref().map(|keep| keep.value.max(1) as usize),
            packing: match config.compression {
                ListCompression::Gzip => Packing::Gzip,
                ListCompression::Zstd => Packing::Zstd,
            },
        };
        let front =
            told.or_default(self.front(config.url.as_ref(), [self.apt_setups(manifest), images(manifest)].concat()));
        match (self.place(&config.to), told.0.is_empty()) {
            (Ok(place), true) => {
                Ok(Yum { place, settings, front, replace: self.request.replace, signer, now: now::now })
            }
            (place, _) => {
                told.0.extend(place.err());
                Err(told.0)
            }
        }
    }

    /// Seconds of a time of an hour or more.
    fn span_of_time(&self, text: &Text) -> Result<i64, Diagnostic> {
        let seconds = duration::nanoseconds(text).and_then(|time| i64::try_from(time / 1_000_000_000).ok());
        seconds.filter(|seconds| *seconds >= 3600).ok_or_else(|| {
            Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{}` is no time of an hour or more", text.value))
                .at(&self.document.span(text.range.clone()), "")
                .help("write it as `30d`, `12h` or `2w`")
        })
    }
}
