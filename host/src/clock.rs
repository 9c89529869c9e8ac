//! The time of a run: one reading of the calendar, and a monotonic clock from then on.
//!
//! Promises: never goes back, whatever happens to the system's clock during a run; a test that
//! pauses tokio's clock pauses this one too. It is the only place that asks the system for a date.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMs = u64;

/// A clock that was set once.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    set_at: Instant,
    set_to: UnixMs,
}

impl Clock {
    /// A clock set to the system's time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clocks"
    )]
    pub fn system() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self {
            set_at: Instant::now(),
            set_to: whole_ms(since_epoch),
        }
    }

    /// A clock set to a given time, for tests and replays.
    pub fn set_to(set_to: UnixMs) -> Self {
        Self {
            set_at: Instant::now(),
            set_to,
        }
    }

    /// Now.
    pub fn now(&self) -> UnixMs {
        self.set_to.saturating_add(whole_ms(self.set_at.elapsed()))
    }

    /// The instant at which this clock will show `time`; at once for one that has passed.
    pub fn instant_of(&self, time: UnixMs) -> Instant {
        self.set_at + Duration::from_millis(time.saturating_sub(self.set_to))
    }
}

/// A time for people and records: RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(time: UnixMs) -> String {
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(time)
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

/// A duration in whole milliseconds, cut at what a `u64` holds.
pub fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration in whole milliseconds as the contract carries it, cut at what a `u32` holds.
pub fn contract_ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
