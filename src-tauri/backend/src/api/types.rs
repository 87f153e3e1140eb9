//! What goes into a command and comes out of it: plain values, documented once, mirrored in TypeScript.

use domain::category::Category;
use domain::task::Hold;
use domain::{
    ApiError, ErrorCode, Header, Job, MediaInfo, MediaKind, Priority, Task, TaskKind, TaskStatus, UrlStatus,
    UtcTime,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use super::bulk::{BulkAct, BulkOutcome, BulkRefused, BulkRequest};
pub use super::settings::{Settings, SettingsProblems};

macro_rules! wire {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident $body:tt)*) => {
        $( #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)] $(#[$meta])* $vis struct $name $body )*
    };
}

mod automation;
mod webhooks;
pub use automation::*;
pub use webhooks::*;

/// Nothing goes in, or nothing comes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Nothing {}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Page<T> {
    /// How many there are in all.
    pub total: u64,
    pub limit: u32,
    pub offset: u32,
    pub items: Vec<T>,
}

fn auto() -> String {
    "auto".into()
}

pub(crate) fn medium() -> Priority {
    Priority::Medium
}

wire! {
    /// Queue files, folders and links.
    pub struct AddRequest {
        /// Paths (absolute, or relative to the caller, who makes them absolute) and URLs, as typed. Folders are recursive.
        pub sources: Vec<String>,
        /// Null: the recipe of the settings (`transcribe` unless changed).
        #[serde(default)]
        pub recipe: Option<String>,
        #[serde(default = "auto")]
        pub language: String,
        #[serde(default = "auto")]
        pub engine: String,
        #[serde(default = "medium")]
        pub priority: Priority,
        /// Sent with every request for these URLs; secret ones are kept in the key store.
        #[serde(default)]
        pub headers: Vec<Header>,
        /// Hosts that may lie in private ranges, for these sources only.
        #[serde(default)]
        pub allow_hosts: Vec<String>,
        #[serde(default)]
        pub not_before: Option<UtcTime>,
        /// Do finished steps again.
        #[serde(default)]
        pub again: bool,
    }

    /// A source that made no task.
    pub struct Refused {
        pub source: String,
        pub error: ApiError,
    }

    /// What became of each source, in the order given; a folder gives one task for each file in it.
    pub struct AddOutcome {
        pub tasks: Vec<Task>,
        pub refused: Vec<Refused>,
    }

    pub struct TaskQuery {
        #[serde(default)]
        pub status: Option<TaskStatus>,
        #[serde(default)]
        pub kind: Option<TaskKind>,
        /// Words in the title or source.
        #[serde(default)]
        pub text: Option<String>,
        /// 1 to 500; 20 when absent.
        #[serde(default)]
        pub limit: Option<u32>,
        #[serde(default)]
        pub offset: Option<u32>,
        /// `created_at`, `updated_at`, `priority`, `title` or `queue` (the order they will run in), `-` before it for descending; `-created_at` when absent.
        #[serde(default)]
        pub sort: Option<String>,
    }

    pub struct TaskId {
        pub task_id: String,
    }

    /// A task with its steps and their attempts.
    pub struct TaskDetail {
        pub task: Task,
        pub jobs: Vec<Job>,
    }

    /// Which part of the queue: one task, one lane, or all when both are null.
    pub struct PauseRequest {
        #[serde(default)]
        pub task_id: Option<String>,
        #[serde(default)]
        pub lane: Option<String>,
        /// Ends by itself at that time; not for a single task.
        #[serde(default)]
        pub until: Option<UtcTime>,
    }

    /// One task, or all that failed.
    pub struct RetryRequest {
        #[serde(default)]
        pub task_id: Option<String>,
        #[serde(default)]
        pub all_failed: bool,
    }

    pub struct Retried {
        pub task_ids: Vec<String>,
    }

    /// Which dead letters to put away: those of a task, those with a code, those with both; `all` for every one.
    pub struct ClearLetters {
        #[serde(default)]
        pub task_id: Option<String>,
        #[serde(default)]
        pub code: Option<ErrorCode>,
        #[serde(default)]
        pub all: bool,
    }

    pub struct ClearedLetters {
        /// The jobs whose letters were put away.
        pub job_ids: Vec<i64>,
    }

    /// Put a queued task right before another one, or last when `before` is null; takes over that one's priority.
    pub struct ReorderRequest {
        pub task_id: String,
        #[serde(default)]
        pub before: Option<String>,
    }

    pub struct PriorityRequest {
        pub task_id: String,
        pub priority: Priority,
    }

    /// Do one step, and what depends on it, again.
    pub struct RunStepRequest {
        pub task_id: String,
        pub step: String,
    }

    /// A job that will not be tried again by itself.
    pub struct DeadLetter {
        pub job_id: i64,
        pub task_id: String,
        pub title: String,
        pub step: String,
        pub attempts: u32,
        pub error: ApiError,
        pub died_at: UtcTime,
    }

    pub struct PageQuery {
        #[serde(default)]
        pub limit: Option<u32>,
        #[serde(default)]
        pub offset: Option<u32>,
    }

    pub struct LibraryQuery {
        #[serde(default)]
        pub kind: Option<MediaKind>,
        /// Language of a transcript.
        #[serde(default)]
        pub language: Option<String>,
        /// Words in the title or source.
        #[serde(default)]
        pub text: Option<String>,
        /// `added_at`, `title`, `duration` or `size`, `-` before it for descending; `-added_at` when absent.
        #[serde(default)]
        pub sort: Option<String>,
        /// Null: all.
        #[serde(default)]
        pub filter: Option<super::library_types::LibraryFilter>,
        #[serde(default)]
        pub limit: Option<u32>,
        #[serde(default)]
        pub offset: Option<u32>,
    }

    /// Media as lists show it.
    pub struct MediaItem {
        pub media_id: String,
        pub title: String,
        /// Path or URL it first came from.
        pub source: String,
        pub kind: MediaKind,
        /// Seconds.
        pub duration: f64,
        /// Bytes.
        pub size: u64,
        pub width: Option<u32>,
        pub height: Option<u32>,
        /// The newest complete transcript.
        pub transcript_id: Option<String>,
        pub language: Option<String>,
        pub engine: Option<String>,
        /// The strongest of each axis: the user's word, else what the word lists found.
        pub labels: Vec<String>,
        pub tags: Vec<String>,
        pub added_at: UtcTime,
        /// The file is not where it was.
        pub missing: bool,
        /// Paths below the media address of `server.address`; null until made or where there is no picture.
        pub poster: Option<String>,
        pub filmstrip: Option<Filmstrip>,
        pub waveform: Option<String>,
        /// The media file itself, served with Range.
        pub file: String,
    }

    /// One picture holding `count` frames in a row, spread evenly over the media.
    pub struct Filmstrip {
        pub path: String,
        pub count: u32,
        pub width: u32,
        pub height: u32,
    }

    pub struct MediaId {
        pub media_id: String,
    }

    pub struct MediaDetail {
        pub item: MediaItem,
        pub info: Option<MediaInfo>,
        /// Every path and URL known to hold this content.
        pub sources: Vec<String>,
        pub transcripts: Vec<TranscriptItem>,
        pub categories: Vec<Category>,
    }

    pub struct TranscriptItem {
        pub transcript_id: String,
        pub language: String,
        pub engine: String,
        pub complete: bool,
        pub segments: u32,
        pub words: u32,
        /// The version it was copied from to be edited; null when an engine made it.
        pub parent: Option<String>,
        pub revision: u32,
        pub created_at: UtcTime,
    }

    pub struct SearchQuery {
        /// Words; the last one matches as a prefix; "in quotes" as a phrase. Accents and case do not matter.
        pub query: String,
        /// Only in this media.
        #[serde(default)]
        pub media_id: Option<String>,
        #[serde(default)]
        pub limit: Option<u32>,
        #[serde(default)]
        pub offset: Option<u32>,
    }

    /// A segment in which the words were said.
    pub struct SearchHit {
        pub media_id: String,
        pub transcript_id: String,
        pub title: String,
        /// Seconds of the first word that matches, where words have times; else of the segment.
        pub start: f64,
        pub end: f64,
        /// The segment's text, shortened; `\u{2}` before and `\u{3}` after each match.
        pub snippet: String,
    }

    /// A transcript by its own id, or the newest of a media or of a task.
    pub struct TranscriptId {
        pub id: String,
    }

    pub struct ExportRequest {
        pub id: String,
        /// `txt`, `md`, `srt`, `vtt`, `ass`, `json` or `csv`.
        pub format: String,
    }

    pub struct Exported {
        pub file_name: String,
        pub mime: String,
        pub content: String,
    }

    pub struct UrlQuery {
        #[serde(default)]
        pub status: Option<UrlStatus>,
        #[serde(default)]
        pub limit: Option<u32>,
        #[serde(default)]
        pub offset: Option<u32>,
    }

    pub struct WatchAddRequest {
        /// Absolute path of a folder.
        pub path: String,
        #[serde(default)]
        pub recipe: Option<String>,
        #[serde(default)]
        pub subfolders: bool,
    }

    pub struct WatchedFolder {
        pub watch_id: String,
        pub path: String,
        pub recipe: String,
        pub subfolders: bool,
        /// Files taken so far.
        pub taken: u32,
        /// Why it is not being watched just now.
        pub error: Option<ApiError>,
        pub created_at: UtcTime,
    }

    /// A watched folder by its id or its path.
    pub struct WatchId {
        pub watch: String,
    }

    pub struct RecipeItem {
        pub recipe: domain::Recipe,
        pub built_in: bool,
        /// A file of the user's that was refused, and why; `recipe` is empty then.
        pub error: Option<ApiError>,
        pub file: Option<String>,
    }

    pub struct ModelItem {
        /// Such as `base` or `large-v3-turbo-q5_0`.
        pub name: String,
        /// Bytes on disk.
        pub size: u64,
        /// Bytes of memory it needs while it works.
        pub memory: u64,
        /// `multilingual` or an ISO 639-1 code.
        pub languages: String,
        pub installed: bool,
        /// 0 to 1 while it is being downloaded.
        pub downloading: Option<f64>,
        /// Brought by the user, not in the table.
        pub imported: bool,
        /// Suggested for this machine's memory and cores.
        pub suggested: bool,
        pub error: Option<ApiError>,
    }

    pub struct ModelName {
        pub name: String,
    }

    pub struct ModelImport {
        /// Absolute path of a ggml Whisper file.
        pub path: String,
        /// Null: from the file's name.
        #[serde(default)]
        pub name: Option<String>,
    }

    /// One check of the doctor.
    pub struct Check {
        /// `ffmpeg`, `ffprobe`, `pocketsphinx`, `yt-dlp`, `data_folder`, `disk`, `models`, `key_store`, `playback` …
        pub name: String,
        /// `ok`, `warning` or `missing`.
        pub state: String,
        pub version: Option<String>,
        pub path: Option<String>,
        /// What it means, in one sentence.
        pub message: String,
        /// What to do, when something is to be done.
        pub cure: Option<String>,
    }

    pub struct DoctorReport {
        pub version: String,
        pub data_dir: String,
        /// Every needed check is ok.
        pub healthy: bool,
        pub checks: Vec<Check>,
    }

    pub struct LaneStatus {
        pub lane: String,
        pub limit: u32,
        pub running: u32,
        pub ready: u32,
        pub paused: bool,
    }

    /// The whole queue at a glance.
    pub struct QueueStatus {
        /// The user paused everything.
        pub paused: bool,
        /// When that pause ends by itself.
        pub paused_until: Option<UtcTime>,
        /// What the settings hold everything back for: `night` or `power`.
        pub held: Option<Hold>,
        /// When that ends, where it is known.
        pub held_until: Option<UtcTime>,
        pub queued: u64,
        pub processing: u64,
        pub completed: u64,
        pub failed: u64,
        pub cancelled: u64,
        pub dead_letters: u64,
        pub lanes: Vec<LaneStatus>,
    }

    /// Where media is served on loopback. `<media_url>/<path>` plays any path of a [`MediaItem`].
    pub struct ServerAddress {
        /// `http://127.0.0.1:<port>/media/<token of this start>`
        pub media_url: String,
    }
}
