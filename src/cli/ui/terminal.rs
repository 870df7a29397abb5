//! The two streams, and the listener that shows events on them.
//!
//! On a terminal one live line tells what is going on and vanishes at the end; without one, each finished step is a
//! plain line.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::draw;
use crate::cli::args::{Color, Common};
use crate::cli::env;
use crate::diagnostic::{Diagnostic, Severity, codes};
use crate::listener::{Event, Listener};
use crate::report::words::{plural, size};

/// Bytes that are written at once.
const OUTPUT: usize = 64 * 1024;

/// Both streams.
pub struct Terminal {
    color: bool,
    json: bool,
    quiet: bool,
    verbose: bool,
    /// Whether the verb writes files, so that a refusal says that none was written.
    writes: bool,
    live: Option<ProgressBar>,
    /// The folder of the config below that of the workflow, for annotations.
    below_workspace: PathBuf,
    /// Whether it has written some already.
    wrote: AtomicBool,
    /// Standard output took less than it was given.
    unwritten: AtomicBool,
    state: Mutex<State>,
}

/// What the live line shows.
#[derive(Default)]
struct State {
    read: u64,
    total: u64,
    /// File name, and what is shown of it.
    packing: Vec<(String, String)>,
    /// Artifacts that are whole, by file name.
    done: BTreeSet<String>,
}

impl Terminal {
    /// Looks at the streams and the flags once.
    pub fn new(common: &Common, writes: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let dumb = env::get(env::TERM).as_deref() == Some("dumb");
        let color = match common.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let forced = env::get(env::CLICOLOR_FORCE).is_some_and(|value| value != "0");
                env::get(env::NO_COLOR).is_none() && (forced || (is_terminal && !dumb))
            }
        };
        let show_live = is_terminal && !dumb && !common.quiet && env::get(env::NO_PROGRESS).is_none();
        let live = show_live.then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(
                ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            color,
            json: common.json,
            quiet: common.quiet,
            verbose: common.verbose,
            writes,
            live,
            below_workspace: below_workspace(common).unwrap_or_default(),
            wrote: AtomicBool::new(false),
            unwritten: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Data, on standard output. A reader that went away wants no more: that is success.
    pub fn data(&self, text: &str) {
        self.write(|out| out.write_all(text.as_bytes()));
    }

    fn write(&self, write: impl FnOnce(&mut io::BufWriter<io::StdoutLock>) -> io::Result<()>) {
        self.clear();
        let mut out = io::BufWriter::with_capacity(OUTPUT, io::stdout().lock());
        let written = write(&mut out).and_then(|()| out.flush());
        // Else what was not written is tried again.
        let _ = out.into_parts();
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let message = format!("cannot write to standard output: {error}");
            let finding = Diagnostic::error(codes::CLI_STDOUT, message);
            let finding = finding.help("name a place with space behind `>`; what was built is in the output folder");
            self.say(&format!("{}\n", draw::draw(&finding, self.color).trim_end()));
            self.unwritten.store(true, Ordering::Relaxed);
        }
    }

    /// From now on something has been written, whatever happens to the rest.
    pub fn wrote(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }

    /// Whether some data could not be written.
    pub fn is_unwritten(&self) -> bool {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// One JSON document, on standard output.
    pub fn document(&self, value: &impl serde::Serialize) {
        self.write(|out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        });
    }

    /// Text for the person, on standard error.
    pub fn say(&self, text: &str) {
        let write = || drop(io::stderr().lock().write_all(text.as_bytes()));
        match &self.live {
            Some(live) => live.suspend(write),
            None => write(),
        }
    }

    /// A finished step: a word of at most twelve letters, then what.
    pub fn step(&self, word: &str, rest: &str) {
        if !self.quiet && !self.json {
            let (on, off) = if self.color { ("\u{1b}[32;1m", "\u{1b}[0m") } else { ("", "") };
            self.say(&format!("{on}{word:>11}{off} {rest}\n"));
        }
    }

    /// Findings that do not stop anything; notes only for whoever asks for more.
    pub fn findings(&self, findings: &[Diagnostic]) {
        let shown: Vec<&Diagnostic> = findings.iter().filter(|finding| self.shows(finding)).collect();
        if !self.json {
            for finding in &shown {
                self.say(&format!("{}\n", draw::draw(finding, self.color).trim_end()));
            }
        }
        self.annotate(&shown);
    }

    fn shows(&self, finding: &Diagnostic) -> bool {
        self.verbose || finding.severity > Severity::Note
    }

    /// Findings that stopped the verb.
    pub fn stop(&self, findings: &[Diagnostic]) {
        self.clear();
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        if self.json {
            let list: Vec<_> = findings.iter().map(draw::json).collect();
            let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
            self.document(&serde_json::json!({
                "schema": "fitout/findings/1", "errors": errors, "warnings": warnings, "findings": list,
            }));
            self.findings(findings);
            return;
        }
        self.findings(findings);
        let errors = count(Severity::Error);
        let nothing = self.writes && !self.wrote.load(Ordering::Relaxed);
        let closing = if nothing { ". Nothing was written." } else { "" };
        self.say(&format!("{}{closing}\n", plural(errors, "error", "errors")));
    }

    /// The last line of a run that somebody stopped; `all_named`: behind the last of its files.
    pub fn interrupted(&self, all_named: bool) {
        self.clear();
        let closing = if self.writes && !all_named { ". Nothing was written." } else { "" };
        self.say(&format!("interrupted{closing}\n"));
    }

    fn annotate(&self, findings: &[&Diagnostic]) {
        if env::get(env::GITHUB_ACTIONS).is_some() {
            for finding in findings {
                self.say(&format!("{}\n", draw::github(finding, &self.below_workspace)));
            }
        }
    }

    fn clear(&self) {
        if let Some(live) = &self.live {
            live.finish_and_clear();
        }
    }

    fn show(&self, state: &State) {
        if let Some(live) = &self.live {
            let packing = state.packing.iter().map(|(_, what)| what.as_str()).collect::<Vec<_>>().join(", ");
            live.set_message(if packing.is_empty() {
                format!("Reading {} of {}", size(state.read), size(state.total.max(state.read)))
            } else {
                format!("Packing {packing} ({} done)", state.done.len())
            });
        }
    }
}

/// Where the config lies in the repository that a workflow checked out: annotations name files from its top.
fn below_workspace(common: &Common) -> Option<PathBuf> {
    let workspace = fs_err::canonicalize(env::get(env::GITHUB_WORKSPACE)?).ok()?;
    let here = std::env::current_dir().ok()?.join(common.directory.as_deref().unwrap_or(Path::new("")));
    let folder = fs_err::canonicalize(here.join(common.config.parent().unwrap_or(Path::new("")))).ok()?;
    folder.strip_prefix(&workspace).ok().map(PathBuf::from)
}

impl Listener for Terminal {
    fn hear(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Decided { what, value } => {
                if self.verbose {
                    self.step("Using", &format!("{what:<11} {value}"));
                }
            }
            Event::Resolved { name, version, target, from } => {
                self.step("Resolved", &format!("{name} {version} for {target}   {from}"));
            }
            Event::Command { text, output: false } => self.step("Running", &text),
            Event::Command { text, output: true } => {
                if !self.quiet && !self.json {
                    self.say(&format!("            {text}\n"));
                }
            }
            Event::Skipped { what } => self.step("Skipped", &format!("{what}: nothing that it reads has changed")),
            Event::Fetched { what, bytes } => self.step("Fetched", &format!("{what}, {}", size(bytes))),
            Event::Restored { what, files, exact } => {
                let of = if exact { "" } else { ", of an earlier lock file" };
                self.step("Restored", &format!("{what} from the cache: {}{of}", plural(files, "file", "files")));
            }
            Event::Kept { what, files, bytes, new } => {
                let files = plural(files, "file", "files");
                self.step("Kept", &format!("{what} in the cache: {files}, {}, {} of it new", size(bytes), size(new)));
            }
            Event::Assembled { files, bytes } => {
                state.total += bytes;
                self.step("Assembled", &format!("{}, {}", plural(files, "file", "files"), size(bytes)));
            }
            Event::Read { bytes } => {
                state.read += bytes;
                self.show(&state);
            }
            Event::Packing { format, arch, file } => {
                // Packed again, what was whole is so no more.
                state.done.remove(&file);
                state.packing.retain(|(other, _)| *other != file);
                state.packing.push((file, format!("{format} {arch}")));
                self.show(&state);
            }
            Event::Unchanged { format, arch, bytes } => {
                self.step("Unchanged", &format!("{format:<8} {arch:<8} {:>9}", size(bytes)));
            }
            Event::Written { file } => {
                state.packing.retain(|(other, _)| *other != file);
                state.done.insert(file);
                self.show(&state);
            }
            Event::Packed { format, arch, bytes, seconds } => {
                self.step("Packed", &format!("{format:<8} {arch:<8} {:>9}  {seconds:.1}s", size(bytes)));
            }
            Event::Put { key, bytes } => {
                if self.verbose {
                    self.step("Put", &format!("{key}   {}", size(bytes)));
                }
            }
            Event::Finding(finding) => self.findings(&[finding]),
        }
    }
}
