//! What a probe says of a file.

use crate::task::words;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    MediaKind {
        Video = "video",
        Audio = "audio",
        Image = "image",
    }
}

words! {
    StreamKind {
        Video = "video",
        Audio = "audio",
        Subtitle = "subtitle",
        /// Timecode, attachments, data.
        Other = "other",
    }
}

/// One stream inside a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Stream {
    pub index: u32,
    pub kind: StreamKind,
    /// ffmpeg's short codec name, such as `h264`.
    pub codec: String,
    pub language: Option<String>,
    /// Stored picture size in pixels, before rotation.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Clockwise degrees to turn the picture for display: 0, 90, 180 or 270.
    pub rotation: Option<u32>,
    /// Mean frames per second.
    pub frame_rate: Option<f64>,
    pub channels: Option<u32>,
    /// Samples per second.
    pub sample_rate: Option<u32>,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// Cover art inside an audio file, not a moving picture.
    pub attached_picture: bool,
}

/// Everything known of a media file without decoding all of it, and its loudness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaInfo {
    pub kind: MediaKind,
    /// ffmpeg's container name, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// Seconds; 0 for pictures.
    pub duration: f64,
    /// Bytes.
    pub size: u64,
    pub bit_rate: Option<u64>,
    pub streams: Vec<Stream>,
    /// Display size in pixels, after rotation.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate: Option<f64>,
    pub has_audio: bool,
    /// EBU R 128 integrated loudness in LUFS; null without sound or when silent.
    pub loudness: Option<f64>,
    /// EBU R 128 true peak in dBTP.
    pub true_peak: Option<f64>,
    /// Title from the file's own tags.
    pub title: Option<String>,
}
