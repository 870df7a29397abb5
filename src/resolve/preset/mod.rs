//! What such an application lays down.
pub mod otp;
pub mod plain;
pub mod rust;
