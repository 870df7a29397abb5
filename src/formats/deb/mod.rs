//! Debian packages (deb(5)).
