//! `fitout diff`

use super::args::{Common, Diff};
use super::exit::Exit;
use super::ui::Terminal;
use crate::diagnostic::Findings;
use crate::formats;
use crate::report::diff;

/// Compares two artifacts; exit 1 where they differ.
pub fn run(common: &Common, args: &Diff, terminal: &Terminal) -> Result<Exit, Findings> {
    let old = formats::read_file(&args.old);
    let new = formats::read_file(&args.new);
    let (old, new) = match (old, new) {
        (Ok((old, _)), Ok((new, _))) => (old, new),
        (old, new) => return Err([old.err(), new.err()].into_iter().flatten().collect()),
    };
    let difference = diff::compare(&old, &new);
    if common.json {
        terminal.document(&diff::json(&difference));
    } else {
        terminal.data(&diff::text(&difference, args.scripts));
    }
    Ok(if difference.is_empty() { Exit::Done } else { Exit::No })
}
