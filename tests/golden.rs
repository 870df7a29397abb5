//! What users see, compared with what was agreed; `FITOUT_BLESS=1` rewrites what is expected.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

mod support;

#[path = "golden/artifacts.rs"]
mod artifacts;
#[path = "golden/ci.rs"]
mod ci;
#[path = "golden/cli.rs"]
mod cli;
#[path = "golden/documents.rs"]
mod documents;
#[path = "golden/elf.rs"]
mod elf;
#[path = "golden/errors.rs"]
mod errors;
#[path = "golden/harness.rs"]
mod harness;
#[path = "golden/init.rs"]
mod init;
#[path = "golden/scripts.rs"]
mod scripts;
