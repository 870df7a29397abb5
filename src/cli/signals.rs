//! Signals that end fitout: its build command ends with it, nothing half made stays, one line says so.
//!
//! Enters: SIGHUP, SIGINT, SIGQUIT, SIGTERM. Leaves: exit code 130.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exit::Exit;
use super::ui::Terminal;
use crate::interrupt;

/// How long the last line may take: a reader of standard error that has stopped reading must not keep us.
const PATIENCE: Duration = Duration::from_millis(200);

/// Waits for signals, on a thread of its own. Where that cannot be had, they end the process as they always do.
pub fn watch(terminal: &Arc<Terminal>) {
    let wanted = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
    let Ok(mut signals) = Signals::new(wanted) else { return };
    let terminal = Arc::clone(terminal);
    let wait = move || {
        if signals.forever().next().is_some() {
            let all_named = interrupt::stop(&mut || signals.pending().next().is_some());
            let (said, heard) = sync_channel(1);
            std::thread::spawn(move || {
                terminal.interrupted(all_named);
                let _ = said.send(());
            });
            let _ = heard.recv_timeout(PATIENCE);
            std::process::exit(Exit::Interrupted as i32);
        }
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(wait);
}

/// Whether who started us wants a signal to pass by, as `nohup` does: then it is not ours to hear.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal - 1) & 1 == 1
}
