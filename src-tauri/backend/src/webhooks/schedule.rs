//! When a message that did not arrive is sent again.
//!
//! The delays and their jitter are those of the jobs (`domain::retry`): 30 s, 5 min, 30 min, 2 h, 24 h after a first
//! try at once. Invariant: pure; time and chance are passed in.

use domain::retry::{BACKOFF_MS, backoff_ms};

/// The longest a receiver may send us away for, in milliseconds.
const LONGEST: i64 = 86_400_000;

/// A webhook that only failed for this long is switched off, in milliseconds.
pub const GIVE_UP: i64 = 5 * 86_400_000;

/// Milliseconds until the next try after `tries` were made; null when there is none. `random` lies in 0..1;
/// `retry_after` is what the receiver asked for.
pub fn delay(tries: u32, random: f64, retry_after: Option<i64>) -> Option<i64> {
    if tries == 0 || tries as usize > BACKOFF_MS.len() {
        return None;
    }
    let asked = retry_after.map(|millis| millis.clamp(0, LONGEST).unsigned_abs());
    Some(backoff_ms(tries, random, asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_delays_with_jitter_and_then_none() {
        for (index, base) in BACKOFF_MS.iter().enumerate() {
            let tries = index as u32 + 1;
            assert_eq!(delay(tries, 0.5, None), Some(*base));
            assert!(delay(tries, 0.0, None).unwrap() >= base * 8 / 10);
            assert!(delay(tries, 1.0, None).unwrap() <= base * 12 / 10);
        }
        assert_eq!(delay(6, 0.5, None), None);
        assert_eq!(delay(0, 0.5, None), None);
    }

    #[test]
    fn a_receiver_is_obeyed_within_a_day() {
        assert_eq!(delay(1, 0.5, Some(120_000)), Some(120_000));
        assert_eq!(delay(1, 0.5, Some(1)), Some(30_000));
        assert_eq!(delay(1, 0.5, Some(i64::MAX)), Some(LONGEST));
    }
}
