//! Where in a recording somebody speaks.
//!
//! Owns the thresholds, merging and padding of voice spans. Leaves the judging to [`super::silero`] (chosen by
//! measurement over the crate `earshot`, which took music, sirens and brown noise for speech) and the cutting into
//! windows to [`super::windows`].
//! Invariant: generous. What might be speech is handed on: an engine that hears nothing costs a second, a lost sentence
//! costs trust.

use super::silero::{FRAME, Silero};
use super::wav::{RATE, Wav};
use crate::{MediaError, Run};
use std::path::Path;

/// A span opens at this probability …
const OPENS: f32 = 0.35;
/// … and goes on down to this one.
const GOES_ON: f32 = 0.15;
/// Spans with less silence between them are one.
const MERGE: f64 = 0.4;
/// Shorter ones are clicks, unless the network is sure.
const SHORTEST: f64 = 0.1;
/// Kept before and after, since soft consonants score low.
const PADDING: f64 = 0.25;
/// A recording whose loudest sample is below this is judged louder than it is.
const QUIET: f32 = 0.25;

/// A stretch with a voice, in seconds, padding included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    pub start: f64,
    pub end: f64,
}

/// What the detector found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voice {
    /// In order, apart from each other.
    pub spans: Vec<Span>,
    /// Probability of each 32 ms.
    pub probabilities: Vec<f32>,
    /// Seconds of the recording.
    pub duration: f64,
}

impl Voice {
    /// Seconds of voice, without the padding.
    pub fn seconds(&self) -> f64 {
        self.spans.iter().map(|s| (s.end - s.start - 2.0 * PADDING).max(0.1)).sum()
    }
}

/// Seconds of one judged frame.
pub(super) const FRAME_SECONDS: f64 = FRAME as f64 / RATE as f64;

/// Listens through a speech WAV. Blocking: about 3 s for each hour on one core, built with optimisation.
///
/// Errors: `MEDIA_DAMAGED` for another kind of file, `CANCELLED`.
pub fn find(path: &Path, run: &Run) -> Result<Voice, MediaError> {
    let mut wav = Wav::open(path)?;
    let loudest =
        each_piece(&mut wav, run, 0f32, |peak, piece| piece.iter().fold(peak, |p, s| p.max(s.abs())))?;
    let gain = if loudest > 0.0 && loudest < QUIET { (0.5 / loudest).min(200.0) } else { 1.0 };
    let start = (Silero::default(), Vec::new());
    let (_, probabilities) = each_piece(&mut wav, run, start, |(mut silero, mut judged), piece| {
        for frame in piece.chunks(FRAME) {
            let mut whole = [0f32; FRAME];
            whole.iter_mut().zip(frame).for_each(|(to, from)| *to = from * gain);
            judged.push(silero.judge(&whole));
        }
        (silero, judged)
    })?;
    let duration = wav.samples as f64 / RATE as f64;
    Ok(Voice { spans: spans(&probabilities, duration), probabilities, duration })
}

fn each_piece<T>(
    wav: &mut Wav,
    run: &Run,
    start: T,
    mut step: impl FnMut(T, &[f32]) -> T,
) -> Result<T, MediaError> {
    const PIECE: u64 = 128 * FRAME as u64;
    let (mut value, mut at) = (start, 0);
    while at < wav.samples {
        run.check()?;
        value = step(value, &wav.read(at, PIECE)?);
        at += PIECE;
    }
    Ok(value)
}

/// Hysteresis, merging, padding.
fn spans(probabilities: &[f32], duration: f64) -> Vec<Span> {
    let mut raw: Vec<(usize, usize)> = Vec::new();
    let mut opened = None;
    for (i, &p) in probabilities.iter().enumerate() {
        match opened {
            None if p >= OPENS => {
                // What led up to it belongs to it.
                let before = probabilities[..i].iter().rev().take_while(|p| **p >= GOES_ON).count();
                opened = Some(i - before);
            }
            Some(start) if p < GOES_ON => {
                raw.push((start, i));
                opened = None;
            }
            _ => {}
        }
    }
    raw.extend(opened.map(|start| (start, probabilities.len())));
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in raw {
        match merged.last_mut() {
            Some(last) if (start - last.1) as f64 * FRAME_SECONDS < MERGE => last.1 = end,
            _ => merged.push((start, end)),
        }
    }
    merged.retain(|&(start, end)| {
        let sure = probabilities[start..end].iter().any(|p| *p >= 0.8);
        sure || (end - start) as f64 * FRAME_SECONDS >= SHORTEST
    });
    pad(&merged, duration)
}

/// Padding never makes two spans overlap: they share the silence between them.
fn pad(frames: &[(usize, usize)], duration: f64) -> Vec<Span> {
    let seconds = |frame: usize| frame as f64 * FRAME_SECONDS;
    (0..frames.len())
        .map(|i| {
            let (start, end) = (seconds(frames[i].0), seconds(frames[i].1));
            let before = if i == 0 { 0.0 } else { f64::midpoint(seconds(frames[i - 1].1), start) };
            let after = frames.get(i + 1).map_or(duration, |next| f64::midpoint(end, seconds(next.0)));
            Span { start: (start - PADDING).max(before), end: (end + PADDING).min(after).min(duration) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seconds: usize, loud: f32) -> Vec<f32> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..seconds * 16_000).map(|_| next() * loud).collect()
    }

    fn found(samples: &[f32]) -> Voice {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        super::super::wav::write(&path, samples);
        find(&path, &Run::quiet(folder.path())).unwrap()
    }

    #[test]
    fn silence_noise_and_a_tone_hold_no_voice() {
        let tone: Vec<f32> = (0..80_000).map(|i| (i as f32 * 0.1728).sin() * 0.4).collect();
        let brown = noise(5, 1.0).into_iter().scan(0f32, |at, s| {
            *at = *at * 0.99 + s * 0.05;
            Some(*at)
        });
        for (name, samples) in [
            ("silence", vec![0.0; 80_000]),
            ("white noise", noise(5, 0.3)),
            ("faint noise", noise(5, 0.001)),
            ("brown noise", brown.collect()),
            ("tone", tone),
            ("nothing", vec![]),
        ] {
            assert_eq!(found(&samples).spans, vec![], "{name}");
        }
    }

    #[test]
    fn spans_open_and_close_at_different_heights_and_merge() {
        let mut p = vec![0.0; 200];
        p[50..80].fill(0.9);
        p[80..90].fill(0.2); // goes on
        p[95..110].fill(0.5); // 0.16 s later: the same span
        p[150] = 0.4; // a click
        let spans = spans(&p, 6.4);
        assert_eq!(spans.len(), 1, "{spans:?}");
        assert!(
            (spans[0].start - (1.6 - PADDING)).abs() < 1e-9 && (spans[0].end - (3.52 + PADDING)).abs() < 1e-9
        );
    }

    #[test]
    fn padding_stays_within_the_recording_and_apart() {
        let spans = pad(&[(0, 10), (25, 30)], 1.0);
        assert_eq!(spans[0].start, 0.0);
        assert!(spans[0].end <= spans[1].start);
        assert_eq!(spans[1].end, 1.0);
    }
}
