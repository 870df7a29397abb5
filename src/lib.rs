//! fitout makes a built application deployable: .deb, .rpm, tarball, .zip and OCI image from one config file.
pub mod assemble;
pub mod build;
pub mod cli;
pub mod codec;
pub mod config;
pub mod diagnostic;
pub mod engine;
pub mod formats;
pub mod listener;
pub mod report;
pub mod resolve;
pub mod run;
pub mod template;
