//! What was said, to the second.

use crate::UtcTime;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A word with its time in seconds from the start of the media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Word {
    pub start: f64,
    pub end: f64,
    pub text: String,
    /// 0 to 1, where the engine says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub confidence: Option<f64>,
}

/// A stretch of speech with its time in seconds; segments are in order and do not overlap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Segment {
    pub start: f64,
    pub end: f64,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub speaker: Option<String>,
    pub words: Vec<Word>,
}

/// A whole transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Transcript {
    pub transcript_id: String,
    pub media_id: String,
    /// ISO 639-1, or `und` when nobody could tell.
    pub language: String,
    /// `basic`, `whisper:base` …
    pub engine: String,
    /// Seconds of the media.
    pub duration: f64,
    /// All segments' text, joined by spaces.
    pub text: String,
    pub segments: Vec<Segment>,
    /// Stretches that should have been heard but were not (an engine gave up there), in seconds.
    pub gaps: Vec<Gap>,
    /// False while segments are still being heard.
    pub complete: bool,
    /// The version this one was copied from to be edited; absent when an engine made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub parent: Option<String>,
    /// Grows with each edit; 0 as it was heard.
    #[serde(default)]
    pub revision: u32,
    pub created_at: UtcTime,
}

/// A stretch that was not heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Gap {
    pub start: f64,
    pub end: f64,
    pub reason: String,
}
