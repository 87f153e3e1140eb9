//! Circuit breakers: one for each service, model and key.
//!
//! Rules (reference, section on webhooks and provider routing): opens after 5 failures in a row, or after half of at
//! least 10 calls failed within 30 s; a refused key keeps it open until the key changes; a bad request never counts;
//! after the pause one probe is let through. The pause is the longer of the service's own word and 30 s × 2ⁿ, at most
//! 10 min; an open breaker's pause is never shortened.
//! Invariant: pure; time comes in with every call.

use crate::error::ProviderError;
use domain::{ErrorCode, RetryClass, UtcTime};
use std::collections::VecDeque;

/// Failures in a row that open it.
const IN_A_ROW: u32 = 5;
/// Calls within the window from which on their share of failures counts.
const ENOUGH: usize = 10;
/// The window, in milliseconds.
const WINDOW: i64 = 30_000;
/// The first pause, in milliseconds.
const PAUSE: i64 = 30_000;
/// The longest pause that follows from failures alone, in milliseconds.
const LONGEST: i64 = 600_000;
/// A probe whose end is never told counts as over after this time, in milliseconds.
const PROBE: i64 = 120_000;

/// What a breaker makes of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Success,
    /// The service's fault.
    Failure,
    /// The service wants fewer calls; the wait it named, in milliseconds.
    Limited(Option<i64>),
    /// The key is refused or its account empty: nothing helps but another.
    Key,
    /// The request's own fault or the user's act: says nothing about the service.
    Nothing,
}

impl Verdict {
    pub fn of(error: &ProviderError) -> Self {
        match error.code {
            ErrorCode::RateLimited => Self::Limited(
                error.retry_after.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
            ),
            ErrorCode::KeyRefused | ErrorCode::KeyMissing | ErrorCode::QuotaExhausted => Self::Key,
            // A model that is gone stays gone: its breaker keeps it from being asked each time.
            ErrorCode::OutcomeUnknown | ErrorCode::ProcessingTimeout | ErrorCode::ModelUnknown => {
                Self::Failure
            }
            ErrorCode::Cancelled => Self::Nothing,
            code if code.retry_class() == RetryClass::Passing => Self::Failure,
            _ => Self::Nothing,
        }
    }
}

/// Whether a call may go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Closed,
    /// The pause is over and this call is the probe.
    Probe,
    /// Until that time; `None`: until the key changes.
    Open(Option<UtcTime>),
}

/// One breaker.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    in_a_row: u32,
    /// Time and success of calls within the window.
    recent: VecDeque<(UtcTime, bool)>,
    open_until: Option<UtcTime>,
    /// How often it opened without a success between.
    opened: u32,
    key_refused: bool,
    probing_since: Option<UtcTime>,
}

impl Breaker {
    /// What a call would meet now.
    pub fn gate(&self, now: UtcTime) -> Gate {
        if self.key_refused {
            return Gate::Open(None);
        }
        let Some(until) = self.open_until else { return Gate::Closed };
        let probing = self.probing_since.is_some_and(|since| now.since(since) < PROBE);
        if now < until || probing { Gate::Open(Some(until)) } else { Gate::Probe }
    }

    /// A call goes through now.
    pub fn begin(&mut self, now: UtcTime) {
        if self.open_until.is_some() {
            self.probing_since = Some(now);
        }
    }

    /// A call has ended.
    pub fn end(&mut self, verdict: Verdict, now: UtcTime) {
        self.probing_since = None;
        match verdict {
            Verdict::Nothing => {}
            Verdict::Key => self.key_refused = true,
            Verdict::Success => {
                self.note(now, true);
                (self.in_a_row, self.opened, self.open_until, self.key_refused) = (0, 0, None, false);
            }
            Verdict::Limited(wait) => self.open(wait, now),
            Verdict::Failure => {
                self.note(now, false);
                self.in_a_row += 1;
                let failed = self.recent.iter().filter(|(_, success)| !success).count();
                let half = self.recent.len() >= ENOUGH && failed * 2 >= self.recent.len();
                if self.in_a_row >= IN_A_ROW || half || self.open_until.is_some() {
                    self.open(None, now);
                }
            }
        }
    }

    /// The key was changed, or the user wants it tried.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn note(&mut self, now: UtcTime, success: bool) {
        self.recent.push_back((now, success));
        while self.recent.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.recent.pop_front();
        }
    }

    fn open(&mut self, wait: Option<i64>, now: UtcTime) {
        // A limit with a known end says nothing about failures: its pause does not grow.
        let pause = match wait {
            Some(wait) => wait,
            None => {
                let grown = PAUSE.saturating_mul(1 << self.opened.min(8)).min(LONGEST);
                self.opened += 1;
                grown
            }
        };
        let until = now.plus_millis(pause);
        self.open_until = Some(self.open_until.map_or(until, |known| known.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UtcTime {
        UtcTime(seconds * 1000)
    }

    #[test]
    fn it_opens_probes_once_and_closes() {
        let mut breaker = Breaker::default();
        for second in 0..4 {
            breaker.end(Verdict::Failure, at(second));
        }
        assert_eq!(breaker.gate(at(4)), Gate::Closed);
        breaker.end(Verdict::Nothing, at(4));
        breaker.end(Verdict::Failure, at(4));
        assert_eq!(breaker.gate(at(5)), Gate::Open(Some(at(34))));
        assert_eq!(breaker.gate(at(34)), Gate::Probe);
        breaker.begin(at(34));
        assert_eq!(breaker.gate(at(35)), Gate::Open(Some(at(34))), "one probe at a time");
        breaker.end(Verdict::Failure, at(36));
        assert_eq!(breaker.gate(at(60)), Gate::Open(Some(at(96))), "twice as long");
        breaker.begin(at(96));
        breaker.end(Verdict::Success, at(97));
        assert_eq!(breaker.gate(at(97)), Gate::Closed);
    }

    #[test]
    fn half_of_ten_opens_and_a_shorter_wait_never_shortens() {
        let mut breaker = Breaker::default();
        for second in 0..10 {
            breaker.end(if second % 2 == 0 { Verdict::Success } else { Verdict::Failure }, at(second));
        }
        assert!(matches!(breaker.gate(at(10)), Gate::Open(_)));
        let mut limited = Breaker::default();
        limited.end(Verdict::Limited(Some(90_000)), at(0));
        limited.end(Verdict::Limited(Some(1_000)), at(1));
        assert_eq!(limited.gate(at(50)), Gate::Open(Some(at(90))));
    }

    #[test]
    fn a_refused_key_stays_refused_until_it_changes() {
        let mut breaker = Breaker::default();
        breaker.end(Verdict::Key, at(0));
        assert_eq!(breaker.gate(at(1_000_000)), Gate::Open(None));
        breaker.reset();
        assert_eq!(breaker.gate(at(1_000_000)), Gate::Closed);
    }

    #[test]
    fn pauses_grow_to_ten_minutes_and_no_further() {
        let (mut breaker, mut now) = (Breaker::default(), at(0));
        for _ in 0..5 {
            breaker.end(Verdict::Failure, now);
        }
        for _ in 0..20 {
            let Gate::Open(Some(until)) = breaker.gate(now) else { panic!("closed") };
            assert!(until.since(now) <= LONGEST);
            now = until;
            breaker.begin(now);
            breaker.end(Verdict::Failure, now);
        }
    }
}
