//! `fitout repo`

use std::fmt::Write as _;
use std::path::PathBuf;

use super::args::{Common, Repo, RepoAction, Where};
use super::exit::Exit;
use super::ui::{Terminal, draw};
use super::{absolute, env};
use crate::diagnostic::{Diagnostic, Findings, Severity, codes};
use crate::publish::{self, By, prune, repo};
use crate::report::words::{plural, size};
use crate::sign;
use crate::store::{self, Address, Place, now};

/// Looks at repositories, judges them, cleans them up.
pub fn run(common: &Common, args: &Repo, terminal: &Terminal) -> Result<Exit, Findings> {
    match &args.action {
        RepoAction::List { place } => list(common, place, terminal),
        RepoAction::Verify { place, key } => verify(common, place, key.as_deref(), terminal),
        RepoAction::Prune { place, dry_run, older_than } => {
            prune(common, place.as_ref(), *dry_run, *older_than, terminal)
        }
        RepoAction::Repair { dry_run } => repair(common, *dry_run, terminal),
        RepoAction::Serve { folder, port } => serve(folder, *port, terminal),
        RepoAction::Retract { name, version, dry_run } => retract(common, name, version, *dry_run, terminal),
    }
}

/// The places that are meant: the one that is typed, else all of the config.
fn places(common: &Common, place: Option<&String>, reads: bool) -> Result<Vec<Box<dyn Place>>, Findings> {
    let Some(typed) = place else {
        return Ok(places_of(publish::destinations(&request(common), false)?));
    };
    #[cfg(feature = "network")]
    if reads && (typed.starts_with("https://") || typed.starts_with("http://")) {
        let place = store::web::Web::open(typed).map_err(|error| vec![error.into()])?;
        return Ok(vec![Box::new(place)]);
    }
    #[cfg(not(feature = "network"))]
    let _ = reads;
    // A folder may be typed as such.
    let text = if typed.contains(':') { typed.clone() } else { format!("file:{}", absolute(typed).display()) };
    let address = Address::parse(&text).ok_or_else(|| {
        let message = format!("`{typed}` is no address of a place");
        vec![Diagnostic::error(codes::CLI_NO_PLACE, message).help(store::ADDRESS_HELP)]
    })?;
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let place = store::open(&address.below(&here), &env::all()).map_err(|error| vec![error.into()])?;
    Ok(vec![place])
}

/// Each place once, whatever suites are in it.
fn places_of(destinations: publish::Destinations) -> Vec<Box<dyn Place>> {
    let mut places: Vec<Box<dyn Place>> = Vec::new();
    for destination in destinations.all.into_iter().filter(|destination| destination.is_repository()) {
        if places.iter().all(|place| place.name() != destination.place().name()) {
            places.push(destination.into_place());
        }
    }
    places
}

fn request(common: &Common) -> publish::Request {
    publish::Request { config: common.config.clone(), variables: env::all(), ..publish::Request::default() }
}

fn list(common: &Common, place: &Where, terminal: &Terminal) -> Result<Exit, Findings> {
    let mut all = Vec::new();
    for there in places(common, place.place.as_ref(), true)? {
        all.push((there.name(), repo::list(&*there, &place.suites).map_err(|finding| vec![finding])?));
    }
    if common.json {
        let list: Vec<_> =
            all.iter().map(|(name, list)| serde_json::json!({ "place": name, "packages": list })).collect();
        terminal.document(&serde_json::json!({ "schema": "fitout/repo-list/1", "repositories": list }));
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for (name, list) in &all {
        if all.len() > 1 {
            let _ = writeln!(text, "{name}");
        }
        for package in list {
            let repo::Listed { channel, name, version, arch, size: bytes, .. } = package;
            let _ = writeln!(text, "{channel:<12} {name:<24} {version:<20} {arch:<8} {:>9}", size(*bytes));
        }
    }
    terminal.data(&text);
    Ok(Exit::Done)
}

fn verify(
    common: &Common,
    place: &Where,
    key: Option<&std::path::Path>,
    terminal: &Terminal,
) -> Result<Exit, Findings> {
    let certificates = match key {
        Some(path) => {
            let bytes = fs_err::read(path).map_err(|error| {
                let message = format!("cannot read the key `{}`", path.display());
                vec![Diagnostic::error(codes::SIGN_NOT_A_KEY, message).note(error.to_string())]
            })?;
            let name = path.display().to_string();
            Some(sign::read_certificates(&name, &bytes).map_err(|error| vec![Diagnostic::from(error)])?)
        }
        None => publish::certificates(&request(common)),
    };
    let (mut findings, mut objects, mut packages) = (Findings::new(), 0, 0);
    for there in places(common, place.place.as_ref(), true)? {
        let judged =
            repo::verify(&*there, &place.suites, By { certificates: certificates.as_deref(), now: now::now() });
        let judged = judged.map_err(|error| vec![Diagnostic::from(error)])?;
        findings.extend(judged.findings);
        objects += judged.objects;
        packages += judged.packages;
    }
    let wrong = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if common.json {
        let list: Vec<_> = findings.iter().map(draw::json).collect();
        terminal.document(&serde_json::json!({
            "schema": "fitout/repo-verify/1", "objects": objects, "packages": packages, "findings": list,
        }));
    }
    terminal.findings(&findings);
    if !common.json {
        let (objects, packages) = (plural(objects, "object", "objects"), plural(packages, "package", "packages"));
        terminal.say(&format!(
            "{objects}, {packages}: {}\n",
            if wrong == 0 { "all as it should be" } else { "not as it should be" }
        ));
    }
    Ok(Exit::of(&findings))
}

/// Only for this machine: whoever serves others has a server.
fn serve(folder: &std::path::Path, port: u16, terminal: &Terminal) -> Result<Exit, Findings> {
    let failed = |error: std::io::Error| {
        let finding = Diagnostic::error(codes::CLI_SERVE, format!("cannot serve `{}`", folder.display()));
        vec![finding.note(error.to_string()).help("name a folder that is there, and another `--port`")]
    };
    if !folder.is_dir() {
        return Err(failed(std::io::ErrorKind::NotADirectory.into()));
    }
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    terminal.step("Serving", &format!("{} on http://127.0.0.1:{port}/", folder.display()));
    publish::serve(folder, &listener).map_err(failed)?;
    Ok(Exit::Done)
}

fn prune(
    common: &Common,
    place: Option<&String>,
    dry_run: bool,
    days: u32,
    terminal: &Terminal,
) -> Result<Exit, Findings> {
    let mut removed = Vec::new();
    for place in places(common, place, false)? {
        let pruned = prune::prune(&*place, now::now(), i64::from(days) * 86_400, dry_run);
        removed.extend(pruned.map_err(|finding| vec![finding])?);
    }
    if common.json {
        terminal.document(&serde_json::json!({
            "schema": "fitout/repo-prune/1", "dry-run": dry_run, "removed": removed,
        }));
    } else {
        terminal.data(&removed.iter().flat_map(|key| [key.as_str(), "\n"]).collect::<String>());
        let what = plural(removed.len(), "object", "objects");
        terminal.step(if dry_run { "Would remove" } else { "Removed" }, &what);
    }
    Ok(Exit::Done)
}

fn repair(common: &Common, dry_run: bool, terminal: &Terminal) -> Result<Exit, Findings> {
    let repaired = publish::repair(&request(common), dry_run, terminal)?;
    if common.json {
        let list: Vec<_> = repaired
            .iter()
            .map(|(destination, keys)| serde_json::json!({ "destination": destination, "put": keys }))
            .collect();
        terminal.document(&serde_json::json!({ "schema": "fitout/repo-repair/1", "destinations": list }));
        return Ok(Exit::Done);
    }
    let keys = repaired.iter().flat_map(|(_, keys)| keys);
    terminal.data(&keys.clone().flat_map(|key| [key.as_str(), "\n"]).collect::<String>());
    let what = plural(keys.count(), "object", "objects");
    terminal.step(if dry_run { "Would put back" } else { "Put back" }, &what);
    Ok(Exit::Done)
}

fn retract(common: &Common, name: &str, version: &str, dry_run: bool, terminal: &Terminal) -> Result<Exit, Findings> {
    let receipts = publish::retract(&request(common), name, version, dry_run, terminal)?;
    for (destination, dropped) in &receipts {
        for package in dropped {
            terminal
                .step(if dry_run { "Would retract" } else { "Retracted" }, &format!("{package} from {destination}"));
        }
    }
    if common.json {
        let list: Vec<_> = receipts
            .iter()
            .map(|(destination, dropped)| serde_json::json!({ "destination": destination, "dropped": dropped }))
            .collect();
        terminal.document(&serde_json::json!({ "schema": "fitout/repo-retract/1", "destinations": list }));
    }
    Ok(Exit::Done)
}
