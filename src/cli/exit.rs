//! Exit codes, and what leads to which.

use std::process::ExitCode;

use crate::diagnostic::{Diagnostic, Fault, Severity};

/// How a run ends. A panic is 101 and means a fault of fitout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or the answer is yes.
    Done = 0,
    /// The answer is no: findings of lint, a difference, a mismatch.
    No = 1,
    /// The input: usage, config, files that are not as they must be.
    Input = 2,
    /// Could not: I/O, disk full, a tool that failed, a file that changed while it was read.
    CouldNot = 3,
    /// Publishing stopped half-way: it goes on when it is run again.
    HalfWay = 4,
    /// A fault of fitout; the code of a panic, too.
    Bug = 101,
    /// Somebody stopped it: SIGINT, SIGTERM, SIGHUP, SIGQUIT.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// What findings that stopped a verb lead to: the machine's fault outweighs the input's.
    pub fn of(findings: &[Diagnostic]) -> Self {
        findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| match finding.code.fault {
                Fault::Lint => Self::No,
                Fault::Input => Self::Input,
                Fault::Environment => Self::CouldNot,
                Fault::HalfWay => Self::HalfWay,
                Fault::Bug => Self::Bug,
            })
            .max()
            .unwrap_or(Self::Done)
    }
}
