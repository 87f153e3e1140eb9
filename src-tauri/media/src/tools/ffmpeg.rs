//! The rules under which ffmpeg and ffprobe see a user's file.
//!
//! Owns the options every call carries, the limits, and what ffmpeg's complaints mean.
//! Invariant: a call sees one regular file by its absolute path, with demuxers that open no other file, and no network.

use super::{Finished, Program, Tool};
use crate::intake::{look, said, sniff::Sniffed};
use crate::{MediaError, Run};
use domain::ErrorCode;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Demuxers of media proper. Not here: playlists (hls, dash, concat, sdp, imf …), file name patterns (image2),
/// devices and generators (lavfi …), raw data without a header, subtitles and other text.
const DEMUXERS: &str = "aac,ac3,aiff,amr,amrnb,amrwb,ape,apng,asf,asf_o,au,av1,obu,avi,bmp_pipe,caf,dnxhd,dsf,dts,\
dtshd,dv,eac3,flac,flv,gif,gxf,h261,h263,h264,hevc,ico,iff,ivf,j2k_pipe,jpeg_pipe,jpegxl_pipe,jpegxl_anim,loas,m4v,\
matroska,webm,mjpeg,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nut,ogg,oma,png_pipe,psd_pipe,\
qcp,qoi_pipe,rm,rso,sox,tak,tiff_pipe,truehd,mlp,tta,vc1,voc,w64,wav,webp_pipe,wtv,wv,xwma,yuv4mpegpipe";

/// Streams a file may have.
pub(crate) const MAX_STREAMS: u32 = 100;
/// Pixels a picture may have: 16,384 squared, one gigabyte when decoded to RGBA.
pub(crate) const MAX_PIXELS: u64 = 1 << 28;
/// Bytes of address space ffmpeg may take.
const MEMORY: u64 = 8 << 30;

/// ffmpeg or ffprobe with the options that come first, at low priority and without a terminal.
pub(crate) fn quiet(tool: &Tool) -> Program {
    Program::new(&tool.path).low_priority().memory_limit(MEMORY).args(["-hide_banner", "-v", "error"])
}

/// The options that open `path` as an input: whitelists, limits, and its demuxer where only one will do.
/// The file is looked at again, so one that was put in another's place is refused here.
///
/// Errors: those of `intake::examine`.
pub(crate) fn input(path: &Path) -> Result<Vec<OsString>, MediaError> {
    let sniffed = look(path)?;
    let absolute = std::path::absolute(path)
        .map_err(|error| MediaError::storage(&format!("Finding {}", said(path)), &error))?;
    let mut options: Vec<OsString> =
        ["-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS].map(OsString::from).into();
    options.extend(["-max_streams".into(), MAX_STREAMS.to_string().into()]);
    options.extend(["-max_pixels".into(), MAX_PIXELS.to_string().into()]);
    if let Sniffed::Picture(demuxer) = sniffed {
        options.extend(["-f".into(), demuxer.into()]);
    }
    let mut address = OsString::from("file:");
    address.push(absolute);
    options.extend(["-i".into(), address]);
    Ok(options)
}

/// An output that ffmpeg writes: absolute, with no protocol but `file:`.
pub(crate) fn output(path: &Path) -> Result<OsString, MediaError> {
    let absolute = std::path::absolute(path)
        .map_err(|error| MediaError::storage(&format!("Finding {}", said(path)), &error))?;
    let mut address = OsString::from("file:");
    address.push(absolute);
    Ok(address)
}

/// How long reading `seconds` of media to its end may take: twice real time on top of a minute.
pub(crate) fn limit(seconds: f64) -> Duration {
    Duration::from_secs_f64(60.0 + 2.0 * seconds.clamp(0.0, 1e7))
}

/// Runs ffmpeg with `-progress pipe:1` and reports how much of `seconds` it has written.
pub(crate) async fn with_progress(program: Program, seconds: f64, run: &Run) -> Result<Finished, MediaError> {
    let told = run.clone();
    program
        .args(["-progress", "pipe:1", "-stats_period", "0.5", "-nostats"])
        .each_line(run, limit(seconds), move |line| {
            if let Some(done) = written_seconds(line).filter(|_| seconds > 0.0) {
                told.report(done / seconds, None);
            }
        })
        .await
}

/// The time in a progress line `out_time_us=1234567`.
pub(crate) fn written_seconds(line: &str) -> Option<f64> {
    line.strip_prefix("out_time_us=")?.trim().parse::<i64>().ok().map(|micros| micros as f64 / 1e6)
}

/// What it means that ffmpeg or ffprobe did not end well over `path`.
pub(crate) fn failure(path: &Path, finished: &Finished) -> MediaError {
    let said_there = |words: &str| finished.stderr_tail.contains(words);
    let name = said(path);
    let (code, message) = if said_there("max_streams") {
        (ErrorCode::MediaTooLarge, format!("{name} has more than {MAX_STREAMS} streams."))
    } else if said_there("max pixel count") || (said_there("Picture size") && said_there("is invalid")) {
        (ErrorCode::MediaTooLarge, format!("{name} has pictures larger than {MAX_PIXELS} pixels."))
    } else if said_there("Cannot allocate memory") {
        (ErrorCode::MediaTooLarge, format!("{name} needs more memory than there is."))
    } else if said_there("No such file or directory") {
        (ErrorCode::FileNotFound, format!("{name} does not exist any more."))
    } else if said_there("Permission denied") {
        (ErrorCode::FileUnreadable, format!("{name} may not be read by this user."))
    } else if said_there("not on whitelist") {
        (ErrorCode::FileTypeUnsupported, format!("{name} is of a kind that is not opened."))
    } else {
        (ErrorCode::MediaDamaged, format!("{name} is damaged: it could not be decoded."))
    };
    MediaError::new(code, message).with_detail(finished.stderr_tail.trim())
}
