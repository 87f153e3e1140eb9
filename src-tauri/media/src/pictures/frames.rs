//! Single frames cut out of a film, and JPEGs made of them.
//!
//! One ffmpeg opens the film once for each moment and writes one small raw picture each; starting it costs more than
//! decoding, so moments share a process. How many is bounded by the memory their decoders take.
//! Invariant: all files lie in a folder of the picker's own, gone with it.

use crate::tools::{Tools, ffmpeg};
use crate::{MediaError, Run};
use domain::{ErrorCode, Stream};
use futures::{StreamExt, TryStreamExt};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest a handful of frames may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Bytes that the decoders of one process may take together.
const MEMORY: u64 = 400 << 20;
/// Most moments that share a process.
const SHARED: u64 = 15;
/// Processes at once.
const AT_ONCE: usize = 2;
/// Seconds of film read at most for one key frame.
const REACH: &str = "30";

/// A picture as rows of red, green and blue bytes.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    rgb: Vec<u8>,
}

impl Frame {
    /// Below this there is nothing to see: black, white, or one colour.
    pub(super) const EMPTY: f64 = 10.0;

    /// Standard deviation of brightness, from 0 to 127.
    pub(super) fn detail(&self) -> f64 {
        let (mut sum, mut squares) = (0_u64, 0_u64);
        let pixels = self.rgb.as_chunks::<3>().0;
        for [red, green, blue] in pixels {
            // BT.601 in eighths is near enough to tell frames apart.
            let light = (u64::from(*red) * 2 + u64::from(*green) * 5 + u64::from(*blue)) / 8;
            sum += light;
            squares += light * light;
        }
        let count = pixels.len().max(1) as f64;
        let mean = sum as f64 / count;
        (squares as f64 / count - mean * mean).max(0.0).sqrt()
    }
}

/// How the moment of a frame is entered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// The key frame before it, decoding nothing else.
    KeyFrame,
    /// The very frame, decoding all from the key frame on.
    Exact,
}

/// Cuts frames of one size out of one film.
pub(super) struct Picker<'a> {
    tools: &'a Tools,
    path: &'a Path,
    stream: &'a Stream,
    size: (u32, u32),
    run: &'a Run,
    folder: tempfile::TempDir,
    input: Vec<OsString>,
    /// Why the last process failed.
    fault: Mutex<Option<MediaError>>,
}

impl<'a> Picker<'a> {
    /// `size`: width and height of the frames in pixels, as displayed.
    pub(super) fn new(
        tools: &'a Tools,
        path: &'a Path,
        stream: &'a Stream,
        size: (u32, u32),
        run: &'a Run,
    ) -> Result<Self, MediaError> {
        let folder = tempfile::Builder::new()
            .prefix("frames-")
            .tempdir_in(&run.scratch)
            .map_err(|error| MediaError::storage("Making a folder for frames", &error))?;
        let input = ffmpeg::input(path)?;
        Ok(Picker { tools, path, stream, size, run, folder, input, fault: Mutex::new(None) })
    }

    /// Why there are no frames.
    pub(super) fn failure(&self) -> MediaError {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(|| {
            let message =
                format!("{} is damaged: no picture could be decoded.", crate::intake::said(self.path));
            MediaError::new(ErrorCode::MediaDamaged, message)
        })
    }

    /// The key frames before these seconds.
    pub(super) async fn near(&self, moments: &[f64]) -> Result<Vec<Option<Frame>>, MediaError> {
        self.cut(moments, Entry::KeyFrame).await
    }

    /// The frames at these seconds.
    pub(super) async fn exactly(&self, moments: &[f64]) -> Result<Vec<Option<Frame>>, MediaError> {
        self.cut(moments, Entry::Exact).await
    }

    /// The first frame.
    pub(super) async fn still(&self) -> Result<Option<Frame>, MediaError> {
        let program = ffmpeg::quiet(self.tools.ffmpeg()?)
            .args(["-nostdin", "-noautorotate"])
            .args(&self.input)
            .args(["-map", &self.map(0), "-frames:v", "1", "-vf", &self.filter()])
            .args(["-f", "rawvideo", "pipe:1"]);
        let finished = program.max_output(self.bytes() * 2).output(self.run, LIMIT).await?;
        if finished.stdout.len() < self.bytes() {
            self.note(&finished);
            return Ok(None);
        }
        Ok(Some(self.frame(&finished.stdout)))
    }

    /// So many frames, spread evenly over the film, by decoding all of it.
    pub(super) async fn spread(&self, count: usize, duration: f64) -> Result<Vec<Option<Frame>>, MediaError> {
        let step = if duration > 0.0 { duration / count as f64 } else { 1.0 };
        let filter =
            format!("setpts=PTS-{}/TB,fps={}:start_time=0,{}", step / 2.0, 1.0 / step, self.filter());
        let program = ffmpeg::quiet(self.tools.ffmpeg()?)
            .args(["-nostdin", "-noautorotate"])
            .args(&self.input)
            .args(["-map", &self.map(0), "-vf", &filter, "-frames:v", &count.to_string()])
            .args(["-f", "rawvideo", "pipe:1"]);
        let all =
            program.max_output(self.bytes() * (count + 1)).output(self.run, ffmpeg::limit(duration)).await?;
        let mut frames: Vec<_> =
            all.stdout.chunks_exact(self.bytes()).take(count).map(|bytes| Some(self.frame(bytes))).collect();
        if frames.is_empty() {
            self.note(&all);
            // Too short for the rate asked, or no clock at all: its first frame then.
            frames.push(self.still().await?);
        }
        frames.resize_with(count, || None);
        Ok(frames)
    }

    /// Writes the frames as one row.
    pub(super) async fn write_jpeg(&self, frames: &[&Frame], out: &Path) -> Result<(), MediaError> {
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let mut row = Vec::with_capacity(self.bytes() * frames.len());
        for line in 0..height {
            for frame in frames {
                row.extend_from_slice(&frame.rgb[line * width * 3..(line + 1) * width * 3]);
            }
        }
        let raw = self.folder.path().join("row.rgb");
        std::fs::write(&raw, row).map_err(|error| MediaError::storage("Writing a picture", &error))?;
        let size = format!("{}x{height}", width * frames.len());
        let finished = ffmpeg::quiet(self.tools.ffmpeg()?)
            .args(["-nostdin", "-y", "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", &size, "-i"])
            .arg(ffmpeg::output(&raw)?)
            .args(["-frames:v", "1", "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "4"])
            // Without `update` a `%` in the path would be taken for a counter.
            .args(["-f", "image2", "-update", "1"])
            .arg(ffmpeg::output(out)?)
            .output(self.run, LIMIT)
            .await
            .and_then(|finished| finished.succeeded("Writing a JPEG"));
        if finished.is_err() {
            let _ = std::fs::remove_file(out);
        }
        finished.map(|_| ())
    }

    /// Cuts out the frames of all moments, several to a process, two processes at a time.
    async fn cut(&self, moments: &[f64], entry: Entry) -> Result<Vec<Option<Frame>>, MediaError> {
        let pixels =
            u64::from(self.stream.width.unwrap_or(1920)) * u64::from(self.stream.height.unwrap_or(1080));
        // A decoder keeps about six frames, of one and a half to two bytes a pixel.
        let shared = (MEMORY / (pixels * 12).max(1)).clamp(1, SHARED);
        // Both processes get the same to do.
        let shared = (shared as usize).min(moments.len().div_ceil(AT_ONCE)).max(1);
        // Owned, so that the future does not borrow for a lifetime the compiler cannot name.
        let parts: Vec<(usize, Vec<f64>)> = moments.chunks(shared).map(<[f64]>::to_vec).enumerate().collect();
        let cut: Vec<Vec<Option<Frame>>> = futures::stream::iter(parts)
            .map(|(part, moments)| async move { self.cut_together(part, &moments, entry).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(cut.into_iter().flatten().collect())
    }

    async fn cut_together(
        &self,
        part: usize,
        moments: &[f64],
        entry: Entry,
    ) -> Result<Vec<Option<Frame>>, MediaError> {
        let name = |index: usize| -> PathBuf { self.folder.path().join(format!("{part}-{index}.rgb")) };
        let mut program = ffmpeg::quiet(self.tools.ffmpeg()?).args(["-nostdin", "-y"]);
        for moment in moments {
            program = program.args(["-ss", &format!("{moment:.3}"), "-noautorotate", "-threads", "1"]);
            program = program.args(["-an", "-sn", "-dn"]);
            if entry == Entry::KeyFrame {
                program = program.args(["-noaccurate_seek", "-skip_frame", "nokey", "-t", REACH]);
            }
            program = program.args(&self.input);
        }
        for index in 0..moments.len() {
            // The clock is set to 0: a key frame before the moment would else be dropped as late.
            let filter = format!("setpts=N/25/TB,{}", self.filter());
            program = program
                .args(["-map", &self.map(index), "-frames:v", "1", "-vf", &filter, "-f", "rawvideo"])
                .arg(ffmpeg::output(&name(index))?);
        }
        let finished = program.output(self.run, LIMIT).await?;
        let frames: Vec<_> = (0..moments.len())
            .map(|index| {
                let bytes = std::fs::read(name(index)).ok().filter(|bytes| bytes.len() >= self.bytes());
                let _ = std::fs::remove_file(name(index));
                bytes.map(|bytes| self.frame(&bytes))
            })
            .collect();
        if finished.code != 0 && frames.iter().all(Option::is_none) {
            self.note(&finished);
        }
        Ok(frames)
    }

    fn note(&self, finished: &crate::tools::Finished) {
        if finished.code != 0 {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(ffmpeg::failure(self.path, finished));
        }
    }

    fn map(&self, input: usize) -> String {
        format!("{input}:{}", self.stream.index)
    }

    /// Scales the stored picture, turns it, and lays what is transparent on white.
    fn filter(&self) -> String {
        let (width, height) = self.size;
        let (width, height, turn) = match self.stream.rotation {
            Some(90) => (height, width, ",transpose=clock"),
            Some(180) => (width, height, ",hflip,vflip"),
            Some(270) => (height, width, ",transpose=cclock"),
            _ => (width, height, ""),
        };
        format!("scale={width}:{height}:flags=bicubic{turn},format=rgba")
    }

    /// Bytes of a frame as ffmpeg hands it over, four a pixel.
    fn bytes(&self) -> usize {
        self.size.0 as usize * self.size.1 as usize * 4
    }

    fn frame(&self, rgba: &[u8]) -> Frame {
        let on_white = |part: u8, alpha: u8| {
            let alpha = u32::from(alpha);
            ((u32::from(part) * alpha + 255 * (255 - alpha)) / 255) as u8
        };
        let pixels = rgba[..self.bytes()].as_chunks::<4>().0;
        let rgb = pixels
            .iter()
            .flat_map(|[red, green, blue, alpha]| [*red, *green, *blue].map(|part| on_white(part, *alpha)));
        Frame { rgb: rgb.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_frames_show_nothing() {
        let plain = |level: u8| Frame { rgb: vec![level; 300] };
        assert_eq!((plain(0).detail(), plain(255).detail(), plain(90).detail()), (0.0, 0.0, 0.0));
        let half = Frame { rgb: [vec![0; 150], vec![255; 150]].concat() };
        assert!(half.detail() > 100.0);
    }
}
