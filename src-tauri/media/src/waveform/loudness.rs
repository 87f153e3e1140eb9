//! Integrated loudness as ITU-R BS.1770-4 and EBU Tech 3341 define it.
//!
//! Two second-order filters ("K weighting"), mean squares over blocks of 400 ms that overlap by three quarters, a gate
//! at -70 LUFS and a second one 10 LU below the mean of what passed the first.

/// Below this a block is silence, in LUFS.
const ABSOLUTE_GATE: f64 = -70.0;
/// How far below the mean a block may lie to count, in LU.
const RELATIVE_GATE: f64 = -10.0;
/// Weight of channels behind the listener.
const SURROUND: f64 = 1.41;

/// A second-order filter in transposed direct form II, normalised so that a0 is 1.
#[derive(Clone, Copy, Debug)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

/// The K weighting for a sample rate: BS.1770's filters, given there for 48 kHz only, from their analogue prototypes
/// (B. De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement", AES 145, 2018).
fn k_weighting(rate: f64) -> [Biquad; 2] {
    let shelf = {
        let (frequency, gain, q) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
        let k = (std::f64::consts::PI * frequency / rate).tan();
        let high = 10_f64.powf(gain / 20.0);
        let band = high.powf(0.499_666_774_154_541_6);
        let a0 = 1.0 + k / q + k * k;
        Biquad {
            b: [
                (high + band * k / q + k * k) / a0,
                2.0 * (k * k - high) / a0,
                (high - band * k / q + k * k) / a0,
            ],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
        }
    };
    let high_pass = {
        let (frequency, q) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
        let k = (std::f64::consts::PI * frequency / rate).tan();
        let a0 = 1.0 + k / q + k * k;
        Biquad { b: [1.0, -2.0, 1.0], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0] }
    };
    [shelf, high_pass]
}

pub(super) struct Meter {
    channels: usize,
    filters: [Biquad; 2],
    /// Per filter, the two memories of each channel.
    memory: [[[f64; 8]; 2]; 2],
    /// Sum of weighted squares in the current tenth of a second, per channel.
    squares: [f64; 8],
    /// Frames in a tenth of a second, and in the current one so far.
    step: usize,
    filled: usize,
    /// Weighted mean square of each tenth of a second.
    steps: Vec<f64>,
}

impl Meter {
    /// Channels: 1, 2, 6 (5.1) or 8 (7.1), in ffmpeg's order.
    pub(super) fn new(channels: usize, rate: u32) -> Self {
        Meter {
            channels,
            filters: k_weighting(f64::from(rate)),
            memory: [[[0.0; 8]; 2]; 2],
            squares: [0.0; 8],
            step: (rate as usize + 5) / 10,
            filled: 0,
            steps: Vec::new(),
        }
    }

    /// Takes whole interleaved frames.
    pub(super) fn take(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let frames = (self.step - self.filled).min(samples.len() / self.channels);
            let (now, later) = samples.split_at(frames * self.channels);
            match self.channels {
                1 => self.filter::<1>(now),
                2 => self.filter::<2>(now),
                6 => self.filter::<6>(now),
                _ => self.filter::<8>(now),
            }
            self.filled += frames;
            samples = later;
            if self.filled == self.step {
                self.close();
            }
        }
    }

    /// The channels run side by side, so that their filters share vector instructions.
    fn filter<const C: usize>(&mut self, samples: &[f32]) {
        let [shelf, high_pass] = self.filters;
        let load = |memory: &[f64; 8]| -> [f64; C] { std::array::from_fn(|channel| memory[channel]) };
        let [[mut s1, mut s2], [mut h1, mut h2]] =
            self.memory.map(|filter| filter.map(|memory| load(&memory)));
        let mut squares: [f64; C] = load(&self.squares);
        for frame in samples.as_chunks::<C>().0 {
            for channel in 0..C {
                let x = f64::from(frame[channel]);
                let y = shelf.b[0] * x + s1[channel];
                s1[channel] = shelf.b[1] * x - shelf.a[0] * y + s2[channel];
                s2[channel] = shelf.b[2] * x - shelf.a[1] * y;
                let z = high_pass.b[0] * y + h1[channel];
                h1[channel] = high_pass.b[1] * y - high_pass.a[0] * z + h2[channel];
                h2[channel] = high_pass.b[2] * y - high_pass.a[1] * z;
                squares[channel] += z * z;
            }
        }
        self.squares[..C].copy_from_slice(&squares);
        for (kept, now) in self.memory.iter_mut().flatten().zip([s1, s2, h1, h2]) {
            kept[..C].copy_from_slice(&now);
        }
    }

    fn close(&mut self) {
        let weights: &[f64] = match self.channels {
            6 => &[1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND],
            8 => &[1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND, SURROUND, SURROUND],
            _ => &[1.0, 1.0],
        };
        let sum: f64 = self.squares.iter().zip(weights).map(|(square, weight)| square * weight).sum();
        self.steps.push(sum / self.step as f64);
        self.squares = [0.0; 8];
        self.filled = 0;
        // After a sound ends the memories fade into denormal numbers, which are slow.
        for memory in self.memory.iter_mut().flatten().flatten().filter(|memory| memory.abs() < 1e-30) {
            *memory = 0.0;
        }
    }

    /// Integrated loudness in LUFS so far; none when nothing passes the gate.
    pub(super) fn integrated(&self) -> Option<f64> {
        let blocks: Vec<f64> = self.steps.windows(4).map(|steps| steps.iter().sum::<f64>() / 4.0).collect();
        let mean_above = |gate: f64| {
            let passing = blocks.iter().filter(|power| loudness(**power) > gate);
            let (sum, count) = passing.fold((0.0, 0_usize), |(sum, count), power| (sum + power, count + 1));
            (count > 0).then(|| sum / count as f64)
        };
        let relative = loudness(mean_above(ABSOLUTE_GATE)?) + RELATIVE_GATE;
        mean_above(relative.max(ABSOLUTE_GATE)).map(loudness)
    }
}

/// LUFS of a weighted mean square.
fn loudness(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rate: u32, channels: usize, seconds: &[(f64, f64)]) -> Option<f64> {
        let mut meter = Meter::new(channels, rate);
        let mut from = 0;
        for &(length, decibels) in seconds {
            let amplitude = 10_f64.powf(decibels / 20.0);
            let until = from + (length * f64::from(rate)) as u64;
            let frames = (from..until).flat_map(|frame| {
                let time = frame as f64 / f64::from(rate);
                let sample = (amplitude * (std::f64::consts::TAU * 1000.0 * time).sin()) as f32;
                (0..channels).map(move |channel| if channel < 2 { sample } else { 0.0 })
            });
            meter.take(&frames.collect::<Vec<_>>());
            from = until;
        }
        meter.integrated()
    }

    /// EBU Tech 3341, table 1, cases 1 to 5 (3 and 4 at half their length): 1 kHz in both channels, ± 0.1 LU.
    #[test]
    fn the_cases_of_tech_3341() {
        let cases: &[(&[(f64, f64)], f64)] = &[
            (&[(20.0, -23.0)], -23.0),
            (&[(20.0, -33.0)], -33.0),
            (&[(5.0, -36.0), (30.0, -23.0), (5.0, -36.0)], -23.0),
            (&[(5.0, -72.0), (5.0, -36.0), (30.0, -23.0), (5.0, -36.0), (5.0, -72.0)], -23.0),
            (&[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)], -23.0),
        ];
        for (sound, wanted) in cases {
            let loudness = measured(48_000, 2, sound).unwrap();
            assert!((loudness - wanted).abs() <= 0.1, "{sound:?}: {loudness}");
        }
    }

    #[test]
    fn every_rate_and_layout_agrees() {
        for rate in [8_000, 22_050, 44_100, 96_000, 192_000] {
            let loudness = measured(rate, 2, &[(3.0, -23.0)]).unwrap();
            assert!((loudness + 23.0).abs() <= 0.15, "{rate}: {loudness}");
        }
        let mono = measured(48_000, 1, &[(3.0, -20.0)]).unwrap();
        assert!((mono + 23.01).abs() <= 0.1, "one channel is 3 dB less than two: {mono}");
        for channels in [6, 8] {
            let loudness = measured(48_000, channels, &[(3.0, -23.0)]).unwrap();
            assert!((loudness + 23.0).abs() <= 0.1, "{channels}: {loudness}");
        }
    }

    #[test]
    fn silence_and_clicks_have_none() {
        assert_eq!(measured(48_000, 2, &[(2.0, -120.0)]), None);
        assert_eq!(measured(48_000, 2, &[(0.2, -10.0)]), None);
        assert_eq!(Meter::new(2, 48_000).integrated(), None);
    }
}
