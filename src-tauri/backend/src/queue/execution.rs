//! One run of a step in this process: its token, its progress, its end.
//!
//! Owns the tokio task of a run and what it reports; leaves the book to `ledger`.
//! Invariant: every run that was begun ends with exactly one word to the runner, a panic included.

use super::ledger::{Claimed, Outcome, Stop, Success};
use super::types::{Apply, JobRun, StepFailure, StepOutput, Steps};
use domain::{ApiError, ErrorCode, Event, Lane, StepKind};
use futures::FutureExt;
use media::Run;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// A run whose token has fired may take this long to end; then its future is dropped, which kills its children.
const GRACE: Duration = Duration::from_secs(5);

/// What a run tells on its way; shared with the step.
#[derive(Debug, Default)]
struct Told {
    /// Bits of an `f64`, 0 to 1.
    fraction: AtomicU64,
    /// Something changed since it was last written.
    fresh: AtomicBool,
    /// Count of words told: a sign of life even when the numbers stand still.
    words: AtomicU64,
    detail: Mutex<Option<String>>,
    engine: Mutex<Option<String>>,
}

/// What a step may say about its run besides progress.
#[derive(Clone, Debug)]
pub struct JobHandle {
    told: Arc<Told>,
}

impl JobHandle {
    /// Names what does the work as soon as it is known, so that a failure carries it too.
    pub fn set_engine(&self, engine: &str) {
        if let Ok(mut kept) = self.told.engine.lock() {
            *kept = Some(engine.into());
        }
        self.told.fresh.store(true, Ordering::Release);
    }
}

/// The last word of a run.
pub(super) struct Ended {
    pub job_id: i64,
    pub lease: i64,
    pub outcome: Outcome,
    /// Rows to be written together with the outcome.
    pub apply: Option<Apply>,
    /// To be told once the outcome is stored.
    pub events: Vec<Event>,
}

/// Progress to be written.
pub(super) struct Progress {
    pub job_id: i64,
    pub lease: i64,
    /// 0 to 100.
    pub progress: f64,
    pub detail: Option<String>,
    pub engine: Option<String>,
}

/// Why the queue itself ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overdue {
    Limit,
    Silent,
}

/// A run as the runner keeps it.
pub(super) struct Execution {
    pub job_id: i64,
    pub lease: i64,
    pub lane: String,
    pub mutex: Option<String>,
    step: String,
    token: CancellationToken,
    told: Arc<Told>,
    task: Option<AbortHandle>,
    started: Instant,
    limit: Duration,
    patience: Duration,
    last_words: u64,
    last_sign: Instant,
    overdue: Option<Overdue>,
    stopped_at: Option<Instant>,
    /// Its last word is being written: it holds no place any more.
    pub over: bool,
}

impl Execution {
    /// A run that was claimed but does nothing yet: it holds its place from the moment of the claim.
    pub fn reserved(job: &Claimed) -> Self {
        let now = Instant::now();
        Self {
            job_id: job.job_id,
            lease: job.lease,
            lane: job.lane.clone(),
            mutex: job.mutex.clone(),
            step: job.step.name.clone(),
            token: CancellationToken::new(),
            told: Arc::new(Told::default()),
            task: None,
            started: now,
            limit: Duration::MAX,
            patience: Duration::MAX,
            last_words: 0,
            last_sign: now,
            overdue: None,
            stopped_at: None,
            over: false,
        }
    }

    /// Its work has begun and not ended.
    pub fn is_going(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Begins the work. The word at the end goes to `ended`.
    pub fn begin(
        &mut self,
        job: Claimed,
        steps: &Arc<dyn Steps>,
        scratch: &Path,
        ended: &mpsc::UnboundedSender<Ended>,
    ) {
        let run = self.prepare(job, scratch);
        self.limit = steps.limit(&run);
        self.patience = steps.patience(&run);
        self.started = Instant::now();
        self.last_sign = self.started;
        let (job_id, lease) = (self.job_id, self.lease);
        let (steps, ended, told) = (steps.clone(), ended.clone(), self.told.clone());
        // Nothing is made for steps that write nothing.
        let folder = (run.step.kind != StepKind::Noop).then(|| run.run.scratch.clone());
        let work = async move {
            let result = match &folder {
                Some(folder) => make_scratch(folder).await,
                None => Ok(()),
            };
            let result = match result {
                Ok(()) => match AssertUnwindSafe(steps.run(run)).catch_unwind().await {
                    Ok(result) => result,
                    Err(panic) => Err(panicked(panic.as_ref()).into()),
                },
                Err(failure) => Err(failure),
            };
            if let Some(folder) = &folder {
                remove_scratch(folder).await;
            }
            // The runner is gone only when the process ends; the book then gives the job back.
            let _ = ended.send(word(job_id, lease, result, &told));
        };
        self.task = Some(tokio::spawn(work).abort_handle());
    }

    fn prepare(&self, job: Claimed, scratch: &Path) -> JobRun {
        let told = self.told.clone();
        let progress = Arc::new(move |fraction: f64, detail: Option<&str>| {
            told.fraction.store(fraction.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
            if let Ok(mut kept) = told.detail.lock()
                && kept.as_deref() != detail
            {
                *kept = detail.map(str::to_string);
            }
            told.words.fetch_add(1, Ordering::Relaxed);
            told.fresh.store(true, Ordering::Release);
        });
        JobRun {
            job_id: job.job_id,
            lease: job.lease,
            task_id: job.task_id,
            lane: job.lane.parse().unwrap_or(Lane::Cpu),
            step: job.step,
            input: job.input,
            media_id: job.media_id,
            transcript_id: job.transcript_id,
            duration: job.duration,
            attempt: job.attempt,
            run: Run {
                cancel: self.token.clone(),
                progress,
                scratch: scratch.join(format!("{}-{}", job.job_id, job.lease)),
            },
            again: job.again,
            handle: JobHandle { told: self.told.clone() },
        }
    }

    /// Fires the token. The book has taken the lease away already.
    pub fn stop(&mut self, stop: Stop, now: Instant) {
        if self.stopped_at.is_none() {
            tracing::debug!(job = self.job_id, step = self.step, ?stop, "run stopped");
            self.stopped_at = Some(now);
        }
        self.token.cancel();
    }

    /// Looks whether the run takes too long or gives no sign of life, and whether it ended after its token fired.
    /// Answers its last word when it had to be dropped.
    pub fn watch(&mut self, now: Instant) -> Option<Ended> {
        let words = self.told.words.load(Ordering::Relaxed);
        if words != self.last_words {
            self.last_words = words;
            self.last_sign = now;
        }
        if self.stopped_at.is_none() {
            let over = |since: Instant, limit: Duration| now.saturating_duration_since(since) > limit;
            if over(self.started, self.limit) {
                self.overdue = Some(Overdue::Limit);
            } else if over(self.last_sign, self.patience) {
                self.overdue = Some(Overdue::Silent);
            }
            if self.overdue.is_some() {
                tracing::warn!(job = self.job_id, step = self.step, overdue = ?self.overdue, "run stopped");
                self.stopped_at = Some(now);
                self.token.cancel();
            }
            return None;
        }
        let waited = self.stopped_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let task = self.task.as_ref()?;
        if waited < GRACE || task.is_finished() {
            return None;
        }
        tracing::warn!(
            job = self.job_id,
            step = self.step,
            "run dropped: it did not end after it was stopped"
        );
        task.abort();
        let outcome = Outcome::Failure {
            error: self.overdue_error().unwrap_or_else(|| ApiError::new(ErrorCode::Cancelled, "Stopped.")),
            snooze: None,
            engine: self.engine(),
        };
        Some(Ended { job_id: self.job_id, lease: self.lease, outcome, apply: None, events: Vec::new() })
    }

    /// The fault that its last word is replaced with, when the queue itself stopped the run.
    pub fn overdue_error(&self) -> Option<ApiError> {
        self.overdue.map(|overdue| match overdue {
            Overdue::Limit => {
                let minutes = self.limit.as_secs_f64() / 60.0;
                let message =
                    format!("The step \"{}\" ran longer than its limit of {minutes:.1} min.", self.step);
                ApiError::new(ErrorCode::ProcessingTimeout, message)
            }
            Overdue::Silent => {
                let minutes = self.patience.as_secs_f64() / 60.0;
                let message =
                    format!("The step \"{}\" gave no sign of life for {minutes:.1} min.", self.step);
                ApiError::new(ErrorCode::StepStuck, message)
            }
        })
    }

    fn engine(&self) -> Option<String> {
        self.told.engine.lock().ok().and_then(|engine| engine.clone())
    }

    /// What is to be written, if anything is new.
    pub fn fresh_progress(&self) -> Option<Progress> {
        self.told.fresh.swap(false, Ordering::Acquire).then(|| Progress {
            job_id: self.job_id,
            lease: self.lease,
            progress: f64::from_bits(self.told.fraction.load(Ordering::Relaxed)) * 100.0,
            detail: self.told.detail.lock().ok().and_then(|detail| detail.clone()),
            engine: self.engine(),
        })
    }

    /// Drops the run at once.
    pub fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn word(job_id: i64, lease: i64, result: Result<StepOutput, StepFailure>, told: &Told) -> Ended {
    let engine = told.engine.lock().ok().and_then(|engine| engine.clone());
    let (outcome, apply, events) = match result {
        Ok(output) => {
            let success = Success {
                engine: output.engine.or(engine),
                cached: output.cached,
                media_id: output.media_id,
                transcript_id: output.transcript_id,
                note: output.note,
                title: output.title,
                duration: output.duration,
                size: output.size,
                skip_rest: output.skip_rest,
                skip_dependents: output.skip_dependents,
                weights: output.weights,
            };
            (Outcome::Success(success), output.apply, output.events)
        }
        Err(failure) => {
            let outcome = Outcome::Failure { error: failure.error, snooze: failure.snooze, engine };
            (outcome, failure.apply, Vec::new())
        }
    };
    Ended { job_id, lease, outcome, apply, events }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> ApiError {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = text, "a step panicked");
    ApiError::internal("A fault of ours in this step.").with_detail(text)
}

async fn make_scratch(folder: &Path) -> Result<(), StepFailure> {
    tokio::fs::create_dir_all(folder).await.map_err(|error| {
        ApiError::from(media::MediaError::storage("A folder for temporary files could not be made", &error))
            .into()
    })
}

async fn remove_scratch(folder: &Path) {
    match tokio::fs::remove_dir_all(folder).await {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(%error, folder = %folder.display(), "temporary files could not be removed");
        }
    }
}
