//! The windows of a recording for an engine that is not here: where they lie, and each as a WAV file of its own.
//!
//! Invariant: the same as for engines here: silence is left out, and the same WAV gives the same windows.

use super::voice;
use super::wav::{RATE, Wav, position};
use super::windows::{self, Shape, Window};
use crate::{MediaError, Run};
use domain::ErrorCode;
use std::path::Path;

/// Finds the voice and cuts at silence into windows of at most `longest` seconds. Answers them with the seconds of voice.
///
/// Errors: `MEDIA_DAMAGED` for another kind of file, `CANCELLED`.
pub async fn windows_of(wav: &Path, longest: f64, run: &Run) -> Result<(Vec<Window>, f64), MediaError> {
    let (path, worker) = (wav.to_path_buf(), run.clone());
    let voice = tokio::task::spawn_blocking(move || voice::find(&path, &worker))
        .await
        .map_err(|error| MediaError::new(ErrorCode::Internal, format!("Finding speech: {error}")))??;
    Ok((windows::cut(&voice, Shape { longest, single: false }), voice.seconds()))
}

/// The sound between two seconds as a WAV file: 16 kHz, mono, 16 bit. Blocking.
pub fn window_wav(wav: &Path, start: f64, end: f64) -> Result<Vec<u8>, MediaError> {
    let (first, last) = (position(start), position(end));
    let sound = Wav::open(wav)?.raw(first, last.saturating_sub(first))?;
    let too_long = |_| MediaError::new(ErrorCode::MediaTooLarge, "A window is too long for a WAV file.");
    let length = u32::try_from(sound.len() + 36).map_err(too_long)?;
    let rate = RATE as u32;
    let mut file = Vec::with_capacity(sound.len() + 44);
    file.extend(b"RIFF");
    file.extend(length.to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend((length - 36).to_le_bytes());
    file.extend(sound);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_wav_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (0..16_000).map(|i| i as f32 / 16_000.0).collect();
        super::super::wav::write(&path, &samples);
        let cut = folder.path().join("b.wav");
        std::fs::write(&cut, window_wav(&path, 0.5, 0.75).unwrap()).unwrap();
        let mut read = Wav::open(&cut).unwrap();
        assert_eq!(read.samples, 4_000);
        assert!((read.read(0, 1).unwrap()[0] - 0.5).abs() < 1e-3);
    }
}
