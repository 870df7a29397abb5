//! `fitout build`

use std::fmt::Write as _;
use std::time::Instant;

use super::args::{Build, Common, SharedCache};
use super::exit::Exit;
use super::ui::{Terminal, draw};
use super::{absolute, env, relative, request};
use crate::build::cache::shared::Use;
use crate::diagnostic::{Diagnostic, Findings, Severity, codes};
use crate::report::lint;
use crate::report::words::{plural, size};
use crate::resolve::environment;
use crate::run::{self, Artifact, Request};

/// Makes the artifacts and prints their paths.
pub fn run(common: &Common, args: &Build, terminal: &Terminal) -> Result<Exit, Findings> {
    let start = Instant::now();
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(args.jobs.map_or(0, usize::from)).build().map_err(|error| {
            vec![Diagnostic::error(codes::CLI_THREADS, format!("cannot start threads: {error}")).help("try `--jobs 1`")]
        })?;
    let cache = args.cache_dir.clone().or_else(env::user_cache);
    let shared_cache = match args.shared_cache {
        SharedCache::Write => Use::Write,
        SharedCache::Read => Use::Read,
        SharedCache::Off => Use::Off,
    };
    let request = Request {
        shared_cache,
        verify: args.verify || !args.no_verify && env::get(env::CI).is_some_and(|ci| ci != "false" && ci != "0"),
        images: cache.as_ref().map(|cache| absolute(cache.join(run::IMAGES))),
        update: args.update,
        cache: cache.map(absolute),
        no_cache: args.no_cache,
        cache_size: args.cache_size,
        ..request(common, &args.narrow)
    };
    let (mut artifacts, mut warnings) = (Vec::new(), Findings::new());
    for environment in environments(&request)? {
        let request = Request { environment, ..request.clone() };
        let built = pool.install(|| run::build(&request, terminal))?;
        terminal.wrote();
        let found = lint::allowed(built.warnings, &built.lint);
        terminal.findings(&found);
        warnings.extend(found);
        let path = |artifact: &Artifact| relative(&built.folder.join(&artifact.file)).display().to_string();
        if !common.json {
            terminal.data(&built.artifacts.iter().map(|artifact| path(artifact) + "\n").collect::<String>());
        }
        artifacts.extend(built.artifacts.into_iter().map(|artifact| (path(&artifact), artifact)));
    }
    let made = plural(artifacts.len(), "artifact", "artifacts");
    let noted = match warnings.iter().filter(|finding| finding.severity == Severity::Warning).count() {
        0 => String::new(),
        count => format!(", {}", plural(count, "warning", "warnings")),
    };
    terminal.step("Finished", &format!("{made} in {:.1}s{noted}", start.elapsed().as_secs_f64()));
    summarise(&artifacts);
    if common.json {
        let artifact = |(path, artifact): &(String, Artifact)| {
            let mut value = serde_json::json!(artifact);
            value["path"] = path.as_str().into();
            value
        };
        let artifacts: Vec<_> = artifacts.iter().map(artifact).collect();
        let findings: Vec<_> = warnings.iter().map(draw::json).collect();
        terminal
            .document(&serde_json::json!({ "schema": "fitout/build/1", "artifacts": artifacts, "findings": findings }));
    }
    // A hook may fail when all is there.
    Ok(Exit::of(&warnings))
}

/// Those of `--environment a,b`. One that is not there comes alone: nothing is built before it is refused.
fn environments(request: &Request) -> Result<Vec<Option<String>>, Findings> {
    let Some(typed) = request.environment.as_deref().filter(|typed| typed.contains(',')) else {
        return Ok(vec![request.environment.clone()]);
    };
    let known = environment::names(&run::read_config(&request.config)?);
    let typed: Vec<String> = typed.split(',').map(|name| name.trim().to_owned()).collect();
    let unknown = typed.iter().find(|name| !known.contains(name)).cloned();
    Ok(unknown.map_or_else(|| typed.into_iter().map(Some).collect(), |unknown| vec![Some(unknown)]))
}

/// A table in the summary of a CI step, where there is one.
fn summarise(artifacts: &[(String, Artifact)]) {
    let Some(file) = env::get(env::GITHUB_STEP_SUMMARY) else { return };
    let mut table = String::from("| artifact | size | sha256 |\n|---|---|---|\n");
    for (_, artifact) in artifacts {
        let _ = writeln!(table, "| {} | {} | `{}` |", artifact.file, size(artifact.size), artifact.sha256);
    }
    // A summary that cannot be written is no reason to fail a build that is done.
    let _ = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| std::io::Write::write_all(&mut file, table.as_bytes()));
}
