//! The durable queue: tasks in, steps run, nothing lost, nothing done twice.
//!
//! Owns claims, leases, retries, order, pauses, limits and events. Leaves what a step does to [`Steps`], SQL to
//! `store`, and what surfaces ask for to `api`.
//! Invariant: a change of state, its roll-up and its outbox row are one transaction; a run's word counts only under
//! its lease; the logic reads no clock and no randomness of its own ([`Clock`] is passed in).

pub mod failure;
pub mod ledger;
pub mod order;
pub mod rollup;

mod announce;
mod death;
mod execution;
mod runner;
mod types;

pub use execution::JobHandle;
pub use types::{Apply, Clock, JobRun, Limits, NewTask, Snooze, StepFailure, StepOutput, Steps};

use crate::api::types::{DeadLetter, Page, PageQuery, QueueStatus, TaskDetail, TaskQuery};
use crate::store::pauses::Scope;
use crate::store::{Store, StoreError, lists};
use announce::Announcer;
use domain::{ApiError, ErrorCode, Event, Lane, Priority, Task, UtcTime};
use ledger::{Changes, Death, Ledger};
use runner::{Runner, Shared};
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Items of a page unless the caller says otherwise, and at most.
const PAGE: u32 = 20;
const LARGEST_PAGE: u32 = 500;

/// A handle on the running queue; clones share it.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
    runner: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Queue {
    /// Puts the book in order after whatever ended the process before, and begins to work.
    ///
    /// The caller owns the data folder: every job that is `running` in the store belongs to a dead process.
    /// `scratch` is the folder in which each run gets a folder of its own; leftovers of earlier runs are removed.
    /// Errors: `DISK_FULL`, `STORAGE_FAULT`.
    pub async fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        steps: Arc<dyn Steps>,
        limits: Limits,
        events: broadcast::Sender<Event>,
        scratch: PathBuf,
    ) -> Result<Queue, ApiError> {
        remove_leftovers(&scratch);
        let (ended, words) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            announcer: Announcer::start(store.clone(), clock.clone(), events),
            store,
            clock,
            steps,
            ledger: Mutex::new(Ledger::new(limits)),
            runs: Mutex::new(HashMap::new()),
            wake: Notify::new(),
            stop: CancellationToken::new(),
            ended,
            scratch,
        });
        let death = death_before(&shared.store);
        let recovering = shared.clone();
        let lost = shared
            .store
            .write(move |conn| {
                let now = recovering.clock.now();
                recovering.ledger().recover(conn, &mut Changes::default(), death, now)
            })
            .await?;
        if lost > 0 {
            tracing::info!(jobs = lost, ?death, "jobs of an ended process are ready again");
        }
        let runner = tokio::spawn(Runner::new(shared.clone(), words).run());
        shared.wake.notify_one();
        Ok(Queue { shared, runner: Arc::new(Mutex::new(Some(runner))) })
    }

    /// Stops the work: runs are stopped, their jobs ready again with the try given back. Waits at most `drain` for the
    /// runs to end, then drops them.
    pub async fn shutdown(&self, drain: Duration) -> Result<(), ApiError> {
        self.shared.stop.cancel();
        let runner = self.runner.lock().ok().and_then(|mut runner| runner.take());
        if let Some(runner) = runner
            && runner.await.is_err()
        {
            tracing::error!("the queue's runner had panicked");
        }
        Runner::drain(&self.shared, drain).await?;
        death::ended(self.shared.store.folder());
        Ok(())
    }

    /// Adds tasks, all or none, in one transaction. What may run at once starts right after the commit.
    pub async fn add(&self, tasks: Vec<NewTask>) -> Result<Vec<Task>, ApiError> {
        let ids: Vec<String> = tasks.iter().map(|task| task.task_id.clone()).collect();
        let added = self.shared.change(move |ledger, conn, changes, now| {
            for task in tasks {
                ledger.add(conn, changes, task, now)?;
            }
            ids.iter().map(|id| shown(conn, id, now)).collect()
        });
        Ok(added.await?)
    }

    /// [`Queue::add`] without reading the tasks back: for many at once.
    pub async fn add_quietly(&self, tasks: Vec<NewTask>) -> Result<(), ApiError> {
        let added = self.shared.change(move |ledger, conn, changes, now| {
            tasks.into_iter().try_for_each(|task| ledger.add(conn, changes, task, now))
        });
        Ok(added.await?)
    }

    /// Cancels a task. When this answers nothing of it can be stored any more; its runs end within 2 s.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_FINISHED`.
    pub async fn cancel(&self, task_id: &str) -> Result<Task, ApiError> {
        let id = task_id.to_string();
        self.change_task(move |ledger, conn, changes, now| ledger.cancel(conn, changes, &id, now)).await
    }

    /// Pauses one task, one lane, or everything when both are null. Runs are stopped and given back.
    pub async fn pause(&self, task_id: Option<&str>, lane: Option<Lane>) -> Result<(), ApiError> {
        match task_id.map(str::to_string) {
            Some(id) => {
                let changed = self.shared.change(move |ledger, conn, changes, now| {
                    ledger.pause_task(conn, changes, &id, now).map(drop)
                });
                Ok(changed.await?)
            }
            None => self.hold(Scope::of_user(lane), None).await,
        }
    }

    /// Pauses a lane or everything until `until`, or until it is let go. Runs are stopped and given back.
    pub async fn hold(&self, scope: Scope, until: Option<UtcTime>) -> Result<(), ApiError> {
        let changed = self
            .shared
            .change(move |ledger, conn, changes, now| ledger.pause(conn, changes, &scope, until, now));
        Ok(changed.await?)
    }

    /// Undoes [`Queue::hold`].
    pub async fn let_go(&self, scope: Scope) -> Result<(), ApiError> {
        Ok(self.shared.change(move |ledger, conn, changes, _| ledger.resume(conn, changes, &scope)).await?)
    }

    /// Undoes [`Queue::pause`].
    pub async fn resume(&self, task_id: Option<&str>, lane: Option<Lane>) -> Result<(), ApiError> {
        match task_id.map(str::to_string) {
            Some(id) => {
                let changed = self.shared.change(move |ledger, conn, changes, now| {
                    ledger.resume_task(conn, changes, &id, now).map(drop)
                });
                Ok(changed.await?)
            }
            None => self.let_go(Scope::of_user(lane)).await,
        }
    }

    /// Tries a failed or cancelled task again, or at once what was put off; finished steps are kept.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_ACTIVE`, `TASK_FINISHED`.
    pub async fn retry(&self, task_id: &str) -> Result<Task, ApiError> {
        let id = task_id.to_string();
        self.change_task(move |ledger, conn, changes, now| ledger.retry(conn, changes, &id, now)).await
    }

    /// Tries everything in the dead letters again; answers the tasks' ids.
    pub async fn retry_all(&self) -> Result<Vec<String>, ApiError> {
        Ok(self.shared.change(|ledger, conn, changes, now| ledger.retry_all(conn, changes, now)).await?)
    }

    /// Puts dead letters away: of that task, of that code, of both, or all when both are null. Answers the jobs' ids.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`.
    pub async fn clear_letters(
        &self,
        task_id: Option<String>,
        code: Option<ErrorCode>,
    ) -> Result<Vec<i64>, ApiError> {
        let cleared = self.shared.change(move |ledger, conn, changes, now| {
            ledger.clear_letters(conn, changes, task_id.as_deref(), code, now)
        });
        Ok(cleared.await?)
    }

    /// Puts a task right before another, or last. See [`Ledger::reorder`].
    pub async fn reorder(&self, task_id: &str, before: Option<&str>) -> Result<Task, ApiError> {
        let (id, before) = (task_id.to_string(), before.map(str::to_string));
        self.change_task(move |ledger, conn, changes, now| {
            ledger.reorder(conn, changes, &id, before.as_deref(), now)
        })
        .await
    }

    /// Gives a task another priority.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_FINISHED`.
    pub async fn set_priority(&self, task_id: &str, priority: Priority) -> Result<Task, ApiError> {
        let id = task_id.to_string();
        self.change_task(move |ledger, conn, changes, now| {
            ledger.set_priority(conn, changes, &id, priority, now)
        })
        .await
    }

    /// Does a step, and what depends on it, again.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `INVALID_INPUT` for an unknown step.
    pub async fn run_step(&self, task_id: &str, step: &str) -> Result<TaskDetail, ApiError> {
        let (id, step) = (task_id.to_string(), step.to_string());
        self.change_task(move |ledger, conn, changes, now| ledger.run_step(conn, changes, &id, &step, now))
            .await?;
        self.get(task_id).await
    }

    /// What waited out that fault goes on: a model was installed, a tool found, the network is back.
    /// Answers how many jobs.
    pub async fn wake(&self, code: ErrorCode) -> Result<usize, ApiError> {
        Ok(self
            .shared
            .change(move |ledger, conn, changes, now| ledger.wake(conn, changes, code, now))
            .await?)
    }

    /// Takes over new limits; what runs already goes on.
    pub async fn set_limits(&self, limits: Limits) -> Result<(), ApiError> {
        let changed = self.shared.change(move |ledger, _, changes, _| {
            ledger.limits = limits;
            changes.queue = true;
            Ok(())
        });
        Ok(changed.await?)
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.shared.ledger().limits.clone()
    }

    /// One page of the tasks.
    ///
    /// Errors: `INVALID_INPUT` for an unknown order or a limit out of range.
    pub async fn list(&self, query: TaskQuery) -> Result<Page<Task>, ApiError> {
        let (limit, offset) = page(query.limit, query.offset)?;
        let now = self.shared.clock.now();
        let read = self.shared.store.read(move |conn| lists::tasks(conn, &query, limit, offset, now));
        let (total, items) = read.await?;
        Ok(Page { total, limit, offset, items })
    }

    /// A task with its steps and their attempts.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`.
    pub async fn get(&self, task_id: &str) -> Result<TaskDetail, ApiError> {
        let (id, now) = (task_id.to_string(), self.shared.clock.now());
        let read = self.shared.store.read(move |conn| {
            let task = shown(conn, &id, now)?;
            Ok(TaskDetail { task, jobs: lists::jobs_of(conn, &id)? })
        });
        Ok(read.await?)
    }

    /// One page of the dead letters, newest first.
    pub async fn dead_letters(&self, query: PageQuery) -> Result<Page<DeadLetter>, ApiError> {
        let (limit, offset) = page(query.limit, query.offset)?;
        let (total, items) =
            self.shared.store.read(move |conn| lists::dead_letters(conn, limit, offset)).await?;
        Ok(Page { total, limit, offset, items })
    }

    /// The queue at a glance.
    pub async fn status(&self) -> Result<QueueStatus, ApiError> {
        let limits = self.limits();
        Ok(self.shared.store.read(move |conn| lists::queue_status(conn, &limits)).await?)
    }

    /// A change that names a task; answers the task after it.
    async fn change_task<F>(&self, work: F) -> Result<Task, ApiError>
    where
        F: FnOnce(&mut Ledger, &Connection, &mut Changes, UtcTime) -> Result<i64, StoreError>
            + Send
            + 'static,
    {
        let changed = self.shared.change(move |ledger, conn, changes, now| {
            let seq = work(ledger, conn, changes, now)?;
            lists::task_by_seq(conn, seq, now)?
                .ok_or_else(|| StoreError::Damaged(format!("task number {seq} is gone")))
        });
        Ok(changed.await?)
    }
}

/// How the process before this one ended; unknown counts as from outside.
fn death_before(store: &Store) -> Death {
    death::watch(store.folder()).unwrap_or_else(|error| {
        tracing::warn!(%error, "it cannot be known how the last process ended");
        Death::Outside
    })
}

fn shown(conn: &Connection, task_id: &str, now: UtcTime) -> Result<Task, StoreError> {
    match lists::task(conn, task_id, now)? {
        Some(task) => Ok(task),
        None => Err(ledger::missing(conn, task_id)?),
    }
}

fn page(limit: Option<u32>, offset: Option<u32>) -> Result<(u32, u32), ApiError> {
    let limit = limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(ApiError::invalid(format!("limit is {limit}; it must lie between 1 and {LARGEST_PAGE}")));
    }
    Ok((limit, offset.unwrap_or(0)))
}

/// Removes folders of runs that a dead process left: names of the form `<job>-<lease>`.
fn remove_leftovers(scratch: &Path) {
    let Ok(entries) = std::fs::read_dir(scratch) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_run = name.to_str().and_then(|name| name.split_once('-')).is_some_and(|(job, lease)| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits(job) && digits(lease)
        });
        if is_run && let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, folder = %entry.path().display(), "temporary files could not be removed");
        }
    }
}
