//! Content is read, hashed and compressed once; all layouts are then written.
pub mod store;
