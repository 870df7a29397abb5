//! fitout makes a built application deployable: .deb, .rpm, tarball, .zip and OCI image from one config file.
// Test code makes its content with arithmetic that wraps on purpose, and tells long stories.
#![cfg_attr(test, allow(clippy::pedantic, clippy::type_complexity))]
pub mod assemble;
pub mod build;
pub mod cli;
pub mod codec;
pub mod config;
pub mod diagnostic;
pub mod engine;
pub mod formats;
pub mod interrupt;
pub mod listener;
pub mod publish;
pub mod report;
pub mod resolve;
pub mod run;
pub mod sign;
pub mod store;
pub mod template;
