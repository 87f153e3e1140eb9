//! Priority and place by the user's hand.

use super::control::find_open;
use super::{Changes, Ledger};
use crate::store::jobs::Place;
use crate::store::tasks::SEAT_GAP;
use crate::store::{StoreError, jobs, tasks};
use domain::{ErrorCode, JobState, Priority, UtcTime};
use rusqlite::Connection;

impl Ledger {
    /// Gives a task another priority; it takes a new turn there.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_FINISHED`.
    pub fn set_priority(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: &str,
        priority: Priority,
        now: UtcTime,
    ) -> Result<i64, StoreError> {
        let task = find_open(conn, task_id)?;
        let rank = priority.rank();
        if task.rank != rank {
            tasks::set_place(conn, task.seq, rank, task.seat, now)?;
            for job in jobs::of_task(conn, task.seq)? {
                let turn = match job.state {
                    JobState::Ready => self.turns.assign(&job.lane, rank, &job.flow),
                    _ => 0,
                };
                jobs::set_place(conn, job.job_id, Place { rank, turn, seat: job.place.seat })?;
            }
        }
        changes.tasks.insert(task.seq);
        Ok(task.seq)
    }

    /// Puts a task right before another one, taking over its priority, or last within its own when `before` is null.
    ///
    /// Errors: `TASK_NOT_FOUND`, `TASK_EXPIRED`, `TASK_FINISHED`, `INVALID_INPUT` for a task before itself.
    pub fn reorder(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task_id: &str,
        before: Option<&str>,
        now: UtcTime,
    ) -> Result<i64, StoreError> {
        let task = find_open(conn, task_id)?;
        let (rank, seat, other) = match before {
            Some(before) => {
                let other = find_open(conn, before)?;
                if other.seq == task.seq {
                    let message = format!("The task {task_id} cannot stand before itself.");
                    return Err(StoreError::answer(ErrorCode::InvalidInput, message));
                }
                (other.rank, seat_before(conn, other.rank, other.seat)?, Some(other.seq))
            }
            None => (task.rank, tasks::last_seat(conn)? + SEAT_GAP, None),
        };
        tasks::set_place(conn, task.seq, rank, seat, now)?;
        let others = match other {
            Some(other) => jobs::of_task(conn, other)?,
            None => Vec::new(),
        };
        for job in jobs::of_task(conn, task.seq)? {
            let beside = others.iter().find(|o| o.state == JobState::Ready && o.lane == job.lane);
            let turn = match (job.state, beside) {
                (JobState::Ready, Some(beside)) => beside.place.turn,
                // Last of all, or before a task that does not stand in this lane: a turn of its own.
                (JobState::Ready, None) if other.is_none() => {
                    self.turns.assign_last(&job.lane, rank, &job.flow)
                }
                (JobState::Ready, None) => self.turns.assign(&job.lane, rank, &job.flow),
                _ => 0,
            };
            jobs::set_place(conn, job.job_id, Place { rank, turn, seat })?;
        }
        changes.tasks.insert(task.seq);
        changes.queue = true;
        Ok(task.seq)
    }
}

/// A seat between the one at `seat` and the one below it; makes room when there is none.
fn seat_before(conn: &Connection, rank: i64, seat: i64) -> Result<i64, StoreError> {
    let below = tasks::seat_below(conn, rank, seat)?.unwrap_or(seat - 2 * SEAT_GAP);
    if seat - below >= 2 {
        return Ok(below + (seat - below) / 2);
    }
    tasks::lift_seats(conn, rank, seat, SEAT_GAP)?;
    jobs::lift_seats(conn, rank, seat, SEAT_GAP)?;
    Ok(below + SEAT_GAP / 2)
}
