//! What the user asked for: the thing with a status and a progress bar.

use crate::{ApiError, ErrorCode, Header, Source, UtcTime};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $( $(#[$doc:meta])* $variant:ident = $word:literal, )* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, ts_rs::TS)]
        pub enum $name { $( $(#[$doc])* #[serde(rename = $word)] $variant, )* }
        impl $name {
            pub const ALL: &'static [$name] = &[ $( $name::$variant, )* ];
            /// The word shared by SQL, JSON and the screen.
            pub fn as_str(self) -> &'static str { match self { $( $name::$variant => $word, )* } }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
        impl std::str::FromStr for $name {
            type Err = crate::UnknownWord;
            fn from_str(text: &str) -> Result<Self, crate::UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    crate::UnknownWord(format!("\"{text}\" is not one of: {}", known.join(", ")))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What kind of work a task is; the wire names are shared with REST and webhooks.
    TaskKind {
        ImageGeneration = "image_generation",
        VideoGeneration = "video_generation",
        VideoAnalysis = "video_analysis",
        AudioTranscription = "audio_transcription",
        SubtitleGeneration = "subtitle_generation",
        SceneAnalysis = "scene_analysis",
        FacialProcessing = "facial_processing",
        VoiceProcessing = "voice_processing",
        MultimodalSync = "multimodal_sync",
        /// What `add` makes: a recipe run over a source.
        MediaProcessing = "media_processing",
    }
}

words! {
    /// Where a task stands. Pause is a flag beside it, not a status.
    TaskStatus {
        /// No job of it has run yet.
        Queued = "queued",
        /// At least one job has run and not all have ended.
        Processing = "processing",
        Completed = "completed",
        /// A job became a dead letter.
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl TaskStatus {
    /// Completed, failed or cancelled: only a user's act changes it again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    Priority {
        Low = "low",
        Medium = "medium",
        High = "high",
        Urgent = "urgent",
    }
}

impl Priority {
    /// 0 for low to 3 for urgent; the queue orders by it, highest first, with ageing.
    pub fn rank(self) -> i64 {
        self as i64
    }
}

/// What a task works on and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TaskInput {
    pub source: Source,
    /// Name of the recipe; its definition is copied into the jobs when the task is made.
    pub recipe: String,
    /// `auto` or an ISO 639-1 code such as `en` or `pt`.
    pub language: String,
    /// `auto`, `basic` or `whisper:<model>`.
    pub engine: String,
    /// Sent with every request for this URL; never a secret one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(skip)]
    pub headers: Vec<Header>,
    /// Name of the key store's entry that holds the secret headers as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(skip)]
    pub secret_headers: Option<String>,
    /// Hosts in private ranges this task may reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(skip)]
    pub allow_hosts: Vec<String>,
    /// Do finished steps again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(skip)]
    pub again: bool,
}

/// A task as every surface shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Task {
    pub task_id: String,
    pub kind: TaskKind,
    pub status: TaskStatus,
    pub paused: bool,
    pub priority: Priority,
    /// 0 to 100, never going back while the task runs.
    pub progress: f64,
    /// Name of the step that runs or waits; null before the first and after the last.
    pub current_step: Option<String>,
    /// Why nothing runs just now, when that is so.
    pub waiting: Option<Waiting>,
    pub title: String,
    pub input: TaskInput,
    pub media_id: Option<String>,
    pub transcript_id: Option<String>,
    /// Set when a task completed without speech: `no_audio` or `no_speech`.
    pub note: Option<String>,
    /// Every step found its result already made.
    pub cached: bool,
    pub error: Option<ApiError>,
    pub batch_id: Option<String>,
    pub not_before: Option<UtcTime>,
    pub created_at: UtcTime,
    pub updated_at: UtcTime,
    pub started_at: Option<UtcTime>,
    pub finished_at: Option<UtcTime>,
    pub estimated_completion: Option<UtcTime>,
    /// Input's length in seconds, once known.
    pub duration: Option<f64>,
    /// Input's size in bytes, once known.
    pub size: Option<u64>,
}

words! {
    /// What holds the whole queue by the settings, not by a pause of the user's.
    Hold {
        /// Work runs only at night.
        Night = "night",
        /// Work runs only on mains power.
        Power = "power",
    }
}

/// Why a task is not running, in one word and its details; the screens make a sentence of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Waiting {
    /// Paused by the user: the task, its lane or everything.
    Paused,
    /// Everything is paused by the user until then.
    PausedUntil { time: UtcTime },
    /// The settings hold everything back; until then, where that is known.
    Held { by: Hold, time: Option<UtcTime> },
    /// `not_before` or a retry lies in the future.
    Until { time: UtcTime, attempt: u32 },
    /// A snooze: rate limit, missing model or tool, no network.
    For { code: ErrorCode, time: Option<UtcTime> },
    /// Others are before it in the lane.
    Lane { lane: String, ahead: u64 },
}
