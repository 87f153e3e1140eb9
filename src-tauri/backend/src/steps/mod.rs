//! What each kind of step does: the bridge between a job of the queue and the work in `media`.
//!
//! Owns choosing inputs, reusing what is there and writing results down; leaves the work itself to `media`,
//! and order, retries and states to the queue.
//! Invariant: a step that succeeded has its result stored in the same transaction; run again, it finds that result.

mod categorize;
pub mod engine;
mod fetch;
mod look;
pub(crate) mod partial;
mod transcribe;
mod transcribe_cloud;

use crate::artifacts::Artifacts;
use crate::cloud::{Cloud, Ledger};
use crate::library::locate;
use crate::queue::{Clock, JobRun, StepFailure, StepOutput, Steps};
use crate::secrets::Secrets;
use crate::settings::SettingsHandle;
use crate::store::Store;
use crate::store::{lists, media as media_rows, urls};
use domain::{ApiError, ErrorCode, Event, MediaInfo, RetryClass, Source, StepKind, TaskStatus, UrlStatus};
use media::speech::SpeechHost;
use media::tools::Tools;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use tokio::sync::broadcast;

pub use fetch::media_id;

/// What the steps need of the rest of the backend.
pub(crate) struct Context {
    pub store: Store,
    pub settings: SettingsHandle,
    pub secrets: Secrets,
    pub cloud: Cloud,
    pub ledger: Ledger,
    pub artifacts: Artifacts,
    /// Where downloads stay once they are whole.
    pub downloads: Artifacts,
    pub data_dir: PathBuf,
    /// What outlives a try: partial downloads, speech being heard.
    pub work_dir: PathBuf,
    pub models_dir: PathBuf,
    pub tools: Arc<RwLock<Tools>>,
    pub speech: SpeechHost,
    pub events: broadcast::Sender<Event>,
    pub clock: Arc<dyn Clock>,
}

impl Context {
    pub(crate) fn tools(&self) -> Tools {
        self.tools.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Tells listeners; nobody listening is fine.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

pub(crate) type Done = Result<StepOutput, StepFailure>;

/// Runs the steps of the built-in kinds.
pub(crate) struct StepRunner(pub Context);

#[async_trait::async_trait]
impl Steps for StepRunner {
    async fn run(&self, job: JobRun) -> Done {
        let context = &self.0;
        let mut done = run_kind(context, &job).await;
        if let Err(failure) = &mut done {
            if job.run.cancel.is_cancelled() {
                remove_if_cancelled(context, &job).await;
            } else {
                mark_url(context, &job, failure);
            }
        }
        done
    }
}

async fn run_kind(context: &Context, job: &JobRun) -> Done {
    match job.step.kind {
        StepKind::Fetch => fetch::run(context, job).await,
        StepKind::Probe => look::probe(context, job).await,
        StepKind::Poster => look::poster(context, job).await,
        StepKind::Filmstrip => look::filmstrip(context, job).await,
        StepKind::Waveform => look::waveform(context, job).await,
        StepKind::Categorize => categorize::run(context, job).await,
        StepKind::Transcribe => transcribe::run(context, job).await,
        StepKind::Noop => Ok(StepOutput::default()),
    }
}

/// A token also fires for a pause or the program's end; only a cancelled task loses its partial files.
async fn remove_if_cancelled(context: &Context, job: &JobRun) {
    let (id, now) = (job.task_id.clone(), context.clock.now());
    match context.store.read(move |conn| lists::task(conn, &id, now)).await {
        Ok(Some(task)) if task.status == TaskStatus::Cancelled => {
            let (folder, id, input) = (context.work_dir.clone(), job.task_id.clone(), job.input.clone());
            if tokio::task::spawn_blocking(move || partial::remove(&folder, &id, &input)).await.is_err() {
                tracing::warn!(task = job.task_id, "partial files could not be removed");
            }
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, task = job.task_id, "partial files may have stayed"),
    }
}

/// A failure that will not be tried again by itself ends the URL's life as `failed`.
fn mark_url(context: &Context, job: &JobRun, failure: &mut StepFailure) {
    let Source::Url { url } = &job.input.source else { return };
    let last = match failure.error.code.retry_class() {
        RetryClass::Permanent => true,
        RetryClass::Passing => job.attempt > context.settings.get().max_retries,
        RetryClass::Waiting => false,
    };
    if last && failure.apply.is_none() {
        let (url, error, now) = (url.clone(), failure.error.clone(), context.clock.now());
        failure.apply = Some(Box::new(move |tx| {
            urls::set_status(tx, &url, UrlStatus::Failed, Some(&error), now).map(drop)
        }));
    }
}

/// A media as a step needs it.
pub(crate) struct Media {
    pub media_id: String,
    /// Where its bytes lie now.
    pub path: PathBuf,
    info: Option<MediaInfo>,
}

impl Media {
    /// What the probe said.
    pub(crate) fn info(&self) -> Result<&MediaInfo, StepFailure> {
        self.info.as_ref().ok_or_else(|| StepFailure::from(ApiError::internal("The media was not probed.")))
    }
}

/// The media of the job's task, with a path that exists, or `FILE_NOT_FOUND` naming where it was.
pub(crate) async fn media_of(context: &Context, job: &JobRun) -> Result<Media, StepFailure> {
    let media_id = job
        .media_id
        .clone()
        .ok_or_else(|| StepFailure::from(ApiError::internal("The step has no media to work on.")))?;
    let found = context
        .store
        .read({
            let media_id = media_id.clone();
            move |conn| match media_rows::find(conn, &media_id)? {
                Some(row) => {
                    Ok(Some((row, media_rows::info(conn, &media_id)?, media_rows::sources(conn, &media_id)?)))
                }
                None => Ok(None),
            }
        })
        .await?;
    let Some((row, info, sources)) = found else {
        let error = ApiError::new(ErrorCode::MediaNotFound, "The media was removed from the library.");
        return Err(StepFailure::from(error));
    };
    match locate(&context.downloads, row.stored.as_deref(), &sources) {
        Some(path) => Ok(Media { media_id, path, info }),
        None => {
            let message = format!("The file is no longer where it was: {}", row.source);
            Err(StepFailure::from(ApiError::new(ErrorCode::FileNotFound, message)))
        }
    }
}

/// Runs blocking file work off the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, StepFailure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(StepFailure::from),
        Err(error) => {
            Err(StepFailure::from(ApiError::internal(format!("A file operation broke off: {error}"))))
        }
    }
}
