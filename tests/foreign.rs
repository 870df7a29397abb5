//! What the real tools of the distributions say about the same input.
//!
//! An absent tool is named; under `FITOUT_REQUIRE_FOREIGN=1` its absence fails the test.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

#[path = "foreign/elf.rs"]
mod elf;

mod support;

#[path = "foreign/bundle.rs"]
mod bundle;

#[path = "foreign/examples.rs"]
mod examples;

#[path = "foreign/go.rs"]
mod go;

#[path = "foreign/mix.rs"]
mod mix;

#[path = "foreign/readers.rs"]
mod readers;
#[path = "foreign/relup.rs"]
mod relup;
#[path = "foreign/run_path.rs"]
mod run_path;

#[path = "foreign/sandbox.rs"]
mod sandbox;

#[path = "foreign/source.rs"]
mod source;

#[path = "foreign/shared_cache.rs"]
mod shared_cache;
#[path = "foreign/soname.rs"]
mod soname;

#[path = "foreign/targets.rs"]
mod targets;

#[path = "foreign/templates.rs"]
mod templates;
#[path = "foreign/tools.rs"]
mod tools;
