//! `fitout cache`

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Cache, CacheAction, Common};
use super::exit::Exit;
use super::ui::Terminal;
use super::{env, shown};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::report::words::{plural, size};
use crate::run::caches;

/// Shows, verifies or prunes the folder of all caches.
pub fn run(common: &Common, args: &Cache, terminal: &Terminal) -> Result<Exit, Findings> {
    let Some(cache) = args.cache_dir.clone().or_else(env::user_cache) else {
        let message = "there is no folder for caches: neither XDG_CACHE_HOME nor HOME is set";
        return Err(vec![Diagnostic::error(codes::CLI_NO_FOLDER, message).help("name one with `--cache-dir DIR`")]);
    };
    let failed = |source: io::Error| vec![EngineError::Read { path: cache.clone(), source }.into()];
    match &args.action {
        CacheAction::Show => {
            let parts = caches::show(&cache).map_err(failed)?;
            if common.json {
                terminal.document(&json!({ "schema": "fitout/cache/1", "folder": shown(&cache), "parts": parts }));
            } else {
                terminal.data(&table(&cache, &parts));
            }
        }
        CacheAction::Verify => return Ok(verify(common, &caches::verify(&cache).map_err(failed)?, terminal)),
        CacheAction::Prune { all, cache_size } => {
            let gone = if *all { caches::clear(&cache) } else { caches::prune(&cache, *cache_size) };
            let gone = gone.map_err(failed)?;
            if common.json {
                let (schema, folder) = ("fitout/cache-prune/1", shown(&cache));
                terminal.document(&json!({ "schema": schema, "folder": folder, "bytes": gone }));
            }
            terminal.step("Removed", &size(gone));
        }
    }
    Ok(Exit::Done)
}

/// One line a part, and the sum.
fn table(cache: &Path, parts: &[caches::Part]) -> String {
    let line = |part: &caches::Part| {
        format!(
            "{:<9} {:>10}  {:>14}  {}\n",
            part.folder,
            size(part.bytes),
            plural(part.files, "file", "files"),
            part.what
        )
    };
    let bytes = parts.iter().map(|part| part.bytes).sum();
    let lines: String = parts.iter().map(line).collect();
    format!("{}\n{lines}{:<9} {:>10}\n", shown(cache), "all", size(bytes))
}

/// Exit 1 where something is damaged.
fn verify(common: &Common, damaged: &[PathBuf], terminal: &Terminal) -> Exit {
    let paths: Vec<String> = damaged.iter().map(|path| shown(path)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    if common.json {
        terminal.document(&json!({ "schema": "fitout/cache-verify/1", "damaged": paths }));
    } else {
        terminal.data(&paths.iter().flat_map(|path| [path, "\n"]).collect::<String>());
    }
    if paths.is_empty() {
        terminal.step("Verified", "all is what was put there");
        return Exit::Done;
    }
    let found = plural(paths.len(), "file is", "files are");
    terminal.step("Damaged", &format!("{found} not what was put there; `fitout cache prune` removes them"));
    Exit::No
}
