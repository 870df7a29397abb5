//! What users see, compared with what was agreed: each case is a folder, and `FITOUT_BLESS=1` rewrites what is expected.

#[path = "golden/errors.rs"]
mod errors;
#[path = "golden/harness.rs"]
mod harness;
