//! source -> input tree.
