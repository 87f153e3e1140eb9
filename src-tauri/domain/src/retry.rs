//! When a failed job is tried again.

/// Delays before the second to sixth try, in milliseconds: 30 s, 5 min, 30 min, 2 h, 24 h.
pub const BACKOFF_MS: [i64; 5] = [30_000, 300_000, 1_800_000, 7_200_000, 86_400_000];

/// Tries in all, unless the user sets more (at most 6): the first and three retries.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 4;

/// Share by which a delay may be shortened or lengthened, so that many failed jobs do not return at once.
pub const JITTER: f64 = 0.2;

/// A snooze without a known end is looked at again after this time, in milliseconds.
pub const SNOOZE_MS: i64 = 60_000;

/// All snoozes of a job together last at most this long, in milliseconds; then the fault counts as a failure.
pub const MAX_SNOOZE_TOTAL_MS: i64 = 86_400_000;

/// A job that ends the process this many times is dead: `CRASHED`.
pub const MAX_CRASHES: u32 = 3;

/// Milliseconds to wait after `failed` failed tries (1 after the first).
/// `random` lies in 0..1 and places the delay within ±[`JITTER`]; `retry_after_ms` of the fault wins when longer.
pub fn backoff_ms(failed: u32, random: f64, retry_after_ms: Option<u64>) -> i64 {
    let base = BACKOFF_MS[(failed.max(1) as usize - 1).min(BACKOFF_MS.len() - 1)] as f64;
    let jittered = (base * (1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0))) as i64;
    jittered.max(retry_after_ms.map_or(0, |ms| i64::try_from(ms).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_schedule_within_its_jitter() {
        for (index, base) in BACKOFF_MS.iter().enumerate() {
            let failed = index as u32 + 1;
            assert_eq!(backoff_ms(failed, 0.5, None), *base);
            assert_eq!(backoff_ms(failed, 0.0, None), base * 4 / 5);
            assert_eq!(backoff_ms(failed, 1.0, None), base * 6 / 5);
        }
        assert_eq!(backoff_ms(9, 0.5, None), BACKOFF_MS[4]);
        assert_eq!(backoff_ms(1, 0.5, Some(90_000)), 90_000);
    }
}
