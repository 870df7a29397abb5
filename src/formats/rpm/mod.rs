//! rpm
pub mod elfdeps;
