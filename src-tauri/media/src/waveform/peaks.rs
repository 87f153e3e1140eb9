//! The highest sample of each stretch of time.
//!
//! Begins with a hundred stretches a second and halves that whenever there are too many, so that the length of the
//! sound need not be known.

use serde::Serialize;

/// Most peaks ever written.
const MOST: usize = 20_000;
const FIRST_PER_SECOND: u64 = 100;

pub(super) struct Peaks {
    rate: u64,
    /// Hundredths of a second in a stretch: a power of two.
    width: u64,
    done: Vec<f32>,
    highest: f32,
    /// Frames taken so far, and the frame at which the current stretch ends.
    frames: u64,
    end: u64,
}

/// The file as it is written.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Written {
    version: u32,
    per_second: f64,
    peaks: Vec<u8>,
}

impl Peaks {
    pub(super) fn new(rate: u32) -> Self {
        let mut peaks =
            Peaks { rate: u64::from(rate), width: 1, done: Vec::new(), highest: 0.0, frames: 0, end: 0 };
        peaks.end = peaks.end_of(0);
        peaks
    }

    fn end_of(&self, stretch: usize) -> u64 {
        (stretch as u64 + 1) * self.width * self.rate / FIRST_PER_SECOND
    }

    /// Takes whole interleaved frames.
    pub(super) fn take(&mut self, mut samples: &[f32], channels: usize) {
        while !samples.is_empty() {
            let frames = ((self.end - self.frames) as usize).min(samples.len() / channels);
            let (now, later) = samples.split_at(frames * channels);
            self.highest = highest(now).max(self.highest);
            self.frames += frames as u64;
            samples = later;
            if self.frames == self.end {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.done.push(std::mem::take(&mut self.highest));
        if self.done.len() == MOST {
            self.done = self.done.chunks(2).map(|pair| pair.iter().copied().fold(0.0, f32::max)).collect();
            self.width *= 2;
        }
        self.end = self.end_of(self.done.len());
    }

    pub(super) fn finish(mut self) -> Written {
        let begun = self.end_of(self.done.len()) - self.width * self.rate / FIRST_PER_SECOND;
        if self.frames > begun {
            self.done.push(self.highest);
        }
        let scaled = self.done.iter().map(|peak| (peak.min(1.0) * 255.0).round() as u8);
        Written {
            version: 1,
            per_second: FIRST_PER_SECOND as f64 / self.width as f64,
            peaks: scaled.collect(),
        }
    }
}

/// The highest absolute value, in lanes that the compiler can keep in registers.
fn highest(samples: &[f32]) -> f32 {
    let (lanes, rest) = samples.as_chunks::<16>();
    let mut most = [0.0_f32; 16];
    for chunk in lanes {
        for (most, sample) in most.iter_mut().zip(chunk) {
            *most = if sample.abs() > *most { sample.abs() } else { *most };
        }
    }
    most.iter().copied().chain(rest.iter().map(|sample| sample.abs())).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_stand_where_the_sound_is() {
        let mut peaks = Peaks::new(44_100);
        let mut sound = vec![0.0_f32; 2 * 44_100];
        sound[2 * 22_050 + 1] = -0.5;
        // Fed in odd pieces.
        for piece in sound.chunks(2 * 777) {
            peaks.take(piece, 2);
        }
        let written = peaks.finish();
        assert_eq!((written.per_second, written.peaks.len()), (100.0, 100));
        assert_eq!(written.peaks.iter().position(|peak| *peak > 0), Some(50));
        assert_eq!(written.peaks[50], 128);
    }

    #[test]
    fn long_sounds_have_coarser_peaks() {
        let mut peaks = Peaks::new(8_000);
        // 500 s in pieces of a second, a click at second 400.
        for second in 0..500 {
            let mut piece = vec![0.0; 8_000];
            piece[0] = if second == 400 { 1.5 } else { 0.0 };
            peaks.take(&piece, 1);
        }
        let written = peaks.finish();
        assert!(written.peaks.len() <= MOST && written.peaks.len() > MOST / 4, "{}", written.peaks.len());
        let at = written.peaks.iter().position(|peak| *peak == 255).unwrap() as f64 / written.per_second;
        assert!((at - 400.0).abs() < 0.1, "{at}");
        assert!((written.peaks.len() as f64 / written.per_second - 500.0).abs() < 0.1);
    }

    #[test]
    fn a_beginning_stretch_counts() {
        let mut peaks = Peaks::new(48_000);
        peaks.take(&[0.25; 5], 1);
        assert_eq!(peaks.finish(), Written { version: 1, per_second: 100.0, peaks: vec![64] });
        assert!(Peaks::new(48_000).finish().peaks.is_empty());
    }
}
