//! `fitout build`

use std::fmt::Write as _;
use std::time::Instant;

use super::args::{Build, Common};
use super::exit::Exit;
use super::ui::{Terminal, draw};
use super::{absolute, env, relative, request};
use crate::diagnostic::{Diagnostic, Findings, Severity, codes};
use crate::report::lint;
use crate::report::words::{plural, size};
use crate::run::{self, Artifact, Request};

/// Makes the artifacts and prints their paths.
pub fn run(common: &Common, args: &Build, terminal: &Terminal) -> Result<Exit, Findings> {
    let start = Instant::now();
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(args.jobs.map_or(0, usize::from)).build().map_err(|error| {
            vec![Diagnostic::error(codes::CLI_THREADS, format!("cannot start threads: {error}")).help("try `--jobs 1`")]
        })?;
    let cache = args.cache_dir.clone().or_else(env::user_cache);
    let request = Request {
        cache: cache.map(absolute),
        no_cache: args.no_cache,
        cache_size: args.cache_size,
        ..request(common, &args.narrow)
    };
    let built = pool.install(|| run::build(&request, &args.out, terminal))?;
    let warnings = lint::allowed(built.warnings, &built.lint);
    terminal.findings(&warnings);
    let made = plural(built.artifacts.len(), "artifact", "artifacts");
    let noted = match warnings.iter().filter(|finding| finding.severity == Severity::Warning).count() {
        0 => String::new(),
        count => format!(", {}", plural(count, "warning", "warnings")),
    };
    terminal.step("Finished", &format!("{made} in {:.1}s{noted}", start.elapsed().as_secs_f64()));
    summarise(&built.artifacts);
    let path = |artifact: &Artifact| relative(&built.folder.join(&artifact.file)).display().to_string();
    if common.json {
        let artifacts: Vec<_> = built
            .artifacts
            .iter()
            .map(|artifact| {
                let mut value = serde_json::json!(artifact);
                value["path"] = path(artifact).into();
                value
            })
            .collect();
        let findings: Vec<_> = warnings.iter().map(draw::json).collect();
        terminal
            .document(&serde_json::json!({ "schema": "fitout/build/1", "artifacts": artifacts, "findings": findings }));
    } else {
        terminal.data(&built.artifacts.iter().map(|artifact| path(artifact) + "\n").collect::<String>());
    }
    // A hook may fail when all is there.
    Ok(Exit::of(&warnings))
}

/// A table in the summary of a CI step, where there is one.
fn summarise(artifacts: &[Artifact]) {
    let Some(file) = env::get(env::GITHUB_STEP_SUMMARY) else { return };
    let mut table = String::from("| artifact | size | sha256 |\n|---|---|---|\n");
    for artifact in artifacts {
        let _ = writeln!(table, "| {} | {} | `{}` |", artifact.file, size(artifact.size), artifact.sha256);
    }
    // A summary that cannot be written is no reason to fail a build that is done.
    let _ = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| std::io::Write::write_all(&mut file, table.as_bytes()));
}
