//! Claims: which ready jobs run now, under which lease.

use super::{Changes, Ledger, settle};
use crate::queue::order;
use crate::store::{StoreError, attempts, jobs, pauses, tasks};
use domain::{Step, TaskInput, UtcTime};
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Jobs of a line read at once.
const PAGE: usize = 64;

/// Put-off jobs made ready in one transaction.
const DUE: usize = 500;

/// What is running in this process, including runs that were stopped but have not ended yet: they still hold their
/// place in the lane and their mutex.
#[derive(Clone, Debug, Default)]
pub struct Busy {
    pub lanes: HashMap<String, u32>,
    pub mutexes: HashSet<String>,
    pub jobs: HashSet<i64>,
}

/// A job that may run under its lease.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub job_id: i64,
    pub lease: i64,
    pub task: i64,
    pub task_id: String,
    pub step: Step,
    pub lane: String,
    pub mutex: Option<String>,
    pub input: TaskInput,
    pub media_id: Option<String>,
    pub transcript_id: Option<String>,
    pub duration: Option<f64>,
    /// Which try this is, from 1.
    pub attempt: u32,
    pub again: bool,
}

impl Ledger {
    /// Ends pauses whose time has come and makes ready what is due; says whether more is due than one call handles.
    pub fn promote(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        if pauses::end_due(conn, now)? {
            changes.queue = true;
        }
        let due = jobs::due(conn, now, DUE)?;
        for job in &due {
            self.make_ready(conn, job, now)?;
            changes.jobs.insert(job.job_id);
            changes.tasks.insert(job.task);
        }
        Ok(due.len() == DUE)
    }

    /// Claims at most `room` jobs within the limits of their lanes.
    pub fn claim(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        busy: &Busy,
        room: usize,
        now: UtcTime,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut claimed = Vec::new();
        if !self.limits.work {
            return Ok(claimed);
        }
        let pauses = pauses::load(conn)?;
        if pauses.everything() {
            return Ok(claimed);
        }
        let mut touched = BTreeSet::new();
        let mut mutexes: HashSet<String> = HashSet::new();
        for lane in jobs::lanes_with_ready(conn)? {
            let limit = self.limits.of(&lane);
            let free = limit.saturating_sub(busy.lanes.get(&lane).copied().unwrap_or(0)) as usize;
            let free = free.min(room.saturating_sub(claimed.len()));
            if free == 0 || pauses.covers(&lane) {
                continue;
            }
            let picked = order::pick(
                now.0,
                free,
                |rank, after| jobs::line(conn, &lane, rank, after, PAGE.min(free.max(8))),
                |job| {
                    !busy.jobs.contains(&job.job_id)
                        && job.mutex.as_ref().is_none_or(|mutex| {
                            !busy.mutexes.contains(mutex) && mutexes.insert(mutex.clone())
                        })
                },
            )?;
            for ready in picked {
                self.turns.served(&lane, ready.rank, ready.turn);
                if let Some(job) = start(conn, ready.job_id, now)? {
                    touched.insert(job.task);
                    changes.jobs.insert(job.job_id);
                    claimed.push(job);
                }
            }
        }
        for task in touched {
            settle(conn, changes, task, now)?;
        }
        Ok(claimed)
    }
}

fn start(conn: &Connection, job_id: i64, now: UtcTime) -> Result<Option<Claimed>, StoreError> {
    let lease = attempts::begin(conn, job_id, now)?;
    if !jobs::start(conn, job_id, lease, now)? {
        return Err(StoreError::Damaged(format!("job {job_id} left its line while it was claimed")));
    }
    let Some(job) = jobs::get(conn, job_id)? else { return Ok(None) };
    let Some(task) = tasks::by_seq(conn, job.task)? else { return Ok(None) };
    Ok(Some(Claimed {
        job_id,
        lease,
        task: task.seq,
        task_id: task.task_id,
        lane: job.lane,
        mutex: job.mutex,
        media_id: task.media_id,
        transcript_id: task.transcript_id,
        duration: task.duration,
        attempt: job.attempts,
        again: job.again || task.input.again,
        input: task.input,
        step: job.step,
    }))
}
