//! New tasks.

use super::{Changes, Ledger, mutex_of};
use crate::queue::types::NewTask;
use crate::store::jobs::{NewJob, Place};
use crate::store::tasks::NewRow;
use crate::store::{StoreError, dependencies, jobs, outbox, tasks};
use domain::{ErrorCode, JobState, UtcTime};
use rusqlite::Connection;
use std::collections::HashMap;

impl Ledger {
    /// Writes a task with its jobs, and the caller's own rows.
    ///
    /// Errors: `RECIPE_INVALID` when a step needs one that is not there.
    pub fn add(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        mut task: NewTask,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        let row = NewRow {
            task_id: &task.task_id,
            kind: task.kind,
            priority: task.priority,
            title: &task.title,
            input: &task.input,
            batch_id: task.batch_id.as_deref(),
            not_before: task.not_before,
            media_id: task.media_id.as_deref(),
            duration: task.duration,
            size: task.size,
        };
        let (seq, seat) = tasks::insert(conn, &row, now)?;
        self.add_jobs(conn, changes, &task, seq, seat, now)?;
        changes.tasks.insert(seq);
        changes.queue = true;
        if let Some(apply) = task.apply.take() {
            apply(conn)?;
        }
        // After the caller's rows: who is to be told of the task may stand among them.
        outbox::created(conn, &task.task_id, now)
    }

    fn add_jobs(
        &mut self,
        conn: &Connection,
        changes: &mut Changes,
        task: &NewTask,
        seq: i64,
        seat: i64,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        let flow = task.batch_id.as_deref().unwrap_or("");
        let rank = task.priority.rank();
        let later = task.not_before.filter(|at| *at > now);
        let mut taken: HashMap<String, i64> = HashMap::new();
        let mut ids: HashMap<&str, i64> = HashMap::new();
        for (position, step) in task.steps.iter().enumerate() {
            let lane = step.lane.clone().unwrap_or_else(|| step.kind.default_lane()).to_string();
            let (state, turn) = if !step.after.is_empty() {
                (JobState::Blocked, 0)
            } else if later.is_some() {
                (JobState::Scheduled, 0)
            } else {
                // A task takes one turn in a lane, however many of its steps may run.
                let turn = match taken.get(&lane) {
                    Some(turn) => *turn,
                    None => self.turns.assign(&lane, rank, flow),
                };
                taken.insert(lane.clone(), turn);
                (JobState::Ready, turn)
            };
            let job_id = jobs::insert(
                conn,
                &NewJob {
                    task: seq,
                    position,
                    step,
                    lane: &lane,
                    place: Place { rank, turn, seat },
                    flow,
                    state,
                    weight: step.kind.default_weight(),
                    max_attempts: self.limits.max_attempts.clamp(1, 6),
                    ready_at: (state == JobState::Ready).then_some(now),
                    run_at: if state == JobState::Scheduled { later } else { None },
                    mutex: mutex_of(step, &task.input, task.media_id.as_deref()).as_deref(),
                },
            )?;
            ids.insert(step.name.as_str(), job_id);
            changes.jobs.insert(job_id);
        }
        for step in &task.steps {
            for needed in &step.after {
                let (Some(job), Some(needs)) = (ids.get(step.name.as_str()), ids.get(needed.as_str())) else {
                    let message =
                        format!("The step \"{}\" needs \"{needed}\", which is not there.", step.name);
                    return Err(StoreError::answer(ErrorCode::RecipeInvalid, message));
                };
                dependencies::add(conn, *job, *needs)?;
            }
        }
        Ok(())
    }
}
