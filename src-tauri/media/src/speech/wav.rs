//! Reads samples out of our own speech WAV files by time, without holding the whole file.
//!
//! Invariant: 16 kHz, mono, s16le and nothing else; a header's sizes are not trusted beyond the file's end, so WAV files
//! longer than 4 GiB work too.

use crate::MediaError;
use domain::ErrorCode;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Samples a second.
pub(super) const RATE: u64 = 16_000;

pub(super) struct Wav {
    file: BufReader<File>,
    data: u64,
    /// Length in samples.
    pub samples: u64,
}

fn damaged(why: &str) -> MediaError {
    MediaError::new(ErrorCode::MediaDamaged, format!("The speech sound file cannot be used: {why}."))
}

fn io(error: &std::io::Error) -> MediaError {
    MediaError::storage("Reading the speech sound file", error)
}

impl Wav {
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let file = File::open(path).map_err(|e| io(&e))?;
        let size = file.metadata().map_err(|e| io(&e))?.len();
        let mut file = BufReader::new(file);
        let mut riff = [0u8; 12];
        file.read_exact(&mut riff).map_err(|_| damaged("it is too short"))?;
        if !(&riff[..4] == b"RIFF" || &riff[..4] == b"RF64") || &riff[8..] != b"WAVE" {
            return Err(damaged("it is no WAV"));
        }
        let (mut position, mut right_format) = (12u64, false);
        loop {
            let mut head = [0u8; 8];
            file.read_exact(&mut head).map_err(|_| damaged("it holds no sound"))?;
            position += 8;
            let length = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            match &head[..4] {
                b"fmt " if length >= 16 => {
                    let mut format = [0u8; 16];
                    file.read_exact(&mut format).map_err(|_| damaged("its format is cut off"))?;
                    right_format = format[2..4] == 1u16.to_le_bytes()
                        && format[4..8] == (RATE as u32).to_le_bytes()
                        && format[14..16] == 16u16.to_le_bytes();
                    file.seek(SeekFrom::Start(position + 16)).map_err(|e| io(&e))?;
                }
                b"data" if right_format => {
                    let rest = size.saturating_sub(position);
                    let known = length != u64::from(u32::MAX) && length != 0;
                    let bytes = if known && size <= u64::from(u32::MAX) { length.min(rest) } else { rest };
                    return Ok(Self { file, data: position, samples: bytes / 2 });
                }
                b"data" => return Err(damaged("it is not 16 kHz, mono, 16 bit")),
                _ => {}
            }
            position += length + (length & 1);
            file.seek(SeekFrom::Start(position)).map_err(|e| io(&e))?;
        }
    }

    /// Raw little-endian samples from `start` on, at most `count`, fewer at the end.
    pub fn raw(&mut self, start: u64, count: u64) -> Result<Vec<u8>, MediaError> {
        let start = start.min(self.samples);
        let count = count.min(self.samples - start);
        let mut bytes = vec![0u8; usize::try_from(count * 2).unwrap_or(usize::MAX)];
        self.file.seek(SeekFrom::Start(self.data + start * 2)).map_err(|e| io(&e))?;
        self.file.read_exact(&mut bytes).map_err(|e| io(&e))?;
        Ok(bytes)
    }

    /// Samples from -1 to 1.
    pub fn read(&mut self, start: u64, count: u64) -> Result<Vec<f32>, MediaError> {
        let raw = self.raw(start, count)?;
        Ok(raw.as_chunks::<2>().0.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32768.0).collect())
    }

    /// The same between two seconds.
    pub fn between(&mut self, start: f64, end: f64) -> Result<Vec<f32>, MediaError> {
        let (first, last) = (position(start), position(end));
        self.read(first, last.saturating_sub(first))
    }
}

/// The sample at a second.
pub(super) fn position(second: f64) -> u64 {
    (second.max(0.0) * RATE as f64).round() as u64
}

#[cfg(test)]
pub(super) use tests::write;

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::speech) fn write(path: &Path, samples: &[f32]) {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend((RATE as u32).to_le_bytes());
        bytes.extend((RATE as u32 * 2).to_le_bytes());
        bytes.extend(b"\x02\0\x10\0LIST\x03\0\0\0abc\0data");
        bytes.extend((samples.len() as u32 * 2).to_le_bytes());
        bytes.extend(samples.iter().flat_map(|s| ((s * 32767.0) as i16).to_le_bytes()));
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn reads_by_time_past_odd_chunks_and_stops_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (0..16_000).map(|i| i as f32 / 16_000.0).collect();
        write(&path, &samples);
        let mut wav = Wav::open(&path).unwrap();
        assert_eq!(wav.samples, 16_000);
        let half = wav.between(0.5, 0.75).unwrap();
        assert_eq!(half.len(), 4_000);
        assert!((half[0] - 0.5).abs() < 1e-3);
        assert_eq!(wav.between(0.9, 5.0).unwrap().len(), 1_600);
        assert!(wav.between(7.0, 8.0).unwrap().is_empty());
    }

    #[test]
    fn refuses_other_sounds_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        write(&path, &[0.0; 100]);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[24..28].copy_from_slice(&44_100u32.to_le_bytes());
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Wav::open(&path).err().unwrap().code, ErrorCode::MediaDamaged);
        std::fs::write(&path, b"ID3").unwrap();
        assert_eq!(Wav::open(&path).err().unwrap().code, ErrorCode::MediaDamaged);
    }
}
