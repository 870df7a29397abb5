//! What can be said of plans and artifacts: texts and JSON from [`Listing`](crate::formats::Listing) and
//! [`Plan`](crate::assemble::plan::Plan). Nothing is printed here.
pub mod diff;
pub mod environments;
pub mod explain;
pub mod host;
pub mod inspect;
pub mod keys;
pub mod lint;
pub mod plan;
pub mod words;
