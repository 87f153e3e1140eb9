//! Cuts a recording into the windows an engine hears at once.
//!
//! Invariant: windows are in order, do not overlap, cover every voice span, none is longer than the engine allows, and
//! they depend on the voice found and the engine alone.

use super::voice::{FRAME_SECONDS, Span, Voice};

/// What an engine hears in one go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub index: usize,
    /// Seconds of the recording.
    pub start: f64,
    pub end: f64,
}

/// How an engine wants its windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// Seconds.
    pub longest: f64,
    /// One voice span in each, or as many as fit.
    pub single: bool,
}

/// Silence longer than this ends a window: engines invent words in it.
const LONGEST_SILENCE: f64 = 8.0;

/// Cuts at silence; a span longer than a window is cut where a voice is least likely, in the window's last third.
pub(super) fn cut(voice: &Voice, shape: Shape) -> Vec<Window> {
    let pieces = voice.spans.iter().flat_map(|span| split(*span, &voice.probabilities, shape.longest));
    let mut windows: Vec<Span> = Vec::new();
    for piece in pieces {
        match windows.last_mut() {
            Some(last)
                if !shape.single
                    && piece.end - last.start <= shape.longest
                    && piece.start - last.end <= LONGEST_SILENCE =>
            {
                last.end = piece.end;
            }
            _ => windows.push(piece),
        }
    }
    // Milliseconds, as the times of segments and words: so that these can reach the window's very end, not beyond.
    let millis = |second: f64| (second * 1000.0).round() / 1000.0;
    let window = |(index, w): (usize, Span)| Window { index, start: millis(w.start), end: millis(w.end) };
    windows.into_iter().enumerate().map(window).collect()
}

fn split(span: Span, probabilities: &[f32], longest: f64) -> Vec<Span> {
    let (mut pieces, mut start) = (Vec::new(), span.start);
    while span.end - start > longest {
        let frame = |second: f64| (second / FRAME_SECONDS) as usize;
        let (from, to) =
            (frame(start + longest * 2.0 / 3.0), frame(start + longest).min(probabilities.len()));
        // The quietest 0.16 s; a single frame could lie in the middle of a stop consonant.
        let least = (from..to.saturating_sub(5))
            .min_by(|a, b| {
                let sum = |i: &usize| probabilities[*i..*i + 5].iter().sum::<f32>();
                sum(a).total_cmp(&sum(b))
            })
            .map_or(start + longest, |i| (i as f64 + 2.5) * FRAME_SECONDS);
        let end = least.clamp(start + 0.1, start + longest);
        pieces.push(Span { start, end });
        start = end;
    }
    pieces.push(Span { start, end: span.end });
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(spans: &[(f64, f64)], duration: f64) -> Voice {
        let mut probabilities = vec![0.0; (duration / FRAME_SECONDS) as usize + 1];
        for (start, end) in spans {
            probabilities[(start / FRAME_SECONDS) as usize..(end / FRAME_SECONDS) as usize].fill(0.9);
        }
        Voice {
            spans: spans.iter().map(|&(start, end)| Span { start, end }).collect(),
            probabilities,
            duration,
        }
    }

    const WIDE: Shape = Shape { longest: 30.0, single: false };

    #[test]
    fn spans_share_a_window_until_it_is_full_or_silence_is_long() {
        let cut = cut(&voice(&[(1.0, 5.0), (6.0, 12.0), (14.0, 33.0), (50.0, 52.0)], 60.0), WIDE);
        let times: Vec<_> = cut.iter().map(|w| (w.index, w.start, w.end)).collect();
        assert_eq!(times, [(0, 1.0, 12.0), (1, 14.0, 33.0), (2, 50.0, 52.0)]);
    }

    #[test]
    fn one_span_each_when_the_model_asks() {
        let cut = cut(&voice(&[(1.0, 2.0), (2.5, 4.0)], 6.0), Shape { longest: 5.0, single: true });
        assert_eq!(cut.len(), 2);
    }

    #[test]
    fn endless_speech_is_cut_where_the_voice_dips() {
        let mut endless = voice(&[(0.0, 100.0)], 100.0);
        let dip = (24.0 / FRAME_SECONDS) as usize;
        endless.probabilities[dip..dip + 8].fill(0.3);
        let cut = cut(&endless, WIDE);
        assert!((cut[0].end - 24.1).abs() < 0.2, "{cut:?}");
        assert!(cut.iter().all(|w| w.end - w.start <= 30.0));
        assert_eq!(cut.last().unwrap().end, 100.0);
        assert!(cut.windows(2).all(|w| w[0].end == w[1].start));
    }

    #[test]
    fn no_voice_no_window() {
        assert_eq!(cut(&voice(&[], 10.0), WIDE), vec![]);
    }
}
