//! Speech to text on this machine: what is said, in which language, and when.
//!
//! Owns voice activity, the cutting into windows, the engines (whisper.cpp in a worker child, PocketSphinx as the basic
//! one) and the times of words. Leaves making the WAV to [`crate::audio`], model files to [`crate::models`], and storing
//! what was heard to the caller.
//! Invariant: the same WAV and engine give the same windows, so that heard ones need not be heard again.

mod basic;
mod child;
mod host;
mod parts;
mod protocol;
pub mod silero;
pub mod voice;
mod wav;
mod whisper;
mod windows;
mod words;
pub mod worker;

pub use host::SpeechHost;
pub use parts::{window_wav, windows_of};
pub use windows::Window;

use crate::models::ModelFile;
use domain::Segment;
use domain::transcript::Gap;
use std::path::PathBuf;

/// What turns speech into text.
#[derive(Clone, Debug)]
pub enum Engine {
    /// PocketSphinx: English only, weak, needs no model of ours.
    Basic,
    /// whisper.cpp with one model.
    Whisper(ModelFile),
}

impl Engine {
    /// `basic` or `whisper:<model>`, as it stands in transcripts.
    pub fn name(&self) -> String {
        match self {
            Self::Basic => "basic".into(),
            Self::Whisper(model) => format!("whisper:{}", model.name),
        }
    }
}

/// One recording to be heard.
#[derive(Clone, Debug)]
pub struct SpeechJob {
    /// 16 kHz, mono, s16le, as [`crate::audio::speech_wav`] makes it.
    pub wav: PathBuf,
    pub engine: Engine,
    /// ISO 639-1; `None` detects it.
    pub language: Option<String>,
    /// Indexes of windows whose result is stored already; they are left out.
    pub heard: Vec<usize>,
    /// Cores it may use.
    pub threads: usize,
    /// The language of windows heard before, so that going on does not detect another.
    pub known_language: Option<String>,
}

/// One window's result.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowHeard {
    pub window: Window,
    /// How many windows the recording has.
    pub windows: usize,
    /// In seconds of the recording, in order, within the window.
    pub segments: Vec<Segment>,
    pub language: String,
    /// What the engine gave up on.
    pub gap: Option<Gap>,
}

/// The whole recording's result.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechDone {
    /// `und` when there was no speech to tell by.
    pub language: String,
    pub windows: usize,
    /// Seconds of voice found; 0.0 means no speech.
    pub speech_seconds: f64,
}
