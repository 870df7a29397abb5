//! What the real tools of the distributions say about the same input.
//!
//! An absent tool is named; under `FITOUT_REQUIRE_FOREIGN=1` its absence fails the test.
#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests tell what they found, and stop where they are wrong"
)]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

#[path = "foreign/elf.rs"]
mod elf;

mod support;

#[path = "foreign/examples.rs"]
mod examples;

#[path = "foreign/source.rs"]
mod source;

#[path = "foreign/soname.rs"]
mod soname;

#[path = "foreign/targets.rs"]
mod targets;

#[path = "foreign/templates.rs"]
mod templates;
