//! The command line: the only room that prints. Wired when the rooms that it calls have landed.
pub mod ui;
