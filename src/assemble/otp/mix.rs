//! The layout of `mix release`.

use std::path::{Path, PathBuf};

use crate::assemble::content;
use crate::config::schema::StartType;
use crate::diagnostic::Result;

use super::boot::Extra;
use super::layout::{Layout, literal};

/// Completes a release: consolidated protocols, boot scripts, configuration, Elixir's own scripts.
pub(super) fn complete(layout: &mut Layout<'_>, config: Option<&[u8]>) -> Result<()> {
    let wanted = layout.wanted;
    let consolidated = layout.live("consolidated");
    let from = consolidation(layout);
    if let Some(from) = &from {
        layout.tree.copy(from, &consolidated, &wanted.strip)?;
    }
    let first = format!("$RELEASE_LIB/../releases/{}/consolidated", wanted.version);
    let extra = Extra {
        name: &wanted.name,
        version: &wanted.version,
        first: from.is_some().then_some(first.as_str()),
        providers: wanted.has_providers(),
        dot_erlang: false,
    };
    let paths = layout.paths();
    let (start, clean) = (layout.live("start"), layout.live("start_clean"));
    layout.boot_all(&start, &paths, extra, |chosen| chosen.start)?;
    layout.boot_all(&clean, &paths, extra, |chosen| match Layout::clean(chosen) {
        // Since Elixir 1.15 settings of applications can be asked for there, too.
        StartType::None if !wanted.old_mix && chosen.start != StartType::None => StartType::Load,
        start => start,
    })?;
    if let Some(config) = config {
        layout.tree.text(layout.live("sys.config"), config);
    }
    if let Some(runtime) = &wanted.runtime {
        layout.tree.file(runtime, &layout.live("runtime.exs"))?;
        layout.tree.files.entry(layout.live("runtime.exs")).and_modify(|node| node.runs = false);
    }
    for (name, file, key) in [
        ("vm.args", wanted.vm_args.clone(), "vm-args"),
        ("remote.vm.args", there(&wanted.project, "rel/remote.vm.args.eex"), ""),
        ("env.sh", there(&wanted.project, "rel/env.sh.eex"), ""),
    ] {
        if let Some(file) = file {
            layout.tree.text(layout.live(name), literal(wanted, &file, key)?);
        }
    }
    scripts(layout)
}

/// A file of the project, if it is there.
pub(super) fn there(project: &Path, name: &str) -> Option<PathBuf> {
    Some(project.join(name)).filter(|file| file.exists())
}

/// The folder of consolidated protocols: that of an umbrella, or of the first application that is asked for and has one.
fn consolidation(layout: &Layout<'_>) -> Option<PathBuf> {
    let lib = &layout.wanted.places.lib;
    let of_umbrella = lib.parent().map(|folder| folder.join("consolidated"));
    let of_applications = layout.wanted.asked.iter().map(|asked| lib.join(&asked.name).join("consolidated"));
    of_umbrella.into_iter().chain(of_applications).find(|folder| folder.is_dir())
}

/// Arguments by which `elixir` finds its own modules where no boot script says where they are.
const BY_SCRIPT: &[&str] = &[
    " -elixir_root \"$SCRIPT_PATH\"/../lib",
    " -pa \"$SCRIPT_PATH\"/../lib/*/ebin",
    " -pa \"$SCRIPT_PATH\"/../lib/elixir/ebin",
];

/// Elixir's own `elixir` and `iex`, made to start the runtime of the release.
fn scripts(layout: &mut Layout<'_>) -> Result<()> {
    let Some(root) = &layout.wanted.places.elixir else { return Ok(()) };
    for name in ["elixir", "iex"] {
        let file = root.join("bin").join(name);
        let shown = content::show(&layout.wanted.project, &file);
        let text = fs_err::read_to_string(&file).map_err(|error| content::unreadable(&shown, &error))?;
        let line = |line: &str| match line.trim_start() {
            "ERTS_BIN=\"$ERTS_BIN\"" if layout.wanted.erts => {
                format!("ERTS_BIN=\"$SCRIPT_PATH\"/../../erts-{}/bin/", layout.wanted.places.erts)
            }
            _ => BY_SCRIPT.iter().fold(line.to_owned(), |line, argument| line.replace(argument, "")),
        };
        let text: Vec<String> = text.lines().map(line).collect();
        layout.tree.script(layout.live(name), (text.join("\n") + "\n").into_bytes());
    }
    Ok(())
}
