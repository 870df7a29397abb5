//! Containers and compressors: knows bytes, knows no package.
pub mod compress;
pub mod cpio;
pub mod deflate;
pub mod inflate_scan;
