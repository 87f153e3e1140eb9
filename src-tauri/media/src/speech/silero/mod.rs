//! Silero's voice activity network (version 6, 16 kHz) in plain Rust.
//!
//! Owns the weights, made from the PyPI wheel `silero-vad` by `make_weights.py` (MIT, see `LICENSE`), and the forward
//! pass. Leaves spans, thresholds and padding to [`super::voice`].
//! Invariant: the same samples give the same probabilities; memory is constant, whatever the length.
//!
//! Architecture, as in the wheel's `tinygrad_model.py`: a windowed Fourier transform written as a convolution
//! (256 wide, stride 128), magnitudes, four convolutions with ReLU, an LSTM cell, a one-channel head, a sigmoid.

use std::sync::LazyLock;

/// Samples judged at once: 32 ms at 16 kHz.
pub const FRAME: usize = 512;
/// Samples of the frame before that the network sees again.
const CONTEXT: usize = 64;
const HIDDEN: usize = 128;
const BINS: usize = 129;
/// Transform positions in one frame: `(64 + 512 + 64 - 256) / 128 + 1`.
const STEPS: usize = 4;

struct Convolution {
    /// `[output][input][3]`, flattened.
    weight: Vec<f32>,
    bias: Vec<f32>,
    stride: usize,
}

struct Weights {
    transform: Vec<f32>,
    convolutions: [Convolution; 4],
    input: Vec<f32>,
    recurrent: Vec<f32>,
    gate_bias: Vec<f32>,
    head: Vec<f32>,
    head_bias: f32,
}

static WEIGHTS: LazyLock<Weights> = LazyLock::new(|| {
    let mut values =
        include_bytes!("weights.f16").as_chunks::<2>().0.iter().map(|pair| half(u16::from_le_bytes(*pair)));
    let mut take = |count: usize| -> Vec<f32> { values.by_ref().take(count).collect() };
    let transform = take(2 * BINS * 256);
    let mut convolution = |output: usize, input: usize, stride: usize| Convolution {
        weight: take(output * input * 3),
        bias: take(output),
        stride,
    };
    let convolutions = [
        convolution(128, BINS, 1),
        convolution(64, 128, 2),
        convolution(64, 64, 2),
        convolution(HIDDEN, 64, 1),
    ];
    let (input, recurrent) = (take(4 * HIDDEN * HIDDEN), take(4 * HIDDEN * HIDDEN));
    let gate_bias = take(4 * HIDDEN).iter().zip(take(4 * HIDDEN)).map(|(a, b)| a + b).collect();
    let (head, head_bias) = (take(HIDDEN), take(1)[0]);
    Weights { transform, convolutions, input, recurrent, gate_bias, head, head_bias }
});

/// IEEE 754 half precision to single.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10) & 31, u32::from(bits) & 1023);
    match exponent {
        0 => f32::from_bits(sign | (fraction as f32 * 2f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// Eight partial sums, so that the compiler may use vector registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0f32; 8];
    for (x, y) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

impl Convolution {
    /// `columns` are the positions, each a vector of channels; one zero position is padded at both ends.
    fn forward(&self, columns: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let channels = columns[0].len();
        let mut patch = vec![0f32; channels * 3];
        let positions = (columns.len() - 1) / self.stride + 1;
        (0..positions)
            .map(|position| {
                for tap in 0..3 {
                    let column = (position * self.stride + tap).checked_sub(1).and_then(|i| columns.get(i));
                    for channel in 0..channels {
                        patch[channel * 3 + tap] = column.map_or(0.0, |c| c[channel]);
                    }
                }
                let rows = self.weight.chunks_exact(channels * 3).zip(&self.bias);
                rows.map(|(row, bias)| (dot(row, &patch) + bias).max(0.0)).collect()
            })
            .collect()
    }
}

/// One pass over one recording. Start a new one for another recording.
pub struct Silero {
    hidden: [f32; HIDDEN],
    cell: [f32; HIDDEN],
    context: [f32; CONTEXT],
}

impl Default for Silero {
    fn default() -> Self {
        Self { hidden: [0.0; HIDDEN], cell: [0.0; HIDDEN], context: [0.0; CONTEXT] }
    }
}

impl Silero {
    /// The probability, 0 to 1, that the next 32 ms hold a voice. Samples from -1 to 1, mono, 16 kHz.
    pub fn judge(&mut self, frame: &[f32; FRAME]) -> f32 {
        let weights = &*WEIGHTS;
        let spectrum = self.magnitudes(weights, frame);
        let features = weights.convolutions.iter().fold(spectrum, |columns, layer| layer.forward(&columns));
        self.remember(weights, &features[0]);
        let rectified = self.hidden.map(|h| h.max(0.0));
        sigmoid(dot(&weights.head, &rectified) + weights.head_bias)
    }

    fn magnitudes(&mut self, weights: &Weights, frame: &[f32; FRAME]) -> Vec<Vec<f32>> {
        const LENGTH: usize = CONTEXT + FRAME;
        let mut samples = [0f32; LENGTH + CONTEXT];
        samples[..CONTEXT].copy_from_slice(&self.context);
        samples[CONTEXT..LENGTH].copy_from_slice(frame);
        for i in 0..CONTEXT {
            samples[LENGTH + i] = samples[LENGTH - 2 - i]; // mirrored at the right end
        }
        self.context.copy_from_slice(&frame[FRAME - CONTEXT..]);
        let (real, imaginary) = weights.transform.split_at(BINS * 256);
        (0..STEPS)
            .map(|step| {
                let window = &samples[step * 128..step * 128 + 256];
                let rows = real.chunks_exact(256).zip(imaginary.chunks_exact(256));
                rows.map(|(cosine, sine)| dot(cosine, window).hypot(dot(sine, window))).collect()
            })
            .collect()
    }

    /// The LSTM cell; gates in PyTorch's order: input, forget, cell, output.
    fn remember(&mut self, weights: &Weights, features: &[f32]) {
        let rows = weights.input.chunks_exact(HIDDEN).zip(weights.recurrent.chunks_exact(HIDDEN));
        let gates: Vec<f32> = rows
            .zip(&weights.gate_bias)
            .map(|((input, recurrent), bias)| dot(input, features) + dot(recurrent, &self.hidden) + bias)
            .collect();
        for i in 0..HIDDEN {
            let [input, forget, candidate, output] = [0, 1, 2, 3].map(|gate| gates[gate * HIDDEN + i]);
            self.cell[i] = sigmoid(forget) * self.cell[i] + sigmoid(input) * candidate.tanh();
            self.hidden[i] = sigmoid(output) * self.cell[i].tanh();
        }
    }
}
