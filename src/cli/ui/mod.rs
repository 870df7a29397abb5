//! How findings and progress look to people, to programs and to CI.
pub mod draw;
