//! The system's clock and randomness, at the edge: everything inside is handed a [`Clock`].

use crate::queue::Clock;
use domain::UtcTime;
use std::time::{SystemTime, UNIX_EPOCH};

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcTime {
        // A clock before 1970 is a broken one; 0 keeps the work going.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UtcTime(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> f64 {
        rand::random()
    }
}
