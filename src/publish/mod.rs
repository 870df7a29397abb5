//! From artifacts to repositories, buckets and registries.
//!
//! Enters: the list of artifacts that a build left, and `[publish]` of the config. Leaves: a [`Receipt`] for each destination. Every
//! destination makes a [`draft::Draft`] of what is to be put; [`send`] carries it out. What is published is its only state: there is no
//! database, and any number of publishers may run at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

pub mod apt;
mod command;
pub mod destination;
mod destinations;
pub mod draft;
mod facts;
mod files;
mod http;
mod judge;
mod keyring;
mod keys;
mod landing;
mod parallel;
mod parcel;
mod promote;
pub mod prune;
mod record;
mod registry;
pub mod repo;
mod retract;
mod secret;
pub mod send;
mod serve;
mod stored;
mod twice;
mod version;
pub mod yum;

pub use destination::{Destination, Work};
pub use destinations::Destinations;
pub use draft::{Draft, What};
pub use http::{PRESETS, as_table};
pub use judge::By;
pub use keys::Keys;
use parallel::at_once;
pub use parcel::Parcel;
pub use promote::{Promotion, promote};
use record::Record;
pub use retract::retract;
pub use send::{Halted, Receipt, Sent, Signed};
pub use serve::serve;

use crate::build::environment::Variables;
use crate::config::load::{Document, Reading};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::interrupt;
use crate::listener::{Event, Listener};
use crate::resolve::{self, environment};
use crate::run::{self, Made};
use crate::sign::{self, Certificate};
use crate::store::artifacts;
use crate::template::Templates;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The config file.
    pub config: PathBuf,
    /// The overlay.
    pub environment: Option<String>,
    /// The output folder of the build, relative to the config file.
    pub out: PathBuf,
    /// Whether what is there may be replaced.
    pub replace: bool,
    /// The environment of whoever runs fitout: credentials and keys.
    pub variables: Variables,
}

/// All that is to be published, and where.
pub struct Outgoing {
    /// What the build left.
    pub made: Made,
    /// Its artifacts.
    pub parcels: Vec<Parcel>,
    /// Where they go.
    pub destinations: Vec<Box<dyn Destination>>,
    /// Findings that stop nothing.
    pub warnings: Findings,
    record: Option<Arc<Record>>,
    folder: PathBuf,
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the names of the document")]
struct Receipts<'a> {
    schema: &'static str,
    name: &'a str,
    version: &'a str,
    receipts: &'a [Receipt],
}

/// Reads what is to be published, and opens its destinations; nothing is sent.
///
/// # Errors
/// The config, the list of artifacts, a key or an address is not as it must be: all such findings.
pub fn prepare(request: &Request, keys: Keys) -> Result<Outgoing, Findings> {
    let config = Config::read(request)?;
    let mut folder = config.project.join(&request.out);
    folder.extend(&request.environment);
    let made = run::made(&folder)?;
    let parcels = made.artifacts.iter().map(|artifact| Parcel::new(artifact.clone(), folder.join(&artifact.file)));
    let parcels: Vec<Parcel> = parcels.collect();
    let environment = made.environment.clone().unwrap_or_default();
    let holes = vec![("name", made.name.clone()), ("version", made.version.clone()), ("environment", environment)];
    let record = config.publishes_records().then(|| Arc::new(Record::of(&made, &config.project)));
    let destinations = config.destinations(request, &made.name, (holes, record.clone()), keys)?;
    let parcels = destinations.signed(parcels)?;
    let Destinations { all, mut warnings, .. } = destinations;
    warnings.extend(all.iter().filter_map(|destination| idle(&**destination, &parcels)));
    Ok(Outgoing { made, parcels, destinations: all, warnings, record, folder })
}

/// A destination that gets nothing of what was built.
fn idle(destination: &dyn Destination, parcels: &[Parcel]) -> Option<Diagnostic> {
    let takes_record = destination.formats().is_some_and(|all| all.iter().any(|format| format == record::NAME));
    if takes_record || parcels.iter().any(|parcel| destination.takes(parcel)) {
        return None;
    }
    let formats = match destination.formats() {
        None => destination.format().to_owned(),
        Some(formats) => formats.join(", "),
    };
    let message = format!("`manifest.json` lists nothing for `{}`", destination.name());
    let finding = Diagnostic::warning(codes::PUBLISH_NO_ARTIFACT, message).note(format!("it takes: {formats}"));
    Some(finding.help("build all of it in one run, or give the folders of several to `fitout merge`"))
}

impl Outgoing {
    /// That records of other publishers stay, where drafts or what was published have met them.
    pub fn stays(&self) -> Option<Diagnostic> {
        self.record.as_ref()?.warning()
    }
}

/// A config that was read.
struct Config {
    document: Document,
    reading: Reading,
    project: PathBuf,
}

impl Config {
    fn read(request: &Request) -> Result<Self, Findings> {
        let document = run::read_config(&request.config)?;
        let reading = environment::read(&document, request.environment.as_deref(), &[])?;
        if crate::diagnostic::has_errors(&reading.findings) {
            return Err(reading.findings);
        }
        let project = request.config.parent().filter(|parent| !parent.as_os_str().is_empty());
        let project = project.unwrap_or(Path::new("."));
        let project = std::path::absolute(project).unwrap_or_else(|_| project.to_path_buf());
        Ok(Self { document, reading, project })
    }

    /// Whether something takes a record.
    fn publishes_records(&self) -> bool {
        let publish = &self.reading.manifest.publish;
        let has_page =
            publish.apt.iter().any(|apt| apt.url.is_some()) || publish.yum.iter().any(|yum| yum.url.is_some());
        has_page || !publish.files.is_empty()
    }

    fn destinations(
        &self,
        request: &Request,
        owner: &str,
        (holes, record): (Vec<(&'static str, String)>, Option<Arc<Record>>),
        keys: Keys,
    ) -> Result<Destinations, Findings> {
        let ground = destinations::Ground {
            document: &self.document,
            project: &self.project,
            request,
            owner,
            keys,
            holes,
            record,
            templates: resolve::templates(&self.document, &self.project, &self.reading.manifest.package)?,
        };
        destinations::open(&self.reading.manifest, &ground)
    }
}

/// All repositories of a config, for what needs nothing that was built.
///
/// # Errors
/// The config, a key or an address is not as it must be.
pub fn destinations(request: &Request, signs: bool) -> Result<Destinations, Findings> {
    let config = Config::read(request)?;
    let owner = config.reading.manifest.package.name.as_ref().map(|name| name.value.clone());
    let keys = if signs { Keys::Needed } else { Keys::Unused };
    config.destinations(request, &owner.unwrap_or_default(), (Vec::new(), None), keys)
}

/// The public keys of a config, if it has keys that can be opened.
pub fn certificates(request: &Request) -> Option<Vec<Certificate>> {
    let config = Config::read(request).ok()?;
    let ground = destinations::Ground {
        document: &config.document,
        project: &config.project,
        request,
        owner: "",
        keys: Keys::Needed,
        holes: Vec::new(),
        record: None,
        templates: Templates::default(),
    };
    let signer = keys::signer(&config.reading.manifest, &ground).ok()?.0?;
    sign::read_certificates("[sign]", &signer.certificates().ok()?).ok()
}

/// What would be put, for each destination.
///
/// # Errors
/// A destination refuses, or does not answer.
pub fn drafts(outgoing: &Outgoing) -> Result<Vec<(String, Draft)>, Findings> {
    let (mut drafts, mut findings) = (Vec::new(), Findings::new());
    for destination in &outgoing.destinations {
        match destination.draft(&Work::Publish(&for_it(outgoing, &**destination))) {
            Ok(draft) => drafts.push((destination.name(), draft)),
            Err(found) => findings.extend(found),
        }
    }
    if findings.is_empty() { Ok(drafts) } else { Err(findings) }
}

/// Publishes to all destinations at once, and leaves the receipts beside the artifacts.
///
/// # Errors
/// What stopped a destination. If something was put anywhere, the last finding says that it stopped half-way.
pub fn publish(outgoing: &Outgoing, listener: &dyn Listener) -> Result<Vec<Receipt>, Findings> {
    let all: Vec<&dyn Destination> = outgoing.destinations.iter().map(AsRef::as_ref).collect();
    let mut receipts =
        settle_all(&all, |destination| Work::Publish(&for_it(outgoing, destination)).send(destination, listener))?;
    for (receipt, destination) in receipts.iter_mut().zip(&all) {
        receipt.signed = for_it(outgoing, *destination).into_iter().filter_map(Signed::of).collect();
    }
    note(outgoing, &receipts).map_err(|finding| vec![finding])?;
    if let Some(warning) = outgoing.stays() {
        listener.hear(Event::Finding(warning));
    }
    Ok(receipts)
}

/// Puts back what others damaged in repositories, as far as the rest knows it: what was put, by destination. What one step puts back may
/// be what the next one goes by.
///
/// # Errors
/// As [`publish`].
pub fn repair(
    request: &Request,
    dry_run: bool,
    listener: &dyn Listener,
) -> Result<Vec<(String, Vec<String>)>, Findings> {
    let Destinations { all, .. } = destinations(request, true)?;
    let all: Vec<&dyn Destination> = all.iter().map(AsRef::as_ref).filter(|one| one.is_repository()).collect();
    let keys = |draft: &draft::Draft| draft.puts().map(|put| put.key.clone()).collect::<Vec<_>>();
    if dry_run {
        return all.iter().map(|one| Ok((one.name(), keys(&one.draft(&Work::Repair)?)))).collect();
    }
    let mut done: Vec<(String, Vec<String>)> = all.iter().map(|one| (one.name(), Vec::new())).collect();
    for _ in 0..STEPS {
        let receipts = settle_all(&all, |destination| Work::Repair.send(destination, listener))?;
        let mut more = false;
        for (receipt, (_, keys)) in receipts.into_iter().zip(&mut done) {
            more |= !receipt.puts.is_empty();
            keys.extend(receipt.puts.into_iter().map(|put| put.key));
        }
        if !more {
            break;
        }
    }
    Ok(done)
}

/// Steps of a repair: indexes, and what names them.
const STEPS: usize = 3;

/// Does something at all destinations at once, and tells what became of them together.
fn settle_all(
    destinations: &[&dyn Destination],
    work: impl Fn(&dyn Destination) -> Result<Receipt, Halted> + Sync,
) -> Result<Vec<Receipt>, Findings> {
    let ended = at_once(destinations.len(), destinations, |destination| work(*destination));
    let (mut receipts, mut findings, mut half_way) = (Vec::new(), Findings::new(), Findings::new());
    for (result, destination) in ended.into_iter().zip(destinations) {
        match result {
            Ok(receipt) => receipts.push(receipt),
            Err(halted) => {
                findings.extend(halted.findings);
                half_way.extend(
                    (halted.put > 0).then(|| stopped(&destination.name(), halted.put, destination.is_repository())),
                );
            }
        }
    }
    let put: usize = receipts.iter().map(|receipt| receipt.puts.len()).sum();
    if !findings.is_empty() && half_way.is_empty() && put > 0 {
        half_way.push(stopped("all destinations", put, false));
    }
    findings.extend(half_way);
    if findings.is_empty() { Ok(receipts) } else { Err(findings) }
}

/// What a stop in the middle is told as.
fn stopped(destination: &str, put: usize, is_repository: bool) -> Diagnostic {
    let readers = if is_repository { "; readers see the old repository or the new one, never a part" } else { "" };
    Diagnostic::error(codes::PUBLISH_HALF_WAY, format!("publishing to `{destination}` stopped half-way"))
        .note(format!("{put} objects were put{readers}"))
        .help("run it again: it goes on where it stopped")
}

fn for_it<'o>(outgoing: &'o Outgoing, destination: &dyn Destination) -> Vec<&'o Parcel> {
    outgoing.parcels.iter().filter(|parcel| destination.takes(parcel)).collect()
}

/// Leaves the receipts beside the artifacts.
fn note(outgoing: &Outgoing, receipts: &[Receipt]) -> Result<(), Diagnostic> {
    let Made { name, version, .. } = &outgoing.made;
    let path = outgoing.folder.join(artifacts::RECEIPT);
    let list = Receipts { schema: "fitout/receipt/1", name, version, receipts };
    let write = || -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&list)?;
        text.push(b'\n');
        interrupt::replace(&path, &text)
    };
    write().map_err(|error| {
        Diagnostic::error(codes::ENGINE_WRITE, format!("cannot write `{}`", path.display()))
            .path(&path)
            .note(error.to_string())
            .help("everything was published; the receipt is missing only")
    })
}

/// Keys that sign together, shared by destinations.
pub(crate) type Signers = Arc<crate::sign::Signer>;
