//! What a run says when it ends, or on its way. A word without the current lease is refused.

use super::{Changes, Ledger, cancel_dependents, end_run, mutex_of, settle};
use crate::queue::failure::{self, Next, Snooze, Standing};
use crate::store::jobs::{JobRow, PutOff};
use crate::store::tasks::Findings;
use crate::store::{StoreError, attempts, dependencies, jobs, tasks};
use domain::{ApiError, AttemptOutcome, JobState, UtcTime};
use rusqlite::Connection;

/// A success, as far as it is written into the book.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Success {
    pub engine: Option<String>,
    pub cached: bool,
    pub media_id: Option<String>,
    pub transcript_id: Option<String>,
    pub note: Option<String>,
    pub title: Option<String>,
    pub duration: Option<f64>,
    pub size: Option<u64>,
    pub skip_rest: Vec<String>,
    pub skip_dependents: bool,
    pub weights: Vec<(String, f64)>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Success(Success),
    Failure { error: ApiError, snooze: Option<Snooze>, engine: Option<String> },
}

/// Whether a run's word was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// Its lease is gone: cancelled, paused, run again, or never its own.
    Refused,
}

impl Ledger {
    /// Takes a run's last word. `random` (0..1) spreads the next try.
    #[allow(clippy::too_many_arguments, reason = "time, chance and place are passed in, not kept")]
    pub fn finish(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        job_id: i64,
        lease: i64,
        outcome: &Outcome,
        now: UtcTime,
        random: f64,
    ) -> Result<Verdict, StoreError> {
        let Some(job) = jobs::under_lease(conn, job_id, lease)? else { return Ok(Verdict::Refused) };
        match outcome {
            Outcome::Success(success) => self.succeed(conn, changes, &job, lease, success, now)?,
            Outcome::Failure { error, snooze, engine } => {
                let standing = Standing {
                    attempts: job.attempts,
                    max_attempts: job.max_attempts,
                    snoozed_ms: job.snoozed_ms,
                };
                let next = failure::next(standing, error, *snooze, now, random);
                let outcome = match next {
                    Next::Snooze { .. } => AttemptOutcome::Snoozed,
                    Next::Retry { .. } | Next::Dead => AttemptOutcome::Failed,
                };
                attempts::end(conn, lease, outcome, engine.as_deref(), Some(error), now)?;
                fail(conn, changes, &job, lease, error, next, now)?;
            }
        }
        changes.jobs.insert(job_id);
        settle(conn, changes, job.task, now)?;
        Ok(Verdict::Taken)
    }

    /// Notes how far a run is (`progress` 0 to 100).
    #[allow(clippy::too_many_arguments, reason = "time, chance and place are passed in, not kept")]
    pub fn progress(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        job_id: i64,
        lease: i64,
        progress: f64,
        detail: Option<&str>,
        engine: Option<&str>,
        now: UtcTime,
    ) -> Result<Verdict, StoreError> {
        if !jobs::set_progress(conn, job_id, lease, progress.clamp(0.0, 100.0), detail, engine)? {
            return Ok(Verdict::Refused);
        }
        changes.jobs.insert(job_id);
        if let Some(job) = jobs::get(conn, job_id)? {
            settle(conn, changes, job.task, now)?;
        }
        Ok(Verdict::Taken)
    }

    fn succeed(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        job: &JobRow,
        lease: i64,
        success: &Success,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        attempts::end(conn, lease, AttemptOutcome::Succeeded, success.engine.as_deref(), None, now)?;
        jobs::succeed(conn, job.job_id, success.engine.as_deref(), success.cached, now)?;
        let findings = Findings {
            media_id: success.media_id.as_deref(),
            transcript_id: success.transcript_id.as_deref(),
            note: success.note.as_deref(),
            title: success.title.as_deref(),
            duration: success.duration,
            size: success.size,
        };
        tasks::set_findings(conn, job.task, &findings)?;
        for (step, weight) in &success.weights {
            jobs::set_weight(conn, job.task, step, weight.max(0.0))?;
        }
        if success.media_id.is_some() {
            name_mutexes(conn, job.task)?;
        }
        self.skip(conn, changes, job, success, now)?;
        for next in dependencies::unblocked_by(conn, job.job_id)? {
            self.make_ready_if_met(conn, next, now)?;
            changes.jobs.insert(next);
        }
        Ok(())
    }

    /// Steps that have nothing to do succeed, and what needs only them goes on.
    fn skip(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        job: &JobRow,
        success: &Success,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        if !success.skip_dependents && success.skip_rest.is_empty() {
            return Ok(());
        }
        let dependents =
            if success.skip_dependents { dependencies::dependents(conn, job.job_id)? } else { Vec::new() };
        let all = jobs::of_task(conn, job.task)?;
        let skipped: Vec<_> = all
            .iter()
            .filter(|other| !other.state.is_final() && other.job_id != job.job_id)
            .filter(|other| {
                dependents.contains(&other.job_id) || success.skip_rest.contains(&other.step.name)
            })
            .collect();
        for other in &skipped {
            if other.state == JobState::Running {
                end_run(conn, changes, other, super::Stop::Again, now)?;
            }
            // Nothing was done, so nothing speaks against the task being `cached`.
            jobs::succeed(conn, other.job_id, None, true, now)?;
            changes.jobs.insert(other.job_id);
        }
        for other in &skipped {
            for next in dependencies::unblocked_by(conn, other.job_id)? {
                self.make_ready_if_met(conn, next, now)?;
                changes.jobs.insert(next);
            }
        }
        Ok(())
    }
}

fn fail(
    conn: &Connection,
    changes: &mut Changes,
    job: &JobRow,
    lease: i64,
    error: &ApiError,
    next: Next,
    now: UtcTime,
) -> Result<(), StoreError> {
    match next {
        Next::Retry { at } => {
            let how = PutOff { waiting: false, at, wait_code: None, error, tried: true, snoozed_ms: 0 };
            jobs::put_off(conn, job.job_id, &how)
        }
        Next::Snooze { at, waiting } => {
            let how = PutOff {
                waiting,
                at,
                wait_code: Some(error.code.as_str()),
                error,
                tried: false,
                snoozed_ms: at.since(now).max(0),
            };
            jobs::put_off(conn, job.job_id, &how)?;
            attempts::fold_snoozes(conn, job.job_id, lease, error.code.as_str())
        }
        Next::Dead => {
            jobs::die(conn, job.job_id, error, now)?;
            changes.queue = true;
            cancel_dependents(conn, changes, job.job_id, now)
        }
    }
}

/// Now that the media is known, jobs that do the same to the same media exclude each other.
fn name_mutexes(conn: &Connection, seq: i64) -> Result<(), StoreError> {
    let Some(task) = tasks::by_seq(conn, seq)? else { return Ok(()) };
    for job in jobs::of_task(conn, seq)? {
        if !job.state.is_final() && job.state != JobState::Running {
            let mutex = mutex_of(&job.step, &task.input, task.media_id.as_deref());
            if mutex != job.mutex {
                jobs::set_mutex(conn, job.job_id, mutex.as_deref())?;
            }
        }
    }
    Ok(())
}
