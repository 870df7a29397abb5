//! maintainer
