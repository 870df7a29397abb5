//! Containers and compressors: knows bytes, knows no package.
pub mod cpio;
