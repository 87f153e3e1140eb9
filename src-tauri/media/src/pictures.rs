//! Pictures that stand for a media file: the poster and the filmstrip.
//!
//! Owns choosing the moments and the one to show. Leaves cutting frames out to `frames`.
//! Invariant: long films are entered at key frames near the moments wanted, never decoded from end to end.

mod frames;

use crate::probe::main_picture;
use crate::tools::Tools;
use crate::{MediaError, Run};
use domain::{MediaInfo, MediaKind, Stream, StreamKind};
use frames::{Frame, Picker};
use std::path::Path;

/// A poster fits into a square of so many pixels; smaller pictures are not made larger.
const POSTER: u32 = 640;
/// Height of a frame of the filmstrip, and the bounds of its width, in pixels.
const STRIP_HEIGHT: u32 = 90;
const STRIP_WIDTHS: (u32, u32) = (24, 240);
/// Most frames in a filmstrip; short films have two a second.
const STRIP_FRAMES: usize = 30;
/// Below this many pixels in all, a film is decoded from end to end for its filmstrip: about twenty seconds of
/// 1080p at 30 a second.
const DECODED_WHOLE: f64 = 1.25e9;

/// What a filmstrip holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilmstripInfo {
    /// Frames in the row, spread evenly over the media: frame n stands for the second (n + ½) / count × duration.
    pub count: u32,
    /// Size of one frame in pixels.
    pub width: u32,
    pub height: u32,
}

/// Writes a JPEG that shows what the media is about: a picture itself, cover art, or a frame of the film that is
/// neither black nor empty where there is one. Turned as it is displayed. False, and no file, without any picture.
///
/// Errors: `MEDIA_DAMAGED` when nothing could be decoded, those of `intake::examine`, `TOOL_MISSING`, `DISK_FULL`,
/// `PROCESSING_TIMEOUT`, `CANCELLED`. No partial file stays.
pub async fn poster(
    tools: &Tools,
    path: &Path,
    info: &MediaInfo,
    out: &Path,
    run: &Run,
) -> Result<bool, MediaError> {
    let Some(stream) = main_picture(info).or_else(|| cover_art(info)) else { return Ok(false) };
    let size = if stream.attached_picture { display_size(stream) } else { (info.width, info.height) };
    let (Some(width), Some(height)) = size else { return Ok(false) };
    let (width, height) = within(width, height, POSTER);
    let picker = Picker::new(tools, path, stream, (width, height), run)?;
    let frame = match info.kind {
        MediaKind::Video if info.duration > 0.0 => best_of_film(&picker, info.duration).await?,
        _ => picker.still().await?,
    };
    let Some(frame) = frame else { return Err(picker.failure()) };
    run.report(0.8, None);
    picker.write_jpeg(&[&frame], out).await?;
    Ok(true)
}

/// Writes a JPEG with one row of frames. None, and no file, for sound and stills.
///
/// Errors: as for [`poster`].
pub async fn filmstrip(
    tools: &Tools,
    path: &Path,
    info: &MediaInfo,
    out: &Path,
    run: &Run,
) -> Result<Option<FilmstripInfo>, MediaError> {
    let (MediaKind::Video, Some(stream)) = (info.kind, main_picture(info)) else { return Ok(None) };
    let (Some(width), Some(height)) = (info.width, info.height) else { return Ok(None) };
    let wide = f64::from(STRIP_HEIGHT) * f64::from(width) / f64::from(height);
    let size = ((wide.round() as u32).clamp(STRIP_WIDTHS.0, STRIP_WIDTHS.1), STRIP_HEIGHT);
    let picker = Picker::new(tools, path, stream, size, run)?;
    let rate = info.frame_rate.unwrap_or(25.0);
    // No more frames than the film has.
    let count = ((info.duration * rate.min(2.0)).ceil() as usize).clamp(1, STRIP_FRAMES);
    let pixels = info.duration * rate * f64::from(width) * f64::from(height);
    let mut found = if pixels > DECODED_WHOLE {
        let moments: Vec<f64> = (0..count).map(|n| (n as f64 + 0.5) / count as f64 * info.duration).collect();
        picker.near(&moments).await?
    } else {
        Vec::new()
    };
    // A short film, or one without key frames to enter at.
    if found.iter().flatten().count() * 2 < count {
        found = picker.spread(count, info.duration).await?;
    }
    let frames = filled(&found);
    if frames.is_empty() {
        return Err(picker.failure());
    }
    run.report(0.9, None);
    picker.write_jpeg(&frames, out).await?;
    Ok(Some(FilmstripInfo { count: frames.len() as u32, width: size.0, height: size.1 }))
}

/// The moments a poster is chosen from, as parts of the whole; the opening is often black or a logo.
const MOMENTS: [f64; 5] = [0.1, 0.25, 0.4, 0.6, 0.8];

async fn best_of_film(picker: &Picker<'_>, duration: f64) -> Result<Option<Frame>, MediaError> {
    let moments = MOMENTS.map(|part| part * duration);
    let mut best = best(picker.near(&moments).await?);
    if best.as_ref().is_none_or(|frame| frame.detail() < Frame::EMPTY) {
        // Key frames show nothing; what lies between them may.
        let exact = picker.exactly(&moments).await?;
        best = self::best(best.into_iter().map(Some).chain(exact).collect());
    }
    if best.is_none() {
        best = picker.still().await?;
    }
    Ok(best)
}

/// The frame with the most to see.
fn best(frames: Vec<Option<Frame>>) -> Option<Frame> {
    frames.into_iter().flatten().max_by(|one, other| one.detail().total_cmp(&other.detail()))
}

/// Every place filled: a frame that could not be cut out is stood in for by its neighbour.
fn filled(found: &[Option<Frame>]) -> Vec<&Frame> {
    let Some(first) = found.iter().flatten().next() else { return Vec::new() };
    let mut last = first;
    found
        .iter()
        .map(|frame| {
            last = frame.as_ref().unwrap_or(last);
            last
        })
        .collect()
}

fn cover_art(info: &MediaInfo) -> Option<&Stream> {
    info.streams.iter().find(|stream| stream.kind == StreamKind::Video && stream.attached_picture)
}

fn display_size(stream: &Stream) -> (Option<u32>, Option<u32>) {
    match stream.rotation {
        Some(90 | 270) => (stream.height, stream.width),
        _ => (stream.width, stream.height),
    }
}

/// The size fitted into a square, never enlarged, at least one pixel each way.
fn within(width: u32, height: u32, square: u32) -> (u32, u32) {
    let scale = (f64::from(square) / f64::from(width.max(height))).min(1.0);
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_fit_and_do_not_grow() {
        assert_eq!(within(1920, 1080, 640), (640, 360));
        assert_eq!(within(1080, 1920, 640), (360, 640));
        assert_eq!(within(100, 50, 640), (100, 50));
        assert_eq!(within(16_000, 2, 640), (640, 1));
    }
}
