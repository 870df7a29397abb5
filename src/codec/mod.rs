//! Containers and compressors: knows bytes, knows no package.
pub mod calendar;
pub mod zip;
