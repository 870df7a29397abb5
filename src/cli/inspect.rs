//! `fitout inspect`

use super::args::{Common, Inspect};
use super::exit::Exit;
use super::shown;
use super::ui::{Terminal, draw};
use crate::codec::hex::hex;
use crate::diagnostic::Findings;
use crate::formats::{self, unpacked};
use crate::report::host::Host;
use crate::report::{inspect, lint};

/// Shows what is in an artifact, a folder or a program; exit 1 where a digest does not match, or something hostile is in it.
pub fn run(common: &Common, args: &Inspect, terminal: &Terminal) -> Result<Exit, Findings> {
    let failed = |finding| vec![finding];
    let (listing, sha256) = if let Some(listing) = unpacked::read(&args.file).map_err(failed)? {
        (listing, None)
    } else {
        let (listing, sha256) = formats::read_file(&args.file).map_err(failed)?;
        (listing, Some(hex(&sha256)))
    };
    let (sha256, host) = (sha256.as_deref(), Host::of(&listing));
    let findings: Vec<_> = lint::lint_damage(&listing).into_iter().map(|f| f.path(shown(&args.file))).collect();
    if common.json {
        let told = findings.iter().map(draw::json).collect();
        terminal.document(&inspect::Document::new(&listing, sha256, host.as_ref(), told));
    } else {
        let show = inspect::Show { tree: args.tree, scripts: args.scripts, fields: args.fields };
        terminal.data(&inspect::text(&listing, sha256, host.as_ref(), show));
    }
    terminal.findings(&findings);
    Ok(if inspect::is_sound(&listing) { Exit::Done } else { Exit::No })
}
