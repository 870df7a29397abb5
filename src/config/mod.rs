//! Text -> Manifest: parsed with spans, checked against the grammar, all findings in one run.
pub mod load;
pub mod schema;
pub mod suggest;
