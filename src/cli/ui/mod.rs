//! How it looks.
pub mod draw;
