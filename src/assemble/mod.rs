//! Release -> Plan.
pub mod collect;
pub mod conflict;
pub mod elf;
pub mod lifecycle;
pub mod maintainer;
pub mod mode;
pub mod owner;
pub mod path;
pub mod plan;
#[cfg(test)]
pub mod sample;
pub mod template;
