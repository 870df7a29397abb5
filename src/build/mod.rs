//! Source -> input tree: the build step of the config, with its tests and hooks.
//!
//! Enters: `[build]` and the environment of whoever runs fitout. Leaves: what the commands make, and their output as events
//! and in a log. [`step`] says what runs, [`tool`] knows the build tools, [`environment`] says what of the environment a
//! command sees, [`shell`] runs one. [`stamp`] knows whether there is anything to do: [`inputs`] lists what the step reads,
//! [`seen`] says whether it changed, [`toolchain`] asks for versions. [`cache`] brings back what a tool keeps. [`ask`] asks a program for a fact, for later rooms too.

pub(crate) mod ask;
pub mod cache;
pub mod environment;
pub mod inputs;
pub mod log;
pub mod sandbox;
pub mod seen;
pub mod shell;
pub mod stamp;
pub mod state;
pub mod step;
pub mod tool;
pub mod toolchain;
