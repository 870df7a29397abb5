//! Store and all Layouts -> files.
//!
//! Two phases on one thread pool: [`store::Store::fill`] reads, hashes and compresses content; [`emit::emit`] writes one
//! artifact from its Layout, and all artifacts are written in parallel. Between them, [`groups`] is searched ahead. Knows sections and pieces, knows no package.

use std::io;
use std::path::PathBuf;

use crate::assemble::plan::SourceId;
use crate::codec::deflate::Unfaithful;
use crate::diagnostic::{Diagnostic, codes};

pub mod cache;
pub mod emit;
mod fill;
pub mod groups;
mod gzip;
mod opened;
pub mod output;
mod scratch;
pub mod store;
pub mod workers;

/// What stops the engine. All but a changed file and a format's refusal are faults of the machine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A source cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The source.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A source is not as it was when the plan was made.
    #[error("`{}` changed while it was read", path.display())]
    Changed {
        /// The source.
        path: PathBuf,
    },
    /// An output, or the scratch file beside it, cannot be written.
    #[error("cannot write in `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// What was kept between the phases, or by an earlier run, changed while it was used.
    #[error("what was kept in `{}` is not what was put there", path.display())]
    Kept {
        /// The file, or the folder of the scratch file.
        path: PathBuf,
    },
    /// A format refuses, now that it knows what compression left.
    #[error("{0}")]
    Refused(Box<Diagnostic>),
    /// What was compressed is not what it was made of: a fault of fitout, of its compressor or of the machine.
    #[error(transparent)]
    Unfaithful(#[from] Unfaithful),
    /// A layout asks for a compressed form that was not prepared: a fault of fitout.
    #[error("content {} was not kept in the form that a layout asks for", id.0)]
    NotKept {
        /// The content.
        id: SourceId,
    },
    /// A layout's deferred piece has another width than announced: a fault of fitout.
    #[error("a deferred piece of {expected} bytes came out with {found}")]
    Width {
        /// As announced.
        expected: usize,
        /// As made.
        found: usize,
    },
}

impl From<EngineError> for io::Error {
    fn from(error: EngineError) -> Self {
        Self::other(error)
    }
}

impl EngineError {
    /// Takes an error back that travelled through [`io::Error`]; any other one is a failure to write `path`.
    fn from_io(error: io::Error, path: &std::path::Path) -> Self {
        error.downcast::<Self>().unwrap_or_else(|source| Self::Write { path: path.to_path_buf(), source })
    }
}

impl From<EngineError> for Diagnostic {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Read { path, source } => {
                let help = "see to it that you may read it";
                Self::error(codes::ENGINE_READ, message).path(path).note(source.to_string()).help(help)
            }
            EngineError::Changed { path } => Self::error(codes::ENGINE_CHANGED, message)
                .path(path)
                .help("let the build that writes it finish, then run `fitout build` again"),
            EngineError::Kept { path } => Self::error(codes::ENGINE_CACHE, message)
                .path(path)
                .help("run `fitout build` again: what is wrong is found and made again; if it comes again, look after the disk"),
            EngineError::Write { path, source } => {
                let full = matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
                let help = if full {
                    "free some space, or name another folder with `--out`"
                } else {
                    "name a folder that can be written with `--out`"
                };
                Self::error(codes::ENGINE_WRITE, message).path(path).note(source.to_string()).help(help)
            }
            EngineError::Refused(finding) => *finding,
            EngineError::NotKept { .. } | EngineError::Width { .. } | EngineError::Unfaithful(_) => Self::error(codes::ENGINE_BUG, message),
        }
    }
}
#[cfg(test)]
mod tests;
