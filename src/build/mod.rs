//! Source -> input tree: the build step of the config, with its tests and hooks.
//!
//! Enters: `[build]` and the environment of whoever runs fitout. Leaves: what the commands make, and their output as events
//! and in a log. [`step`] says what runs, [`tool`] knows the build tools, [`environment`] says what of the environment a
//! command sees, [`shell`] runs one.

pub mod environment;
pub mod log;
pub mod shell;
pub mod state;
pub mod step;
pub mod tool;
