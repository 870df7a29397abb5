//! Text -> Manifest: parsed with spans, checked against the grammar, all findings in one run.
//!
//! [`load`] is the way in. [`schema`] declares every key; [`grammar`], [`check`], [`rules`] and [`environments`] judge what
//! was typed; [`suggest`] names what was probably meant; [`prune`] takes out what is wrong, so that later rooms can judge
//! the rest. Overlays are merged later, in `resolve`.
pub mod check;
pub mod environments;
pub mod grammar;
pub mod json_schema;
pub mod load;
pub mod own;
pub mod prune;
pub mod rules;
pub mod schema;
pub mod suggest;
