//! What the user does to tasks: cancel, pause, retry, run a step again.

use super::{Changes, Ledger, Stop, end_run, find, settle};
use crate::store::jobs::JobRow;
use crate::store::pauses::{self, Scope};
use crate::store::tasks::TaskRow;
use crate::store::{StoreError, dependencies, jobs, letters, tasks};
use domain::{ErrorCode, JobState, UtcTime};
use rusqlite::Connection;

impl Ledger {
    /// Cancels a task: nothing of it runs again, runs are stopped and their last words refused.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_FINISHED`.
    pub fn cancel(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: &str,
        now: UtcTime,
    ) -> Result<i64, StoreError> {
        let task = find_open(conn, task_id)?;
        for job in jobs::of_task(conn, task.seq)? {
            if job.state.is_final() {
                continue;
            }
            if job.state == JobState::Running {
                end_run(conn, changes, &job, Stop::Cancelled, now)?;
            }
            jobs::cancel(conn, job.job_id, now)?;
            changes.jobs.insert(job.job_id);
        }
        settle(conn, changes, task.seq, now)?;
        Ok(task.seq)
    }

    /// Pauses a task: its runs are stopped and given back.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_FINISHED`.
    pub fn pause_task(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: &str,
        now: UtcTime,
    ) -> Result<i64, StoreError> {
        let task = find_open(conn, task_id)?;
        for job in jobs::of_task(conn, task.seq)? {
            if job.state == JobState::Running {
                give_back(conn, changes, &job, Stop::Paused, now)?;
            }
        }
        jobs::set_held(conn, task.seq, true)?;
        tasks::set_paused(conn, task.seq, true, now)?;
        settle(conn, changes, task.seq, now)?;
        Ok(task.seq)
    }

    /// Undoes [`Ledger::pause_task`].
    pub fn resume_task(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: &str,
        now: UtcTime,
    ) -> Result<i64, StoreError> {
        let task = find(conn, task_id)?;
        jobs::set_held(conn, task.seq, false)?;
        tasks::set_paused(conn, task.seq, false, now)?;
        changes.tasks.insert(task.seq);
        Ok(task.seq)
    }

    /// Pauses a lane, or everything, until `until` or until it is undone; runs are stopped and given back.
    pub fn pause(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        scope: &Scope,
        until: Option<UtcTime>,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        if !pauses::set(conn, scope, until)? {
            return Ok(());
        }
        changes.queue = true;
        let name = match scope {
            Scope::Lane(lane) => Some(lane.to_string()),
            Scope::All | Scope::Hold(_) => None,
        };
        for job in jobs::running(conn, name.as_deref())? {
            give_back(conn, changes, &job, Stop::Paused, now)?;
            settle(conn, changes, job.task, now)?;
        }
        Ok(())
    }

    /// Undoes [`Ledger::pause`].
    pub fn resume(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        scope: &Scope,
    ) -> Result<(), StoreError> {
        if pauses::clear(conn, scope)? {
            changes.queue = true;
        }
        Ok(())
    }

    /// Gives every run back without using up a try: the process ends.
    pub fn release_all(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        now: UtcTime,
    ) -> Result<usize, StoreError> {
        let running = jobs::running(conn, None)?;
        for job in &running {
            give_back(conn, changes, job, Stop::Shutdown, now)?;
            settle(conn, changes, job.task, now)?;
        }
        Ok(running.len())
    }

    /// Tries a task again: its dead and cancelled jobs with all their tries, and at once what was put off.
    /// Finished steps are kept.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_ACTIVE` when nothing of it failed or waits, `TASK_FINISHED`
    /// when it completed.
    pub fn retry(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: &str,
        now: UtcTime,
    ) -> Result<i64, StoreError> {
        let task = find(conn, task_id)?;
        if !self.retry_jobs(conn, changes, &task, now)? {
            return Err(if task.status.is_final() {
                StoreError::answer(ErrorCode::TaskFinished, format!("The task {task_id} has completed."))
            } else {
                let message = format!("The task {task_id} has not failed: there is nothing to try again.");
                StoreError::answer(ErrorCode::TaskActive, message)
            });
        }
        Ok(task.seq)
    }

    /// Tries every task with a dead letter again; answers their ids.
    pub fn retry_all(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        now: UtcTime,
    ) -> Result<Vec<String>, StoreError> {
        let mut retried = Vec::new();
        for seq in tasks::with_dead_letters(conn)? {
            if let Some(task) = tasks::by_seq(conn, seq)?
                && self.retry_jobs(conn, changes, &task, now)?
            {
                retried.push(task.task_id);
            }
        }
        Ok(retried)
    }

    /// Puts dead letters away: of that task, of that code, of both, or all. Their jobs stay dead, their tasks failed.
    /// Answers the jobs' ids.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`.
    pub fn clear_letters(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: Option<&str>,
        code: Option<ErrorCode>,
        now: UtcTime,
    ) -> Result<Vec<i64>, StoreError> {
        let task = task_id.map(|id| find(conn, id)).transpose()?;
        let cleared = letters::clear(conn, task.map(|task| task.seq), code, now)?;
        changes.queue |= !cleared.is_empty();
        Ok(cleared)
    }

    fn retry_jobs(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task: &TaskRow,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let all = jobs::of_task(conn, task.seq)?;
        let ended = |job: &&JobRow| matches!(job.state, JobState::Dead | JobState::Cancelled);
        let put_off = |job: &&JobRow| matches!(job.state, JobState::Scheduled | JobState::Waiting);
        // What waits for the user's own "not before" goes on waiting for it.
        let early = task.not_before.is_some_and(|at| at > now);
        let again: Vec<_> = all.iter().filter(ended).collect();
        let now_instead: Vec<_> = all.iter().filter(put_off).filter(|_| !early).collect();
        if again.is_empty() && now_instead.is_empty() {
            return Ok(false);
        }
        if !again.is_empty() {
            tasks::reopen(conn, task.seq)?;
        }
        for job in &again {
            jobs::reset(conn, job.job_id, false)?;
        }
        for job in &again {
            self.make_ready_if_met(conn, job.job_id, now)?;
            changes.jobs.insert(job.job_id);
        }
        for job in now_instead {
            self.make_ready(conn, job, now)?;
            changes.jobs.insert(job.job_id);
        }
        if task.status.is_final() {
            // A task that ended while it was paused does not stay so when the user tries it again.
            jobs::set_held(conn, task.seq, false)?;
            tasks::set_paused(conn, task.seq, false, now)?;
        }
        settle(conn, changes, task.seq, now)?;
        Ok(true)
    }

    /// Does a step again, and everything that depends on it.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `INVALID_INPUT` when the task has no such step.
    pub fn run_step(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: &str,
        step: &str,
        now: UtcTime,
    ) -> Result<i64, StoreError> {
        let task = find(conn, task_id)?;
        let all = jobs::of_task(conn, task.seq)?;
        let Some(first) = all.iter().find(|job| job.step.name == step) else {
            let known: Vec<_> = all.iter().map(|job| job.step.name.as_str()).collect();
            let message = format!("The task {task_id} has no step \"{step}\". It has: {}.", known.join(", "));
            return Err(StoreError::answer(ErrorCode::InvalidInput, message));
        };
        let mut again = dependencies::dependents(conn, first.job_id)?;
        again.push(first.job_id);
        // What they need and what had failed is tried again too, or they would wait for it for ever.
        let mut needed = Vec::new();
        for job in &again {
            needed.extend(dependencies::ancestors(conn, *job)?);
        }
        tasks::reopen(conn, task.seq)?;
        let redone: Vec<_> = all
            .iter()
            .filter(|job| {
                again.contains(&job.job_id)
                    || needed.contains(&job.job_id)
                        && matches!(job.state, JobState::Dead | JobState::Cancelled)
            })
            .collect();
        for job in &redone {
            if job.state == JobState::Running {
                end_run(conn, changes, job, Stop::Again, now)?;
            }
            jobs::reset(conn, job.job_id, again.contains(&job.job_id))?;
            changes.jobs.insert(job.job_id);
        }
        for job in &redone {
            self.make_ready_if_met(conn, job.job_id, now)?;
        }
        settle(conn, changes, task.seq, now)?;
        Ok(task.seq)
    }

    /// What waited out that fault may go on: a model was installed, the network is back.
    pub fn wake(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        code: ErrorCode,
        now: UtcTime,
    ) -> Result<usize, StoreError> {
        let waiting = jobs::waiting_for(conn, code.as_str())?;
        for job in &waiting {
            self.make_ready(conn, job, now)?;
            changes.jobs.insert(job.job_id);
            changes.tasks.insert(job.task);
        }
        Ok(waiting.len())
    }
}

/// The task of that id, not ended yet.
pub(super) fn find_open(conn: &Connection, task_id: &str) -> Result<TaskRow, StoreError> {
    let task = find(conn, task_id)?;
    if task.status.is_final() {
        let message = format!("The task {task_id} has ended: {}.", task.status);
        return Err(StoreError::answer(ErrorCode::TaskFinished, message));
    }
    Ok(task)
}

fn give_back(
    conn: &Connection,
    changes: &mut Changes,
    job: &JobRow,
    stop: Stop,
    now: UtcTime,
) -> Result<(), StoreError> {
    end_run(conn, changes, job, stop, now)?;
    jobs::give_back(conn, job.job_id, false)
}
