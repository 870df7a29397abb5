//! Containers and compressors: knows bytes, knows no package.
pub mod ar;
pub mod base64;
pub mod calendar;
pub mod compress;
pub mod cpio;
pub mod decompress;
pub mod deflate;
pub mod gzip;
pub mod hashes;
pub mod hex;
pub mod md5;
pub mod tar;
pub mod zip;
