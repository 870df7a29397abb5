//! What users see, compared with what was agreed; `FITOUT_BLESS=1` rewrites what is expected.

mod support;

#[path = "golden/artifacts.rs"]
mod artifacts;
#[path = "golden/cli.rs"]
mod cli;
#[path = "golden/errors.rs"]
mod errors;
#[path = "golden/harness.rs"]
mod harness;
