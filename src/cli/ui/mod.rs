//! How it looks: findings drawn, progress, and the streams.
pub mod draw;
mod terminal;

pub use terminal::Terminal;
