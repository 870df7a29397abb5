//! Containers and compressors: knows bytes, knows no package.
pub mod calendar;
pub mod compress;
pub mod deflate;
pub mod inflate_scan;
pub mod zip;
