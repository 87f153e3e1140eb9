//! One step of one task: the queue's unit, claimed, run, retried and checkpointed.

use crate::{ApiError, StepKind, UnknownWord, UtcTime, task::words};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// Where a job stands, and who moves it on.
    JobState {
        /// A step before it has not succeeded; that step's success moves it to `ready`, its death to `cancelled`.
        Blocked = "blocked",
        /// Due in the future (not before, backoff, snooze); the timer moves it to `ready`.
        Scheduled = "scheduled",
        /// May be claimed; a worker of its lane moves it to `running`.
        Ready = "ready",
        /// Claimed under a lease; only the holder of that lease moves it on, or the start after a crash.
        Running = "running",
        /// Waits for a user's act or an outside result (missing model, a paid answer); that event moves it to `ready`.
        Waiting = "waiting",
        /// Its results are stored. Final; "run this step again" makes it `ready`.
        Succeeded = "succeeded",
        /// A dead letter: not tried again by itself. A user's retry makes it `ready`.
        Dead = "dead",
        /// Its task was cancelled or a step before it died. A user's retry of the task makes it `blocked` or `ready`.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Succeeded, dead or cancelled: only a user's act changes it again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Dead | Self::Cancelled)
    }
}

/// A resource with a limit on how many jobs use it at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub enum Lane {
    /// Downloads.
    Net,
    /// ffmpeg and other work on this machine's cores.
    Cpu,
    /// Local speech and vision models.
    Model,
    /// One cloud service.
    Provider(String),
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Net => f.write_str("net"),
            Self::Cpu => f.write_str("cpu"),
            Self::Model => f.write_str("model"),
            Self::Provider(name) => write!(f, "provider:{name}"),
        }
    }
}

impl std::str::FromStr for Lane {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "net" => Ok(Self::Net),
            "cpu" => Ok(Self::Cpu),
            "model" => Ok(Self::Model),
            _ => match text.strip_prefix("provider:") {
                Some(name) if !name.is_empty() => Ok(Self::Provider(name.into())),
                _ => Err(UnknownWord(format!("\"{text}\" is not a lane (net, cpu, model, provider:<name>)"))),
            },
        }
    }
}

impl TryFrom<String> for Lane {
    type Error = UnknownWord;
    fn try_from(text: String) -> Result<Self, UnknownWord> {
        text.parse()
    }
}

impl From<Lane> for String {
    fn from(lane: Lane) -> Self {
        lane.to_string()
    }
}

/// A job as the screens show it under its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Job {
    pub job_id: i64,
    pub task_id: String,
    /// Name of the step within the recipe.
    pub step: String,
    pub kind: StepKind,
    pub lane: Lane,
    pub state: JobState,
    /// 0 to 100.
    pub progress: f64,
    /// What it is doing, in a few words for people: `window 9 of 14`, `8.2 MB/s`.
    pub detail: Option<String>,
    /// Tries that count (snoozes and crashes do not).
    pub attempts: u32,
    pub max_attempts: u32,
    /// When it may run next, while scheduled.
    pub run_at: Option<UtcTime>,
    /// What did the work: `ffmpeg 5.1.9`, `whisper:base`, `basic`.
    pub engine: Option<String>,
    /// Its result was there already.
    pub cached: bool,
    pub error: Option<ApiError>,
    pub started_at: Option<UtcTime>,
    pub finished_at: Option<UtcTime>,
    /// Every run of it, oldest first; filled by `tasks.get`, empty in lists.
    pub history: Vec<Attempt>,
}

words! {
    /// How one run of a job ended.
    AttemptOutcome {
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        /// Put off without using up a try.
        Snoozed = "snoozed",
        Cancelled = "cancelled",
        /// The process died while it ran.
        Lost = "lost",
    }
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Attempt {
    /// The fencing token of the claim; grows with every claim in the data folder.
    pub lease: i64,
    pub engine: Option<String>,
    pub outcome: AttemptOutcome,
    pub error: Option<ApiError>,
    pub started_at: UtcTime,
    pub finished_at: Option<UtcTime>,
}
