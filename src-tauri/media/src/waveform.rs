//! The shape of a sound, and how loud it is, from one pass over it.
//!
//! Owns decoding the sound once and writing the peaks. Leaves drawing them to the UI.
//! Invariant: peaks stand on the media's timeline (peak n begins at second n / per_second), at most 20,000 of them.

mod loudness;
mod peaks;
mod true_peak;

use crate::tools::{Tools, ffmpeg};
use crate::{MediaError, Run, audio};
use domain::{MediaInfo, StreamKind};
use loudness::Meter;
use peaks::Peaks;
use std::path::Path;
use true_peak::TruePeak;

/// EBU R 128 figures of a whole sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// Integrated loudness in LUFS; none when silent or shorter than 0.4 s.
    pub integrated: Option<f64>,
    /// Highest true peak of any channel in dBTP; none when silent.
    pub true_peak: Option<f64>,
}

/// What is measured while the sound goes by.
struct Measures {
    peaks: Peaks,
    meter: Meter,
    true_peak: TruePeak,
    channels: usize,
    /// Bytes of a frame that came in two pieces.
    rest: Vec<u8>,
    samples: Vec<f32>,
    frames: u64,
}

impl Measures {
    fn new(channels: usize, rate: u32) -> Self {
        Measures {
            peaks: Peaks::new(rate),
            meter: Meter::new(channels, rate),
            true_peak: TruePeak::new(channels, rate),
            channels,
            rest: Vec::new(),
            samples: Vec::new(),
            frames: 0,
        }
    }

    /// Takes interleaved little-endian 32-bit floats, cut anywhere.
    fn take(&mut self, mut bytes: &[u8]) {
        let frame = 4 * self.channels;
        if !self.rest.is_empty() {
            let missing = (frame - self.rest.len()).min(bytes.len());
            self.rest.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.rest.len() < frame {
                return;
            }
            let whole = std::mem::take(&mut self.rest);
            self.measure(&whole);
        }
        let whole = bytes.len() / frame * frame;
        self.measure(&bytes[..whole]);
        self.rest.extend_from_slice(&bytes[whole..]);
    }

    fn measure(&mut self, frames: &[u8]) {
        self.samples.clear();
        self.samples.extend(frames.as_chunks::<4>().0.iter().map(|bytes| {
            let sample = f32::from_le_bytes(*bytes);
            // A broken float stream must not poison the filters.
            if sample.abs() <= 64.0 { sample } else { 0.0 }
        }));
        self.frames += (self.samples.len() / self.channels) as u64;
        self.peaks.take(&self.samples, self.channels);
        self.meter.take(&self.samples);
        self.true_peak.take(&self.samples);
    }
}

/// Decodes the first sound stream once, writes its peaks to `out` and measures its loudness.
///
/// The file is `{"version":1,"per_second":f64,"peaks":[0..255, …]}`: the highest absolute sample of all channels in
/// each stretch, 255 being full scale. None, and no file, without sound.
///
/// Errors: `MEDIA_DAMAGED` when nothing could be decoded, those of `intake::examine`, `TOOL_MISSING`, `DISK_FULL`,
/// `PROCESSING_TIMEOUT`, `CANCELLED`. No partial file stays.
pub async fn waveform(
    tools: &Tools,
    path: &Path,
    info: &MediaInfo,
    out: &Path,
    run: &Run,
) -> Result<Option<Loudness>, MediaError> {
    let Some(sound) = info.streams.iter().find(|stream| stream.kind == StreamKind::Audio) else {
        return Ok(None);
    };
    // The layouts whose weights are known: every other is brought to the next larger one.
    let (channels, layout) = match sound.channels.unwrap_or(2) {
        0 | 1 => (1, "mono"),
        2 => (2, "stereo"),
        3..=6 => (6, "5.1"),
        _ => (8, "7.1"),
    };
    let rate = sound.sample_rate.unwrap_or(48_000).clamp(8_000, 192_000);
    let filter = format!(
        "aresample=async=1:first_pts=0,aformat=sample_fmts=flt:sample_rates={rate}:channel_layouts={layout}"
    );
    let program = ffmpeg::quiet(tools.ffmpeg()?)
        .arg("-nostdin")
        .args(ffmpeg::input(path)?)
        .args(["-map", "0:a:0", "-af", &filter, "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"])
        .args(audio::keep_timeline(info));
    let mut measures = Measures::new(channels, rate);
    let seconds = info.duration.max(0.001) * f64::from(rate);
    let finished = program
        .stream(run, ffmpeg::limit(info.duration), |bytes| {
            measures.take(bytes);
            run.report(measures.frames as f64 / seconds, None);
        })
        .await?;
    // A file cut short is measured up to the cut.
    if finished.code != 0 && measures.frames == 0 {
        return Err(ffmpeg::failure(path, &finished));
    }
    if finished.code != 0 {
        tracing::warn!(said = finished.stderr_tail, "sound could be decoded only in part");
    }
    let written = serde_json::to_vec(&measures.peaks.finish())
        .map_err(|error| std::io::Error::other(error.to_string()))
        .and_then(|json| std::fs::write(out, json));
    written.map_err(|error| {
        let _ = std::fs::remove_file(out);
        MediaError::storage("Writing a waveform", &error)
    })?;
    Ok(Some(Loudness { integrated: measures.meter.integrated(), true_peak: measures.true_peak.decibels() }))
}
