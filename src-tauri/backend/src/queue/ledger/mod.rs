//! The queue's book: every change of a job or task, as a function of the database, the time and a random number.
//!
//! Owns the state machine. Leaves running steps, waiting and telling to `runner`, `execution` and `announce`.
//! Invariant: no clock, no randomness, no threads; each function leaves the book consistent inside the caller's
//! transaction, roll-up and outbox included. A simulation drives exactly these functions.

mod add;
mod claim;
mod control;
mod finish;
mod order;
mod recover;

pub use claim::{Busy, Claimed};
pub use finish::{Outcome, Success, Verdict};
pub use recover::Death;

use super::order::Turns;
use super::rollup;
use super::types::Limits;
use crate::store::jobs::{JobRow, Place};
use crate::store::tasks::TaskRow;
use crate::store::{StoreError, attempts, deliveries, dependencies, jobs, outbox, tasks};
use domain::{AttemptOutcome, ErrorCode, Event, JobState, Step, StepKind, TaskInput, TaskStatus, UtcTime};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Why a run is being stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Cancelled,
    Paused,
    Shutdown,
    /// The step is to be run again from its start.
    Again,
}

/// What changed, to be told after the commit.
#[derive(Debug, Default)]
pub struct Changes {
    /// Numbers of tasks.
    pub tasks: BTreeSet<i64>,
    pub jobs: BTreeSet<i64>,
    /// Pause flags, lanes or counts.
    pub queue: bool,
    /// What steps have to tell.
    pub events: Vec<Event>,
    /// Leases whose runs are to be stopped.
    pub stopped: Vec<(i64, Stop)>,
}

/// The part of the book that lives in memory: the turns given out, and the limits.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(super) turns: Turns,
    pub limits: Limits,
}

impl Ledger {
    pub fn new(limits: Limits) -> Self {
        Self { turns: Turns::default(), limits }
    }

    /// Makes a job ready, at the end of its batch's turns, or at the turn its task has taken in the lane before.
    fn make_ready(&mut self, conn: &Connection, job: &JobRow, now: UtcTime) -> Result<(), StoreError> {
        let turn = match jobs::turn_taken(conn, job.task, &job.lane, job.place.rank)? {
            Some(turn) => turn,
            None => self.turns.assign(&job.lane, job.place.rank, &job.flow),
        };
        jobs::make_ready(conn, job.job_id, Place { turn, ..job.place }, now)
    }

    /// Makes a job ready if all it needs has succeeded; it stays blocked otherwise.
    fn make_ready_if_met(&mut self, conn: &Connection, job_id: i64, now: UtcTime) -> Result<(), StoreError> {
        if dependencies::met(conn, job_id)?
            && let Some(job) = jobs::get(conn, job_id)?
        {
            self.make_ready(conn, &job, now)?;
        }
        Ok(())
    }
}

/// Takes a run's lease away and stops it; the job itself is the caller's to move. `job` runs.
fn end_run(
    conn: &Connection,
    changes: &mut Changes,
    job: &JobRow,
    stop: Stop,
    now: UtcTime,
) -> Result<(), StoreError> {
    let Some(lease) = job.lease else { return Ok(()) };
    let outcome = match stop {
        Stop::Cancelled => AttemptOutcome::Cancelled,
        Stop::Paused | Stop::Shutdown | Stop::Again => AttemptOutcome::Snoozed,
    };
    attempts::end(conn, lease, outcome, None, None, now)?;
    changes.stopped.push((lease, stop));
    changes.jobs.insert(job.job_id);
    Ok(())
}

/// Rolls a task up from its jobs and writes the outbox row when its status changed.
fn settle(conn: &Connection, changes: &mut Changes, seq: i64, now: UtcTime) -> Result<(), StoreError> {
    let Some((task_id, status, progress)) = tasks::before_rollup(conn, seq)? else { return Ok(()) };
    let rolled = rollup::rollup(&jobs::summaries(conn, seq)?, progress);
    tasks::set_rollup(conn, seq, &rolled, now)?;
    changes.tasks.insert(seq);
    if rolled.status != status {
        outbox::add(conn, &task_id, rolled.status, now)?;
        changes.queue = true;
    } else if rolled.progress > progress && rolled.status == TaskStatus::Processing {
        deliveries::tell_progress(conn, &task_id, now)?;
    }
    Ok(())
}

/// The task of that id, or `TASK_NOT_FOUND` or `TASK_EXPIRED`.
fn find(conn: &Connection, task_id: &str) -> Result<TaskRow, StoreError> {
    match tasks::by_id(conn, task_id)? {
        Some(task) => Ok(task),
        None => Err(missing(conn, task_id)?),
    }
}

/// Why there is no task of that id.
pub(in crate::queue) fn missing(conn: &Connection, task_id: &str) -> Result<StoreError, StoreError> {
    Ok(if tasks::has_expired(conn, task_id)? {
        StoreError::answer(
            ErrorCode::TaskExpired,
            format!("The answer for the task {task_id} has expired. What it made is still in the library."),
        )
    } else {
        StoreError::answer(ErrorCode::TaskNotFound, format!("There is no task {task_id}."))
    })
}

/// Cancels everything that needs a job that will not succeed.
fn cancel_dependents(
    conn: &Connection,
    changes: &mut Changes,
    job_id: i64,
    now: UtcTime,
) -> Result<(), StoreError> {
    for later in dependencies::dependents(conn, job_id)? {
        if let Some(job) = jobs::get(conn, later)?
            && !job.state.is_final()
        {
            if job.state == JobState::Running {
                end_run(conn, changes, &job, Stop::Cancelled, now)?;
            }
            jobs::cancel(conn, later, now)?;
            changes.jobs.insert(later);
        }
    }
    Ok(())
}

/// What a step must not run beside: another job doing the same thing to the same media or source.
/// A `noop` has none unless its options name one.
fn mutex_of(step: &Step, input: &TaskInput, media_id: Option<&str>) -> Option<String> {
    if step.kind == StepKind::Noop {
        return step.options.get("mutex").and_then(|name| name.as_str()).map(str::to_string);
    }
    let mut hasher = blake3::Hasher::new();
    let mut field = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    field(step.kind.as_str());
    match media_id {
        Some(media_id) if step.kind != StepKind::Fetch => field(media_id),
        _ => field(input.source.as_str()),
    }
    if step.kind == StepKind::Transcribe {
        field(&input.engine);
        field(&input.language);
    }
    for (name, value) in &step.options {
        field(name);
        field(&value.to_string());
    }
    Some(hasher.finalize().to_hex()[..32].to_string())
}
