//! What the real tools of the distributions say about the same input.
//!
//! An absent tool is named; under `FITOUT_REQUIRE_FOREIGN=1` its absence fails the test.
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
