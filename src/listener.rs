//! Typed events from the library to whoever shows them. The library never prints.

use crate::diagnostic::Diagnostic;

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Something that decides the run, for whoever asks for more.
    Decided {
        /// One word: `config`, `clock`.
        what: &'static str,
        /// What it is, and where it came from.
        value: String,
    },
    /// All facts of a target are known.
    Resolved {
        /// Package name.
        name: String,
        /// Version as typed or found.
        version: String,
        /// `linux/amd64`.
        target: String,
        /// Where the version came from.
        from: String,
    },
    /// The build command of the config starts, finished, or printed a line.
    Command {
        /// The command line, or the line that it printed.
        text: String,
        /// True for a line of output.
        output: bool,
    },
    /// The build step has nothing to do: nothing that it reads has changed, and what it made is as it was left.
    Skipped {
        /// The tool, or `the build command`.
        what: String,
    },
    /// Something that the config names was fetched.
    Fetched {
        /// Its name.
        what: String,
        /// Bytes.
        bytes: u64,
    },
    /// What a build tool keeps was brought back from the cache.
    Restored {
        /// The folders.
        what: String,
        /// Files.
        files: usize,
        /// Whether it is of the same lock file; else of the one before.
        exact: bool,
    },
    /// What a build tool keeps was put into the cache.
    Kept {
        /// The folders.
        what: String,
        /// Files.
        files: usize,
        /// Bytes of their content.
        bytes: u64,
        /// Bytes of the cache that it takes besides what was there.
        new: u64,
    },
    /// The plan of a target is complete.
    Assembled {
        /// Entries that are regular files.
        files: usize,
        /// Bytes of their content.
        bytes: u64,
    },
    /// Content was read, hashed and compressed: progress.
    Read {
        /// Bytes since the last such event.
        bytes: u64,
    },
    /// An artifact is about to be written.
    Packing {
        /// Format name.
        format: &'static str,
        /// The format's own name of the architecture.
        arch: String,
        /// Its file name.
        file: String,
    },
    /// An artifact is whole and has no name yet; where another turns out not to be, it is packed again: progress.
    Written {
        /// Its file name.
        file: String,
    },
    /// An artifact lies there as this run would make it.
    Unchanged {
        /// Format name.
        format: &'static str,
        /// The format's own name of the architecture.
        arch: String,
        /// Bytes of the artifact.
        bytes: u64,
    },
    /// An artifact has its final name, as have all of the run.
    Packed {
        /// Format name.
        format: &'static str,
        /// The format's own name of the architecture.
        arch: String,
        /// Bytes of the artifact.
        bytes: u64,
        /// Wall time of its emission in seconds.
        seconds: f64,
    },
    /// An object was put at a destination.
    Put {
        /// Its key.
        key: String,
        /// Its bytes.
        bytes: u64,
    },
    /// A finding that does not stop the work.
    Finding(Diagnostic),
}

/// Hears events; called from several threads.
pub trait Listener: Sync {
    /// Takes one event; must not block for long.
    fn hear(&self, event: Event);
}

/// Hears nothing: for tests and for library users without a display.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Listener for Silent {
    fn hear(&self, _event: Event) {}
}
