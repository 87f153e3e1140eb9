//! True peak: the highest value between the samples as well, by fourfold oversampling (ITU-R BS.1770-4, annex 2).
//!
//! Oversampling everything would cost more than decoding. A stretch whose samples are so low that no interpolation
//! could reach the peak found so far is passed over; the result is the same.

/// Taps of the interpolation for one value.
const TAPS: usize = 24;
/// Frames decided about at a time.
const STRETCH: usize = 64;

pub(super) struct TruePeak {
    channels: usize,
    /// One row of taps for each place between two samples.
    phases: Vec<[f32; TAPS]>,
    /// How much higher than its highest sample an interpolated value can be.
    bound: f32,
    /// The last `TAPS - 1` frames before those that come, per channel.
    history: Vec<Vec<f32>>,
    peak: f32,
}

impl TruePeak {
    pub(super) fn new(channels: usize, rate: u32) -> Self {
        let factor = match rate {
            ..96_000 => 4,
            96_000..192_000 => 2,
            _ => 1,
        };
        let phases: Vec<_> = (1..factor).map(|phase| interpolation(phase as f64 / factor as f64)).collect();
        let sums = phases.iter().map(|taps| taps.iter().map(|tap| tap.abs()).sum::<f32>());
        TruePeak {
            channels,
            bound: sums.fold(1.0, f32::max),
            phases,
            history: vec![vec![0.0; TAPS - 1]; channels],
            peak: 0.0,
        }
    }

    /// Takes whole interleaved frames.
    pub(super) fn take(&mut self, samples: &[f32]) {
        for (channel, line) in self.history.iter_mut().enumerate() {
            line.extend(samples.iter().skip(channel).step_by(self.channels));
            let mut start = 0;
            while start + TAPS <= line.len() {
                let end = (start + STRETCH).min(line.len() + 1 - TAPS);
                let reach = &line[start..end + TAPS - 1];
                let highest = reach
                    .iter()
                    .fold(0.0_f32, |most, sample| if sample.abs() > most { sample.abs() } else { most });
                self.peak = self.peak.max(highest);
                if highest * self.bound > self.peak {
                    for window in reach.windows(TAPS) {
                        for taps in &self.phases {
                            self.peak = self.peak.max(dot(window, taps).abs());
                        }
                    }
                }
                start = end;
            }
            line.drain(..line.len() + 1 - TAPS);
        }
    }

    /// dBTP; none for silence.
    pub(super) fn decibels(&self) -> Option<f64> {
        let rest = self.history.iter().flatten().fold(self.peak, |most, sample| most.max(sample.abs()));
        (rest > 0.0).then(|| 20.0 * f64::from(rest).log10())
    }
}

fn dot(window: &[f32], taps: &[f32; TAPS]) -> f32 {
    let (window, _) = window.as_chunks::<8>();
    let (taps, _) = taps.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (window, taps) in window.iter().zip(taps) {
        for lane in 0..8 {
            sums[lane] += window[lane] * taps[lane];
        }
    }
    sums.iter().sum()
}

/// A sinc under a Hann window, for the place `fraction` of the way from the middle tap to the next.
fn interpolation(fraction: f64) -> [f32; TAPS] {
    let middle = (TAPS / 2 - 1) as f64 + fraction;
    let taps: [f64; TAPS] = std::array::from_fn(|tap| {
        let distance = tap as f64 - middle;
        let window = (std::f64::consts::PI * distance / (TAPS as f64 + 1.0)).cos().powi(2);
        let angle = std::f64::consts::PI * distance;
        window * if angle == 0.0 { 1.0 } else { angle.sin() / angle }
    });
    // A constant signal keeps its height exactly.
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak_of(rate: u32, samples: impl Iterator<Item = f64>) -> f64 {
        let samples: Vec<f32> = samples.map(|sample| sample as f32).collect();
        let mut peak = TruePeak::new(1, rate);
        for piece in samples.chunks(301) {
            peak.take(piece);
        }
        peak.decibels().unwrap()
    }

    /// A quarter of the sample rate, sampled 45° off its crests: the samples lie 3 dB below the true peak.
    #[test]
    fn the_crest_between_samples_is_found() {
        let tone = |frequency: f64, phase: f64| {
            (0..4_800).map(move |n| {
                let fade = (n as f64 / 480.0).min(1.0);
                0.5 * fade * (std::f64::consts::TAU * frequency * n as f64 / 48_000.0 + phase).sin()
            })
        };
        // EBU Tech 3341, cases 15 and 16: -6 dBTP, +0.2/-0.4 dB.
        for (frequency, phase) in
            [(12_000.0, 0.0), (12_000.0, std::f64::consts::FRAC_PI_4), (8_000.0, 1.0), (6_000.0, 0.4)]
        {
            let found = peak_of(48_000, tone(frequency, phase));
            assert!((-6.42..=-5.82).contains(&found), "{frequency}: {found}");
        }
    }

    #[test]
    fn passing_over_changes_nothing() {
        let noise = |n: u64| {
            let mixed = (n ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        let loud = peak_of(48_000, (0..20_000).map(noise));
        let after_quiet =
            peak_of(48_000, (0..40_000).map(|n| if n < 20_000 { 0.01 } else { noise(n - 20_000) }));
        let mut whole = TruePeak::new(1, 48_000);
        whole.bound = f32::INFINITY;
        whole.take(&(0..20_000).map(|n| noise(n) as f32).collect::<Vec<_>>());
        assert!((whole.decibels().unwrap() - loud).abs() < 1e-6);
        assert!((loud - after_quiet).abs() < 0.2, "{loud} {after_quiet}");
    }

    #[test]
    fn silence_has_none() {
        assert_eq!(TruePeak::new(2, 44_100).decibels(), None);
        assert_eq!(peak_of(192_000, [0.5].into_iter()).round(), -6.0);
    }
}
