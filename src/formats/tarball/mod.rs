//! tarball
