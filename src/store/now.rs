//! The time of day, which only places that outlive a run need, and what is told apart by chance.
//!
//! Nothing of it reaches an artifact: that has one clock of its own, `resolve/clock.rs`.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime};

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "repositories and leases say when they were written")]
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(0))
}

/// A moment, from which time is measured.
#[derive(Debug, Clone, Copy)]
pub struct Since(std::time::Instant);

impl Since {
    /// This one.
    #[allow(clippy::disallowed_methods, reason = "receipts say how long something took")]
    pub fn now() -> Self {
        Self(std::time::Instant::now())
    }

    /// Milliseconds that have passed.
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A word that nobody else has: 16 hex digits of chance.
pub fn unique() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// Between half and all of a time, so that those who wait do not come back together.
pub fn jitter(time: Duration) -> Duration {
    let chance = RandomState::new().hash_one(0_u8) % 512;
    time.mul_f64(0.5 + f64::from(u16::try_from(chance).unwrap_or(0)) / 1024.0)
}
