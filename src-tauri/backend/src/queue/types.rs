//! What goes into the queue and what a step is handed.

use super::execution::JobHandle;
pub use super::failure::Snooze;
use crate::store::StoreError;
use domain::{ApiError, Event, Lane, Priority, Step, StepKind, TaskInput, TaskKind, UtcTime, retry};
use media::Run;
use rusqlite::Connection;
use std::time::Duration;

/// Time and chance, passed in so that the queue can be simulated.
pub trait Clock: Send + Sync {
    fn now(&self) -> UtcTime;
    /// Evenly spread in 0..1.
    fn random(&self) -> f64;
}

/// Rows written in the same transaction as a change of the queue.
pub type Apply = Box<dyn FnOnce(&Connection) -> Result<(), StoreError> + Send>;

/// How much runs at once, how often a job is tried, how long ended tasks are answered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// False: tasks are recorded and changed, nothing is run.
    pub work: bool,
    pub net: u32,
    pub cpu: u32,
    pub model: u32,
    /// For each cloud service.
    pub provider: u32,
    /// Tries in all of a job added from now on, 1 to 6.
    pub max_attempts: u32,
    pub task_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            work: true,
            net: 4,
            cpu: 2,
            model: 1,
            provider: 4,
            max_attempts: retry::DEFAULT_MAX_ATTEMPTS,
            task_days: 7,
        }
    }
}

impl Limits {
    /// Jobs at once in that lane.
    pub fn of(&self, lane: &str) -> u32 {
        match lane {
            "net" => self.net,
            "cpu" => self.cpu,
            "model" => self.model,
            _ => self.provider,
        }
    }
}

/// A task to be added: a recipe's steps over an input.
pub struct NewTask {
    /// `t_` and 12 characters, made by [`crate::ids::id`]; unique.
    pub task_id: String,
    pub kind: TaskKind,
    pub title: String,
    pub input: TaskInput,
    pub priority: Priority,
    /// Tasks of one batch take turns with other batches and with single tasks.
    pub batch_id: Option<String>,
    pub not_before: Option<UtcTime>,
    /// A valid recipe's steps.
    pub steps: Vec<Step>,
    pub media_id: Option<String>,
    /// Length in seconds and size in bytes of the input, when known.
    pub duration: Option<f64>,
    pub size: Option<u64>,
    /// Rows written together with the task.
    pub apply: Option<Apply>,
}

/// One run of one step.
pub struct JobRun {
    pub job_id: i64,
    /// The fencing token of this run.
    pub lease: i64,
    pub task_id: String,
    pub step: Step,
    pub lane: Lane,
    pub input: TaskInput,
    pub media_id: Option<String>,
    pub transcript_id: Option<String>,
    /// Length of the media in seconds, once known.
    pub duration: Option<f64>,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// How to stop, whom to tell, where to write.
    pub run: Run,
    /// Do it again although its result is there.
    pub again: bool,
    pub handle: JobHandle,
}

/// What a step did.
#[derive(Default)]
pub struct StepOutput {
    /// What did the work: `ffmpeg 5.1.9`, `whisper:base`.
    pub engine: Option<String>,
    /// The result was there already.
    pub cached: bool,
    pub media_id: Option<String>,
    pub transcript_id: Option<String>,
    pub note: Option<String>,
    pub title: Option<String>,
    /// Seconds.
    pub duration: Option<f64>,
    /// Bytes.
    pub size: Option<u64>,
    /// Names of later steps that have nothing to do; they count as succeeded.
    pub skip_rest: Vec<String>,
    /// Every step that depends on this one has nothing to do.
    pub skip_dependents: bool,
    /// New weights of steps, now that the media is known.
    pub weights: Vec<(String, f64)>,
    /// Written in the same transaction as the success; when it fails, the step fails.
    pub apply: Option<Apply>,
    /// Told after the success was stored.
    pub events: Vec<Event>,
}

/// Why a step did not do it.
pub struct StepFailure {
    pub error: ApiError,
    /// Put off without using up a try, whatever the code's class.
    pub snooze: Option<Snooze>,
    /// Written in the same transaction as the failure.
    pub apply: Option<Apply>,
}

impl From<ApiError> for StepFailure {
    fn from(error: ApiError) -> Self {
        Self { error, snooze: None, apply: None }
    }
}

impl From<media::MediaError> for StepFailure {
    fn from(error: media::MediaError) -> Self {
        ApiError::from(error).into()
    }
}

impl From<StoreError> for StepFailure {
    fn from(error: StoreError) -> Self {
        ApiError::from(error).into()
    }
}

/// What the steps do: the queue's other half.
#[async_trait::async_trait]
pub trait Steps: Send + Sync {
    /// Runs a step. Ends within 2 s once `job.run.cancel` fires.
    async fn run(&self, job: JobRun) -> Result<StepOutput, StepFailure>;

    /// The longest a run may take before it is stopped with `PROCESSING_TIMEOUT`.
    fn limit(&self, job: &JobRun) -> Duration {
        let length = Duration::from_secs_f64(job.duration.unwrap_or(0.0).clamp(0.0, 1e7));
        let minutes = |count: u64| Duration::from_secs(60 * count);
        match job.step.kind {
            // Not scaled: the length is unknown, and a live playlist has its own limit.
            StepKind::Fetch => minutes(12 * 60),
            StepKind::Probe => minutes(2) + length / 4,
            StepKind::Poster => minutes(5) + length / 4,
            StepKind::Filmstrip | StepKind::Waveform => minutes(10) + length * 2,
            StepKind::Transcribe => minutes(30) + length * 30,
            StepKind::Categorize => minutes(10) + length / 4,
            StepKind::Noop => minutes(60),
        }
    }

    /// The longest a run may be silent (no progress told) before it is stopped with `STEP_STUCK`.
    fn patience(&self, job: &JobRun) -> Duration {
        match job.step.kind {
            StepKind::Fetch => Duration::from_secs(5 * 60),
            _ => Duration::from_secs(20 * 60),
        }
    }
}
