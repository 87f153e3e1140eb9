//! How much has come and how fast.
//!
//! Owns the byte limit of a source and what is said about progress: a fraction and a speed, at most four times a
//! second. Leaves what the fraction means to whoever sets it.

use crate::{MediaError, Run};
use domain::ErrorCode;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The speed is that of the last few seconds.
const WINDOW: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(250);

/// Shared by all connections of one source.
#[derive(Clone)]
pub(super) struct Meter {
    run: Run,
    most: u64,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Bytes of the source on disk, those of earlier tries included.
    got: u64,
    fraction: f64,
    samples: VecDeque<(Instant, u64)>,
    said: Option<Instant>,
}

impl Meter {
    pub(super) fn new(run: &Run, most: u64) -> Self {
        let state = State { got: 0, fraction: 0.0, samples: VecDeque::new(), said: None };
        Self { run: run.clone(), most, state: Arc::new(Mutex::new(state)) }
    }

    /// Sets what earlier tries had got; a clean start sets it to nothing.
    pub(super) fn start_at(&self, bytes: u64) {
        let mut state = self.lock();
        state.got = bytes;
        state.samples.clear();
    }

    /// Counts bytes that have just come. Errors: `DOWNLOAD_TOO_LARGE` beyond the limit.
    pub(super) fn count(&self, bytes: usize) -> Result<(), MediaError> {
        self.count_at(bytes, Instant::now())
    }

    fn count_at(&self, bytes: usize, now: Instant) -> Result<(), MediaError> {
        let mut state = self.lock();
        state.got += bytes as u64;
        let got = state.got;
        if state.samples.back().is_none_or(|(at, _)| now - *at > PAUSE / 4) {
            state.samples.push_back((now, got));
        }
        while state.samples.len() > 2 && state.samples.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            state.samples.pop_front();
        }
        if got > self.most {
            return Err(too_large(self.most));
        }
        self.say(&mut state, now);
        Ok(())
    }

    /// Bytes taken back: a piece that has to be fetched again.
    pub(super) fn uncount(&self, bytes: u64) {
        let mut state = self.lock();
        state.got = state.got.saturating_sub(bytes);
        state.samples.clear();
    }

    /// Sets how much of the whole is done, from 0 to 1; it never goes back.
    pub(super) fn done(&self, fraction: f64) {
        let mut state = self.lock();
        state.fraction = state.fraction.max(fraction);
        self.say(&mut state, Instant::now());
    }

    pub(super) fn got(&self) -> u64 {
        self.lock().got
    }

    fn say(&self, state: &mut State, now: Instant) {
        if state.said.is_some_and(|at| now - at < PAUSE) {
            return;
        }
        state.said = Some(now);
        let speed = match (state.samples.front(), state.samples.back()) {
            (Some((from, a)), Some((to, b))) if to > from => {
                b.saturating_sub(*a) as f64 / (*to - *from).as_secs_f64()
            }
            _ => 0.0,
        };
        self.run.report(state.fraction, Some(&speed_text(speed)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn too_large(most: u64) -> MediaError {
    MediaError::new(
        ErrorCode::DownloadTooLarge,
        format!("The download is larger than the limit of {} MB.", most / 1_000_000),
    )
}

/// Bytes a second for people: `38 MB/s`, `4.2 MB/s`, `310 kB/s`.
pub(super) fn speed_text(speed: f64) -> String {
    match speed {
        s if s >= 9.95e6 => format!("{:.0} MB/s", s / 1e6),
        s if s >= 1e6 => format!("{:.1} MB/s", s / 1e6),
        s => format!("{:.0} kB/s", s / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_short() {
        assert_eq!(speed_text(38.4e6), "38 MB/s");
        assert_eq!(speed_text(4.23e6), "4.2 MB/s");
        assert_eq!(speed_text(310e3), "310 kB/s");
    }

    #[test]
    fn speed_is_measured_and_the_limit_kept() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = said.clone();
        let mut run = Run::quiet("/nowhere");
        run.progress =
            Arc::new(move |f, text| heard.lock().unwrap().push((f, text.unwrap_or_default().to_owned())));
        let meter = Meter::new(&run, 12_000_000);
        let start = Instant::now();
        for step in 0..10u32 {
            meter.count_at(1_000_000, start + Duration::from_millis(500) * step).unwrap();
        }
        assert_eq!(said.lock().unwrap().last().unwrap().1, "2.0 MB/s");
        meter.done(0.5);
        meter.done(0.2);
        assert_eq!(meter.lock().fraction, 0.5);
        assert_eq!(meter.count(3_000_000).unwrap_err().code, ErrorCode::DownloadTooLarge);
    }
}
