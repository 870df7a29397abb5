//! From one channel to another: the same bytes, nothing is built again.
//!
//! Enters: the channels, a name, a version. Leaves: receipts of the destinations that are the other channel. What is promoted is read
//! from where it is and published where it goes; where both are one place, its file stays where it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sha2::Digest as _;

use super::destination::Destination;
use super::repo::Listed;
use super::send::Receipt;
use super::{Destinations, Parcel, Work, retract, settle_all, version};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::interrupt;
use crate::listener::Listener;
use crate::run::Artifact;
use crate::store::{StoreError, Trouble};

/// What is to be promoted.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// Package name.
    pub name: String,
    /// Its version in any spelling; the newest if unset. Without a revision it means every revision of it.
    pub version: Option<String>,
    /// The channel that it is in: a suite of apt, a channel of yum.
    pub from: String,
    /// The channel that it goes to.
    pub to: String,
}

/// Promotes at all destinations; with `dry_run` nothing is put, and the receipts say what would be.
///
/// # Errors
/// There are no such channels, no such package, or a destination stopped.
pub fn promote(
    destinations: &Destinations,
    typed: &Promotion,
    dry_run: bool,
    listener: &dyn Listener,
) -> Result<Vec<(Receipt, Vec<String>)>, Findings> {
    let all = &destinations.all;
    let in_channel =
        |channel: &str| all.iter().map(AsRef::as_ref).filter(move |d| d.channel() == Some(channel)).collect::<Vec<_>>();
    let (sources, targets) = (in_channel(&typed.from), in_channel(&typed.to));
    let mut tagged: Vec<&dyn Destination> = Vec::new();
    for destination in all {
        let tags = destination.has_tag(&typed.name, &typed.from).map_err(|finding| vec![finding])?;
        tagged.extend(tags.then_some(&**destination));
    }
    if sources.is_empty() && targets.is_empty() && !tagged.is_empty() {
        // No list says what a hyphen begins: of an image it is the prerelease.
        let version = typed.version.as_ref().map(|typed| version::spelled(typed, std::iter::empty()));
        return retag(&tagged, &Promotion { version, ..typed.clone() }, dry_run, listener);
    }
    refuse_unknown(destinations, [(&typed.from, &sources), (&typed.to, &targets)])?;
    let listed = sources.into_iter().map(|source| of_name(source, &typed.name)).collect::<Result<Vec<_>, _>>()?;
    let there = || listed.iter().flat_map(|(_, packages)| packages).map(|package| package.version.as_str());
    let version = typed.version.as_ref().map(|typed| version::spelled(typed, there()));
    let promotion = &Promotion { version, ..typed.clone() };
    // An image that is another one is known before any package has gone.
    for one in &tagged {
        one.draft(&Work::Move(promotion))?;
    }
    let (folder, _held) = interrupt::folder(tempfile::tempdir, |folder| folder.path().to_owned())
        .map_err(|error| vec![Diagnostic::from(StoreError::of("a temporary folder", Trouble::Failed, &error))])?;
    let mut parcels: Vec<Parcel> = Vec::new();
    for (source, packages) in &listed {
        for package in wanted(*source, packages, promotion) {
            if parcels.iter().any(|parcel| parcel.artifact.sha256 == package.sha256) {
                continue;
            }
            let path =
                folder.path().join(format!("{}-{}", parcels.len(), package.file.rsplit('/').next().unwrap_or("x")));
            parcels.push(fetch(*source, package.clone(), path).map_err(|finding| vec![finding])?);
        }
    }
    let parcels = destinations.signed(parcels)?;
    if parcels.is_empty() {
        let version = typed.version.as_deref().unwrap_or("any version");
        let message = format!("the channel `{}` does not list `{}` in {version}", promotion.from, promotion.name);
        let versions = listed.iter().flat_map(|(_, packages)| packages).map(|package| package.version.clone());
        return Err(vec![retract::with_listed(
            Diagnostic::error(codes::REPO_NO_PACKAGE, message),
            &versions.collect(),
        )]);
    }
    let for_target =
        |target: &dyn Destination| -> Vec<&Parcel> { parcels.iter().filter(|parcel| target.takes(parcel)).collect() };
    let names = |target: &dyn Destination| for_target(target).iter().map(|p| p.artifact.file.clone()).collect();
    if dry_run {
        let draft = |target: &&dyn Destination| {
            let draft = target.draft(&Work::Publish(&for_target(*target)))?;
            Ok((Receipt::planned(target.name(), &draft), names(*target)))
        };
        let mut done: Vec<_> = targets.iter().map(draft).collect::<Result<_, Findings>>()?;
        done.extend(retag(&tagged, promotion, dry_run, listener)?);
        return Ok(done);
    }
    let receipts = settle_all(&targets, |target| Work::Publish(&parcels_of(&parcels, target)).send(target, listener))?;
    let mut done: Vec<_> = receipts.into_iter().zip(targets).map(|(receipt, t)| (receipt, names(t))).collect();
    done.extend(retag(&tagged, promotion, dry_run, listener)?);
    Ok(done)
}

/// Both channels have to be some destination's.
fn refuse_unknown(
    destinations: &Destinations,
    channels: [(&String, &Vec<&dyn Destination>); 2],
) -> Result<(), Findings> {
    let Some((channel, _)) = channels.into_iter().find(|(_, found)| found.is_empty()) else { return Ok(()) };
    let known: BTreeSet<&str> = destinations.all.iter().filter_map(|destination| destination.channel()).collect();
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    let message = format!("no repository of the config is the channel `{channel}`");
    let help = format!(
        "channels: {known}; a channel is the `suite` of `[[publish.apt]]`, the `channel` of `[[publish.yum]]`, or a tag of an image"
    );
    Err(vec![Diagnostic::error(codes::REPO_NO_CHANNEL, message).help(help)])
}

/// A channel, and what it lists of a name.
fn of_name<'d>(source: &'d dyn Destination, name: &str) -> Result<(&'d dyn Destination, Vec<Listed>), Findings> {
    let mut listed = source.list().map_err(|finding| vec![finding])?;
    listed.retain(|package| package.name == name);
    Ok((source, listed))
}

/// Where channels are tags: one names what another does.
fn retag(
    tagged: &[&dyn Destination],
    promotion: &Promotion,
    dry_run: bool,
    listener: &dyn Listener,
) -> Result<Vec<(Receipt, Vec<String>)>, Findings> {
    let what = || vec![format!("{}:{}", promotion.name, promotion.from)];
    let work = Work::Move(promotion);
    if dry_run {
        let draft = |one: &&dyn Destination| Ok((Receipt::planned(one.name(), &one.draft(&work)?), what()));
        return tagged.iter().map(draft).collect();
    }
    let receipts = settle_all(tagged, |one| work.send(one, listener))?;
    Ok(receipts.into_iter().map(|receipt| (receipt, what())).collect())
}

fn parcels_of<'p>(parcels: &'p [Parcel], target: &dyn Destination) -> Vec<&'p Parcel> {
    parcels.iter().filter(|parcel| target.takes(parcel)).collect()
}

/// The packages of a channel that are meant, each once.
fn wanted<'l>(source: &dyn Destination, listed: &'l [Listed], promotion: &Promotion) -> Vec<&'l Listed> {
    let newest = || listed.iter().map(|package| package.version.as_str()).max_by(|a, b| source.compare(a, b));
    let Some(version) = promotion.version.as_deref().or_else(newest) else { return Vec::new() };
    listed.iter().filter(|package| version::is_package_of(&package.version, version)).collect()
}

fn fetch(source: &dyn Destination, package: Listed, path: PathBuf) -> Result<Parcel, Diagnostic> {
    let place = source.place();
    let gone = |why| super::apt::damaged(place, &package.file, why);
    let object = place.get(&package.file)?.ok_or_else(|| gone("it is not there, and a list names it"))?;
    if hex(&sha2::Sha256::digest(&object.bytes)) != package.sha256 {
        return Err(gone("its digest is another than that in the list"));
    }
    let failed = |error: std::io::Error| StoreError::of(path.display().to_string(), Trouble::Failed, &error);
    fs_err::write(&path, &object.bytes).map_err(failed)?;
    let artifact = Artifact {
        format: source.format(),
        targets: Vec::new(),
        file: package.file.rsplit('/').next().unwrap_or(&package.file).to_owned(),
        arch: package.arch,
        version: package.version,
        size: object.meta.size,
        sha256: package.sha256,
    };
    Ok(Parcel::new(artifact, path))
}
