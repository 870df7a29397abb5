//! What users see, compared with what was agreed; `FITOUT_BLESS=1` rewrites what is expected.
#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests tell what they found, and stop where they are wrong"
)]

mod support;

#[path = "golden/artifacts.rs"]
mod artifacts;
#[path = "golden/cli.rs"]
mod cli;
#[path = "golden/errors.rs"]
mod errors;
#[path = "golden/harness.rs"]
mod harness;
