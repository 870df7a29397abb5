//! Source -> input tree: the build command of the config. Its caches come later.

pub mod step;
