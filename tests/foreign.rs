//! What the real tools of the distributions say about the same input.
//!
//! An absent tool is named; under `FITOUT_REQUIRE_FOREIGN=1` its absence fails the test.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

#[path = "foreign/elf.rs"]
mod elf;

/// Whether the tool is there; `program` is a name in `PATH` or a whole path.
pub fn have(program: &str) -> bool {
    let found = if program.contains('/') {
        std::path::Path::new(program).exists()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).exists())
    };
    if !found {
        eprintln!("not compared: `{program}` is not installed");
        let required = std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_some_and(|v| v == "1");
        assert!(!required, "`{program}` is not installed, and FITOUT_REQUIRE_FOREIGN=1 asks for it");
    }
    found
}
