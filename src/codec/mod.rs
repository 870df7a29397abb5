//! Containers and compressors: knows bytes, knows no package.
pub mod ar;
pub mod decompress;
pub mod tar;
