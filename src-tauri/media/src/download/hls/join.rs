//! From parts to one film, by ffmpeg and without encoding anew.
//!
//! Owns time: picture and sound of one part stay together, and parts follow each other however their clocks jump.
//! Invariant: ffmpeg is given only files we wrote, each with its demuxer named, and no protocol but `file`.

use super::part::{Packing, Part};
use crate::tools::{Program, Tools};
use crate::{MediaError, Run};
use domain::ErrorCode;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The parts of one track and where they lie.
pub(super) struct Recorded {
    pub(super) folder: PathBuf,
    pub(super) parts: Vec<Part>,
}

/// A file for ffmpeg to read.
struct Input {
    path: PathBuf,
    demuxer: &'static str,
    /// Seconds it begins later than the other one.
    later: f64,
}

/// Streams of two lists whose clocks differ by more than this have nothing to do with each other.
const MOST_SKEW: f64 = 60.0;

/// Joins picture (which may bring its own sound) and separate sound into `folder/media.mp4`, or `.mkv` where the
/// codecs do not fit into MP4.
///
/// Errors: `TOOL_MISSING`, `MEDIA_DAMAGED` when ffmpeg cannot read the parts, `DISK_FULL`, `PROCESSING_TIMEOUT`.
pub(super) async fn join(
    main: &Recorded,
    sound: Option<&Recorded>,
    folder: &Path,
    tools: &Tools,
    run: &Run,
) -> Result<PathBuf, MediaError> {
    let mut refusal = None;
    for extension in ["mp4", "mkv"] {
        let joiner = Joiner { folder, extension, tools, run };
        match joiner.all(main, sound).await {
            Ok(path) => return Ok(path),
            Err(error) if error.code == ErrorCode::ToolFailed => refusal = refusal.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    let detail = refusal.and_then(|e| e.detail).unwrap_or_default();
    Err(MediaError::new(ErrorCode::MediaDamaged, "The video's segments cannot be joined; they are damaged.")
        .with_detail(detail))
}

struct Joiner<'a> {
    folder: &'a Path,
    extension: &'static str,
    tools: &'a Tools,
    run: &'a Run,
}

impl Joiner<'_> {
    async fn all(&self, main: &Recorded, sound: Option<&Recorded>) -> Result<PathBuf, MediaError> {
        let temporary = self.folder.join(format!("joined.{}", self.extension));
        match sound {
            None => self.track(main, &temporary, "main").await?,
            Some(sound) if sound.parts.len() == main.parts.len() => {
                self.pairs(main, sound, &temporary).await?
            }
            Some(sound) => {
                // The lists break at different places: each is made whole first.
                let whole = [self.file("whole-main"), self.file("whole-sound")];
                self.track(main, &whole[0], "main").await?;
                self.track(sound, &whole[1], "sound").await?;
                let inputs = whole.map(|path| Input { path, demuxer: self.own_demuxer(), later: 0.0 });
                self.mux(&inputs, &temporary).await?;
                inputs.iter().for_each(|input| remove(&input.path));
            }
        }
        let path = self.folder.join(format!("media.{}", self.extension));
        std::fs::rename(&temporary, &path).map_err(|e| MediaError::storage("Saving the video", &e))?;
        Ok(path)
    }

    /// One track on its own.
    async fn track(&self, track: &Recorded, out: &Path, name: &str) -> Result<(), MediaError> {
        let input = |part: &Part| Input {
            path: track.folder.join(&part.file),
            demuxer: part.packing.demuxer(),
            later: 0.0,
        };
        if let [part] = track.parts.as_slice() {
            return self.mux(&[input(part)], out).await;
        }
        let mut pieces = Vec::new();
        for (number, part) in track.parts.iter().enumerate() {
            let piece = self.file(&format!("{name}-{number:04}"));
            self.mux(&[input(part)], &piece).await?;
            pieces.push(piece);
        }
        self.chain(&pieces, out).await
    }

    /// Picture and sound that break at the same places.
    async fn pairs(&self, main: &Recorded, sound: &Recorded, out: &Path) -> Result<(), MediaError> {
        let single = main.parts.len() == 1;
        let mut pieces = Vec::new();
        for (number, (picture, voice)) in main.parts.iter().zip(&sound.parts).enumerate() {
            let piece = if single { out.to_owned() } else { self.file(&format!("pair-{number:04}")) };
            let mut inputs = [(main, picture), (sound, voice)].map(|(track, part)| Input {
                path: track.folder.join(&part.file),
                demuxer: part.packing.demuxer(),
                later: 0.0,
            });
            // ffmpeg moves each input to zero by itself, so what lay between their clocks is put back.
            let skew = match (self.starts(main, picture).await?, self.starts(sound, voice).await?) {
                (Some(picture), Some(voice)) => voice - picture,
                _ => 0.0,
            };
            if skew.abs() < MOST_SKEW {
                inputs[0].later = (-skew).max(0.0);
                inputs[1].later = skew.max(0.0);
            }
            self.mux(&inputs, &piece).await?;
            pieces.push(piece);
        }
        if single { Ok(()) } else { self.chain(&pieces, out).await }
    }

    /// When a part begins on the presentation's timeline, in seconds.
    async fn starts(&self, track: &Recorded, part: &Part) -> Result<Option<f64>, MediaError> {
        if part.packing != Packing::Ts && part.packing != Packing::Mp4 {
            return Ok(part.starts);
        }
        let asked = Program::new(&self.tools.ffprobe()?.path)
            .args(["-v", "error", "-protocol_whitelist", "file", "-f", part.packing.demuxer()])
            .args(["-show_entries", "format=start_time", "-of", "csv=p=0"])
            .arg(local(&track.folder.join(&part.file)))
            .output(self.run, Duration::from_secs(60))
            .await?;
        Ok(String::from_utf8_lossy(&asked.stdout).trim().parse().ok())
    }

    /// Copies the streams of one file, or of picture and sound, into one file.
    async fn mux(&self, inputs: &[Input], out: &Path) -> Result<(), MediaError> {
        let mut size = 0;
        let mut program = self.ffmpeg()?;
        for input in inputs {
            size += std::fs::metadata(&input.path).map_or(0, |m| m.len());
            if input.later > 0.0 {
                program = program.args(["-itsoffset", &format!("{:.6}", input.later)]);
            }
            program = program
                .args(["-protocol_whitelist", "file", "-f", input.demuxer, "-i"])
                .arg(local(&input.path));
        }
        let sound = if inputs.len() > 1 { "1:a:0" } else { "0:a?" };
        program = program.args(["-map", "0:V:0?", "-map", sound]);
        self.write(program, size, out).await
    }

    /// Plays files one after the other into one.
    async fn chain(&self, pieces: &[PathBuf], out: &Path) -> Result<(), MediaError> {
        let mut list = String::from("ffconcat version 1.0\n");
        let mut size = 0;
        for piece in pieces {
            size += std::fs::metadata(piece).map_or(0, |m| m.len());
            let name = piece.file_name().unwrap_or_default().to_string_lossy();
            // The names are ours: letters, digits, dots.
            list.push_str(&format!("file '{name}'\n"));
        }
        let list_path = self.folder.join("joined.ffconcat");
        std::fs::write(&list_path, list).map_err(|e| MediaError::storage("Joining the video", &e))?;
        let program = self
            .ffmpeg()?
            .args(["-protocol_whitelist", "file", "-format_whitelist", "concat,mov,matroska"])
            .args(["-f", "concat", "-safe", "1", "-i"])
            .arg(local(&list_path))
            .args(["-map", "0:V:0?", "-map", "0:a?"]);
        self.write(program, size, out).await?;
        pieces.iter().for_each(|piece| remove(piece));
        remove(&list_path);
        Ok(())
    }

    fn ffmpeg(&self) -> Result<Program, MediaError> {
        let tool = self.tools.ffmpeg()?;
        Ok(Program::new(&tool.path)
            .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"])
            .dir(self.folder))
    }

    async fn write(&self, program: Program, size: u64, out: &Path) -> Result<(), MediaError> {
        // Two megabytes a second is slower than any disk worth waiting for.
        let limit = Duration::from_secs(120 + size / 2_000_000);
        let muxer = if self.extension == "mp4" { "mp4" } else { "matroska" };
        let done = program
            .args(["-c", "copy", "-dn", "-sn", "-max_muxing_queue_size", "8192", "-f", muxer])
            .arg(local(out))
            .output(self.run, limit)
            .await?;
        if done.stderr_tail.lines().count() > 0 {
            tracing::debug!(said = %done.stderr_tail, "ffmpeg joined segments with remarks");
        }
        done.succeeded("Joining the video's segments").map(|_| ())
    }

    fn own_demuxer(&self) -> &'static str {
        if self.extension == "mp4" { "mov" } else { "matroska" }
    }

    fn file(&self, stem: &str) -> PathBuf {
        self.folder.join(format!("{stem}.{}", self.extension))
    }
}

/// What cannot be removed now goes with the folder.
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

/// A path ffmpeg cannot take for an option or a protocol.
fn local(path: &Path) -> OsString {
    let mut text = OsString::from("file:");
    text.push(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    text
}
