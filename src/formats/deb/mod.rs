//! Debian packages (deb(5)).
pub mod shlibs;
