//! What an earlier process left behind, and what is old enough to go.

use super::{Changes, Ledger, cancel_dependents, settle};
use crate::store::{StoreError, attempts, jobs, outbox, tasks};
use domain::{ApiError, AttemptOutcome, ErrorCode, UtcTime, retry};
use rusqlite::Connection;

/// How the process before this one ended, as far as it can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// By a fault of its own, or for want of memory: what it ran is suspect.
    Fault,
    /// From outside or unknown: killed, power lost. What it ran is not to blame.
    Outside,
}

const HOUR: i64 = 3_600_000;

/// Rows removed in one transaction.
const PRUNED: u32 = 200;

/// Events are kept this long, in milliseconds.
const OUTBOX_MS: i64 = 7 * 24 * HOUR;

/// Ids of expired tasks are remembered this long, in milliseconds.
const TOMBSTONE_MS: i64 = 365 * 24 * HOUR;

impl Ledger {
    /// Puts the book in order after a start: what ran is ready again with its try given back, or dead when it has
    /// brought the process down too often. Answers how many jobs had been running.
    pub fn recover(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        death: Death,
        now: UtcTime,
    ) -> Result<usize, StoreError> {
        let lost = jobs::running(conn, None)?;
        for job in &lost {
            if let Some(lease) = job.lease {
                attempts::end(conn, lease, AttemptOutcome::Lost, None, None, now)?;
            }
            jobs::give_back(conn, job.job_id, death == Death::Fault)?;
            if death == Death::Fault && job.crashes + 1 >= retry::MAX_CRASHES {
                let message = format!("The step \"{}\" brought the program down three times.", job.step.name);
                jobs::die(conn, job.job_id, &ApiError::new(ErrorCode::Crashed, message), now)?;
                cancel_dependents(conn, changes, job.job_id, now)?;
            }
            changes.jobs.insert(job.job_id);
            settle(conn, changes, job.task, now)?;
        }
        self.restore_turns(conn)?;
        Ok(lost.len())
    }

    /// Takes up the turns where the lines stand.
    pub fn restore_turns(&mut self, conn: &Connection) -> Result<(), StoreError> {
        for jobs::Turns { lane, rank, flow, first, last } in jobs::turns(conn)? {
            self.turns.restore(&lane, rank, &flow, first, last);
        }
        Ok(())
    }

    /// Removes some of what is old: ended tasks, events, tombstones. Says whether there may be more.
    pub fn prune(&mut self, conn: &Connection, now: UtcTime) -> Result<bool, StoreError> {
        let kept = i64::from(self.limits.task_days.max(1)) * 24 * HOUR;
        let expired = tasks::expire(conn, now.plus_millis(-kept), PRUNED, now)?;
        let told = outbox::prune(conn, now.plus_millis(-OUTBOX_MS), PRUNED * 10)?;
        tasks::forget_expired(conn, now.plus_millis(-TOMBSTONE_MS))?;
        Ok(expired == PRUNED as usize || told == PRUNED as usize * 10)
    }
}
