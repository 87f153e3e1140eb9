//! What becomes of a job that failed: tried again, put off, or dead.
//!
//! Invariant: pure; follows the class of the code and the schedule of `domain::retry`.

use domain::{ApiError, ErrorCode, RetryClass, UtcTime, retry};

/// A step that asks to be put off rather than fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snooze {
    /// Null: until an event wakes it, or looked at again after `domain::retry::SNOOZE_MS`.
    pub until: Option<UtcTime>,
}

/// Where a job stands when it fails.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Tries that count, the failed one included.
    pub attempts: u32,
    pub max_attempts: u32,
    /// Milliseconds it has been put off so far.
    pub snoozed_ms: i64,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The try counts; the next one at that time.
    Retry { at: UtcTime },
    /// The try does not count. `waiting`: a user's act or an outside event is awaited, the time is only a look.
    Snooze { at: UtcTime, waiting: bool },
    /// A dead letter.
    Dead,
}

/// Decides. `random` lies in 0..1.
pub fn next(standing: Standing, error: &ApiError, snooze: Option<Snooze>, now: UtcTime, random: f64) -> Next {
    let class = error.code.retry_class();
    let asked = snooze.or_else(|| (class == RetryClass::Waiting).then(Snooze::default));
    if let Some(snooze) = asked {
        let known = snooze.until.or_else(|| {
            error.retry_after_ms.map(|ms| now.plus_millis(i64::try_from(ms).unwrap_or(i64::MAX)))
        });
        let at = known.unwrap_or(now.plus_millis(retry::SNOOZE_MS));
        if standing.snoozed_ms.saturating_add(at.since(now).max(0)) <= retry::MAX_SNOOZE_TOTAL_MS {
            return Next::Snooze { at, waiting: known.is_none() && error.code != ErrorCode::RateLimited };
        }
    }
    match class {
        RetryClass::Passing if standing.attempts < standing.max_attempts => {
            let delay = retry::backoff_ms(standing.attempts, random, error.retry_after_ms);
            Next::Retry { at: now.plus_millis(delay) }
        }
        _ => Next::Dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcTime = UtcTime(1_000_000);

    fn standing(attempts: u32, snoozed_ms: i64) -> Standing {
        Standing { attempts, max_attempts: 4, snoozed_ms }
    }

    #[test]
    fn passing_faults_follow_the_schedule_then_die() {
        let error = ApiError::new(ErrorCode::NetworkLost, "");
        for (tries, delay) in [(1, 30_000), (2, 300_000), (3, 1_800_000)] {
            let at = NOW.plus_millis(delay);
            assert_eq!(next(standing(tries, 0), &error, None, NOW, 0.5), Next::Retry { at });
        }
        assert_eq!(next(standing(4, 0), &error, None, NOW, 0.5), Next::Dead);
    }

    #[test]
    fn permanent_faults_die_at_once() {
        let error = ApiError::new(ErrorCode::MediaDamaged, "");
        assert_eq!(next(standing(1, 0), &error, None, NOW, 0.5), Next::Dead);
    }

    #[test]
    fn waiting_uses_no_try_until_a_day_is_over() {
        let missing = ApiError::new(ErrorCode::ModelMissing, "");
        let look = NOW.plus_millis(retry::SNOOZE_MS);
        assert_eq!(next(standing(1, 0), &missing, None, NOW, 0.5), Next::Snooze { at: look, waiting: true });
        assert_eq!(next(standing(1, retry::MAX_SNOOZE_TOTAL_MS), &missing, None, NOW, 0.5), Next::Dead);
        let limited = ApiError::new(ErrorCode::RateLimited, "").with_retry_after_ms(5_000);
        let at = NOW.plus_millis(5_000);
        assert_eq!(next(standing(1, 0), &limited, None, NOW, 0.5), Next::Snooze { at, waiting: false });
    }

    #[test]
    fn a_passing_fault_may_ask_to_be_put_off() {
        let lost = ApiError::new(ErrorCode::NetworkLost, "");
        let until = NOW.plus_millis(7);
        let snooze = Some(Snooze { until: Some(until) });
        assert_eq!(next(standing(4, 0), &lost, snooze, NOW, 0.5), Next::Snooze { at: until, waiting: false });
        let over = standing(1, retry::MAX_SNOOZE_TOTAL_MS);
        assert_eq!(next(over, &lost, snooze, NOW, 0.5), Next::Retry { at: NOW.plus_millis(30_000) });
    }
}
