//! What is inside a media file, without decoding it all.
//!
//! Owns asking ffprobe and reading its answer. Leaves loudness to `waveform`, and whether a file may come in to `intake`.
//! Invariant: every number in the answer is finite and within its stated bounds, whatever the file claims.

mod exif;
mod report;

use crate::intake::{look, said, sniff::Sniffed};
use crate::tools::{Tools, ffmpeg};
use crate::{MediaError, Run};
use domain::{ErrorCode, MediaInfo, MediaKind, Stream, StreamKind};
use report::Report;
use std::path::Path;
use std::time::Duration;

/// Longest that finding out about a file may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest media accepted, in seconds: thirty days.
const LONGEST: f64 = 30.0 * 86_400.0;

/// Kind, streams, sizes and duration of a file; loudness is left empty.
///
/// Errors: those of `intake::examine`; `FILE_TYPE_UNSUPPORTED` without sound or picture; `MEDIA_DAMAGED`;
/// `MEDIA_TOO_LARGE`; `TOOL_MISSING`; `PROCESSING_TIMEOUT`; `CANCELLED`.
pub async fn probe(tools: &Tools, path: &Path, run: &Run) -> Result<MediaInfo, MediaError> {
    let sniffed = look(path)?;
    let asked = ffmpeg::quiet(tools.ffprobe()?)
        // Warnings say when a duration is a guess.
        .args(["-v", "warning", "-show_format", "-show_streams", "-of", "json"])
        .args(if matches!(sniffed, Sniffed::Picture(_)) { &["-count_packets"][..] } else { &[] })
        .args(ffmpeg::input(path)?)
        .max_output(8 << 20)
        .output(run, LIMIT)
        .await?;
    if asked.code != 0 {
        return Err(ffmpeg::failure(path, &asked));
    }
    let report: Report = serde_json::from_slice(&asked.stdout).map_err(|error| {
        MediaError::new(ErrorCode::ToolFailed, "ffprobe's answer could not be read.")
            .with_detail(error.to_string())
    })?;
    let size = std::fs::metadata(path).map(|about| about.len()).unwrap_or_default();
    let mut info = describe(path, &report, sniffed, size)?;
    if info.kind == MediaKind::Image {
        turn_by_exif(path, &mut info);
    } else if report.duration().is_none() || asked.stderr_tail.contains("Estimating duration from bitrate") {
        info.duration = measure(tools, path, &info, run).await?;
    }
    if info.duration > LONGEST {
        let message = format!("{} says it is {:.0} hours long.", said(path), info.duration / 3600.0);
        return Err(MediaError::new(ErrorCode::MediaTooLarge, message));
    }
    set_display_size(path, &mut info, &report, &asked.stderr_tail)?;
    Ok(info)
}

fn describe(path: &Path, report: &Report, sniffed: Sniffed, size: u64) -> Result<MediaInfo, MediaError> {
    let streams: Vec<Stream> = report.streams.iter().map(report::ReportStream::describe).collect();
    let pictures = |stream: &&Stream| stream.kind == StreamKind::Video && !stream.attached_picture;
    let has_audio = streams.iter().any(|stream| stream.kind == StreamKind::Audio);
    let video = streams.iter().find(pictures);
    let still = match sniffed {
        // GIF, APNG and WebP may move.
        Sniffed::Picture(_) => {
            report.streams.iter().all(|stream| stream.packets().is_none_or(|count| count == 1))
        }
        _ => report.is_still_brand() && !has_audio,
    };
    if matches!(sniffed, Sniffed::Picture(_))
        && report.streams.iter().all(|stream| stream.packets().is_none())
    {
        let message = format!("{} is damaged: there is no picture behind its header.", said(path));
        return Err(MediaError::new(ErrorCode::MediaDamaged, message));
    }
    let kind = match (video, has_audio) {
        (Some(_), false) if still => MediaKind::Image,
        (Some(_), _) => MediaKind::Video,
        (None, true) => MediaKind::Audio,
        (None, false) => {
            let message = format!("{} has neither sound nor pictures.", said(path));
            return Err(MediaError::new(ErrorCode::FileTypeUnsupported, message));
        }
    };
    Ok(MediaInfo {
        kind,
        format: report.format.format_name.clone(),
        duration: if kind == MediaKind::Image { 0.0 } else { report.duration().unwrap_or(0.0) },
        size,
        bit_rate: report.bit_rate().filter(|_| kind != MediaKind::Image),
        width: None,
        height: None,
        frame_rate: video.and_then(|stream| stream.frame_rate).filter(|_| kind == MediaKind::Video),
        has_audio,
        loudness: None,
        true_peak: None,
        title: report.title(),
        streams,
    })
}

/// The size people see: pixels made square, then turned.
fn set_display_size(
    path: &Path,
    info: &mut MediaInfo,
    report: &Report,
    warnings: &str,
) -> Result<(), MediaError> {
    let Some(stream) = main_picture(info) else { return Ok(()) };
    let (Some(width), Some(height)) = (stream.width, stream.height) else {
        if warnings.contains("max pixel count") || warnings.contains("Picture size") {
            let message = format!("{} has pictures larger than can be handled.", said(path));
            return Err(MediaError::new(ErrorCode::MediaTooLarge, message).with_detail(warnings.trim()));
        }
        if info.has_audio {
            return Ok(());
        }
        if info.format == "webp_pipe" {
            let message = format!("{} is a moving WebP, which this ffmpeg cannot decode.", said(path));
            return Err(MediaError::new(ErrorCode::FileTypeUnsupported, message));
        }
        let message = format!("{} is damaged: its pictures have no size.", said(path));
        return Err(MediaError::new(ErrorCode::MediaDamaged, message).with_detail(warnings.trim()));
    };
    if u64::from(width) * u64::from(height) > ffmpeg::MAX_PIXELS {
        let message =
            format!("{} has pictures of {width} × {height} pixels, more than can be handled.", said(path));
        return Err(MediaError::new(ErrorCode::MediaTooLarge, message));
    }
    let aspect = report.pixel_aspect(stream.index);
    let square = (f64::from(width) * aspect).round().clamp(1.0, f64::from(u32::MAX)) as u32;
    let turned = matches!(stream.rotation, Some(90 | 270));
    (info.width, info.height) =
        if turned { (Some(height), Some(square)) } else { (Some(square), Some(height)) };
    Ok(())
}

/// The stream whose pictures stand for the media: the first that moves. Cover art does not count.
pub(crate) fn main_picture(info: &MediaInfo) -> Option<&Stream> {
    info.streams.iter().find(|stream| stream.kind == StreamKind::Video && !stream.attached_picture)
}

/// Cameras write how they were held into the file instead of turning the pixels.
fn turn_by_exif(path: &Path, info: &mut MediaInfo) {
    let rotation = exif::rotation(path).unwrap_or(0);
    if let Some(stream) = info.streams.iter_mut().find(|stream| stream.kind == StreamKind::Video)
        && rotation != 0
        && stream.rotation.unwrap_or(0) == 0
    {
        stream.rotation = Some(rotation);
    }
}

/// Duration of a file that does not say it, by reading its packets without decoding them.
async fn measure(tools: &Tools, path: &Path, info: &MediaInfo, run: &Run) -> Result<f64, MediaError> {
    // A hundred megabytes a second is slow for any disk; ten is a slow network share.
    let limit = LIMIT + Duration::from_secs(info.size / 10_000_000);
    let mut seconds = 0.0_f64;
    let read = ffmpeg::quiet(tools.ffmpeg()?)
        .args(["-nostdin", "-nostats", "-progress", "pipe:1"])
        .args(ffmpeg::input(path)?)
        .args(["-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy", "-f", "null", "-"])
        .each_line(run, limit, |line| seconds = ffmpeg::written_seconds(line).unwrap_or(0.0).max(seconds))
        .await?;
    if read.code != 0 && seconds == 0.0 {
        return Err(ffmpeg::failure(path, &read));
    }
    Ok(seconds)
}
