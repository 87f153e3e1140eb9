//! Sound made ready for speech engines.
//!
//! Owns the one format they all take. Leaves finding voice and words to `speech`.
//! Invariant: second t of the file written is second t of the media as a player shows it.

use crate::tools::{Tools, ffmpeg};
use crate::{MediaError, Run};
use domain::{ErrorCode, MediaInfo};
use std::path::Path;

/// Samples a second of the file for speech.
pub const SPEECH_RATE: u32 = 16_000;
/// Seconds beyond which a WAV header cannot say the length (4 GiB at 32,000 bytes a second), with room to spare.
const LONGEST_PLAIN_WAV: f64 = 130_000.0;

/// Writes the first sound stream as 16 kHz mono s16le WAV. Silence stands where the sound begins after the pictures
/// or is missing. The header is the plain one of 44 bytes; beyond 36 hours it is RF64 (a `ds64` part before `fmt `).
///
/// Errors: `FILE_TYPE_UNSUPPORTED` without sound, `MEDIA_DAMAGED` when nothing could be decoded, those of
/// `intake::examine`, `TOOL_MISSING`, `DISK_FULL`, `PROCESSING_TIMEOUT`, `CANCELLED`. No partial file stays.
pub async fn speech_wav(
    tools: &Tools,
    path: &Path,
    info: &MediaInfo,
    out: &Path,
    run: &Run,
) -> Result<(), MediaError> {
    if !info.has_audio {
        return Err(MediaError::new(ErrorCode::FileTypeUnsupported, "There is no sound in it."));
    }
    let rf64 = if info.duration > LONGEST_PLAIN_WAV { "always" } else { "never" };
    let program = ffmpeg::quiet(tools.ffmpeg()?)
        .args(["-nostdin", "-y"])
        .args(ffmpeg::input(path)?)
        .args(["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"])
        .args([
            "-af",
            &format!("aresample={SPEECH_RATE}:async=1:first_pts=0"),
            "-ac",
            "1",
            "-c:a",
            "pcm_s16le",
        ])
        .args(["-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "wav", "-rf64", rf64])
        .arg(ffmpeg::output(out)?)
        .args(keep_timeline(info));
    let written = written(path, out, ffmpeg::with_progress(program, info.duration, run).await);
    if written.is_err() {
        let _ = std::fs::remove_file(out);
    }
    written
}

/// Options after the last output that keep second 0 where a player has it.
///
/// For broadcast formats (those whose demuxers carry `AVFMT_TS_DISCONT`) ffmpeg counts from the first packet of the
/// streams that are *used*, so sound alone would begin at 0 however late it comes: the pictures are read too, and thrown away.
pub(crate) fn keep_timeline(info: &MediaInfo) -> &'static [&'static str] {
    let broadcast =
        info.format.split(',').any(|name| matches!(name, "mpegts" | "mpeg" | "vob" | "rm" | "asf"));
    let pictures = crate::probe::main_picture(info).is_some();
    if broadcast && pictures { &["-map", "0:V:0", "-c", "copy", "-f", "null", "-"] } else { &[] }
}

fn written(
    path: &Path,
    out: &Path,
    finished: Result<crate::tools::Finished, MediaError>,
) -> Result<(), MediaError> {
    let finished = finished?;
    let bytes = std::fs::metadata(out).map(|about| about.len()).unwrap_or_default();
    // A file cut short decodes up to the cut; that much is worth hearing.
    if finished.code != 0 && bytes <= 44 || bytes == 0 {
        return Err(ffmpeg::failure(path, &finished));
    }
    if finished.code != 0 {
        tracing::warn!(said = finished.stderr_tail, "sound could be decoded only in part");
    }
    Ok(())
}
