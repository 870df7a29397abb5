//! From artifacts to repositories, buckets and registries.
//!
//! Enters: the list of artifacts that a build left, and `[publish]` of the config. Leaves: a [`Receipt`] for each destination. Every
//! destination makes a [`draft::Draft`] of what is to be put; [`send`] carries it out. What is published is its only state: there is no
//! database, and any number of publishers may run at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

pub mod apt;
mod destinations;
pub mod draft;
mod parcel;
pub mod send;
mod stored;

pub use destinations::Destinations;
pub use draft::{Draft, What};
pub use parcel::Parcel;
pub use send::{Destination, Receipt, Sent};

use crate::build::environment::Variables;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::listener::Listener;
use crate::resolve::environment;
use crate::run::{self, Made};

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
    folder: PathBuf,
}

/// The name of the list of what was published, in the output folder.
const RECEIPT: &str = "receipt.json";

#[derive(Serialize)]
struct Receipts<'a> {
    schema: &'static str,
    name: &'a str,
    version: &'a str,
    receipts: &'a [Receipt],
}

/// Reads what is to be published, and opens its destinations; nothing is sent. `signs` says whether keys are needed.
///
/// # Errors
/// The config, the list of artifacts, a key or an address is not as it must be: all such findings.
pub fn prepare(request: &Request, signs: bool) -> Result<Outgoing, Findings> {
    let document = run::read_config(&request.config)?;
    let reading = environment::read(&document, request.environment.as_deref(), &[])?;
    if crate::diagnostic::has_errors(&reading.findings) {
        return Err(reading.findings);
    }
    let project = request.config.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let project = std::path::absolute(project).unwrap_or_else(|_| project.to_path_buf());
    let mut folder = project.join(&request.out);
    folder.extend(&request.environment);
    let made = run::made(&folder)?;
    let parcels = made.artifacts.iter().map(|artifact| Parcel::new(artifact.clone(), folder.join(&artifact.file)));
    let parcels = parcels.collect();
    let ground = destinations::Ground { document: &document, project: &project, request, made: &made, signs };
    let Destinations { all, warnings } = destinations::open(&reading.manifest, &ground)?;
    Ok(Outgoing { made, parcels, destinations: all, warnings, folder })
}

/// What would be put, for each destination.
///
/// # Errors
/// A destination refuses, or does not answer.
pub fn drafts(outgoing: &Outgoing) -> Result<Vec<(String, Draft)>, Findings> {
    let (mut drafts, mut findings) = (Vec::new(), Findings::new());
    for destination in &outgoing.destinations {
        match destination.draft(&for_it(outgoing, &**destination)) {
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
    let ended: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = outgoing
            .destinations
            .iter()
            .map(|destination| {
                let destination = &**destination;
                let parcels = for_it(outgoing, destination);
                (destination.name(), scope.spawn(move || send::send(destination, &parcels, listener)))
            })
            .collect();
        let join = |handle: std::thread::ScopedJoinHandle<'_, _>| {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        started.into_iter().map(|(name, handle)| (name, join(handle))).collect()
    });
    let (mut receipts, mut findings, mut half_way) = (Vec::new(), Findings::new(), Findings::new());
    for (name, result) in ended {
        match result {
            Ok(receipt) => receipts.push(receipt),
            Err(halted) => {
                findings.extend(halted.findings);
                half_way.extend((halted.put > 0).then(|| send::half_way(&name, halted.put)));
            }
        }
    }
    if !findings.is_empty() && half_way.is_empty() && receipts.iter().any(|receipt| !receipt.puts.is_empty()) {
        half_way.push(send::half_way("all destinations", receipts.iter().map(|receipt| receipt.puts.len()).sum()));
    }
    let noted = note(outgoing, &receipts);
    findings.extend(half_way);
    if findings.is_empty() { noted.map(|()| receipts).map_err(|finding| vec![finding]) } else { Err(findings) }
}

fn for_it<'o>(outgoing: &'o Outgoing, destination: &dyn Destination) -> Vec<&'o Parcel> {
    outgoing.parcels.iter().filter(|parcel| destination.takes(parcel)).collect()
}

/// Leaves the receipts beside the artifacts.
fn note(outgoing: &Outgoing, receipts: &[Receipt]) -> Result<(), Diagnostic> {
    let Made { name, version, .. } = &outgoing.made;
    let path = outgoing.folder.join(RECEIPT);
    let list = Receipts { schema: "fitout/receipt/1", name, version, receipts };
    let write = || -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&list)?;
        text.push(b'\n');
        let mut file = tempfile::NamedTempFile::new_in(&outgoing.folder)?;
        std::io::Write::write_all(&mut file, &text)?;
        file.persist(&path).map(drop).map_err(|error| error.error)
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
