//! Tasks that were submitted together, seen as one.
//!
//! Owns what a batch's status and progress are. Leaves making one to [`crate::submit`] and noting its end to
//! `store::outbox`, in the transaction in which its last task ends.

use crate::Backend;
use crate::api::types::{BatchId, BatchView};
use crate::store::{batches as rows, submissions};
use crate::submit::view_of;
use domain::{ApiError, ErrorCode, TaskStatus};

/// Status of a batch from the counts of its tasks' ends.
pub fn status(total: u32, completed: u32, failed: u32, cancelled: u32) -> &'static str {
    match (completed, failed + cancelled) {
        (completed, others) if completed + others < total => "processing",
        (_, 0) => "completed",
        (0, _) => "failed",
        _ => "partial",
    }
}

/// A batch with its tasks. `BATCH_NOT_FOUND`; `TASK_EXPIRED` when its tasks are not answered for any more.
pub async fn get(backend: &Backend, which: BatchId) -> Result<BatchView, ApiError> {
    let now = backend.clock.now();
    let found = backend.store.read(move |conn| {
        let Some(row) = rows::find(conn, &which.batch_id)? else { return Ok(None) };
        let tasks = rows::tasks(conn, &row.batch_id, now)?;
        let mut views = Vec::with_capacity(tasks.len());
        for task in tasks {
            let given = submissions::of_task(conn, &task.task_id)?;
            views.push(view_of(&task, given.as_ref()));
        }
        Ok(Some((row, views)))
    });
    let Some((row, tasks)) = found.await? else {
        return Err(ApiError::new(ErrorCode::BatchNotFound, "There is no such batch."));
    };
    if tasks.is_empty() {
        return Err(ApiError::new(ErrorCode::TaskExpired, "The tasks of this batch have expired."));
    }
    let count = |status: TaskStatus| tasks.iter().filter(|task| task.status == status).count() as u32;
    let (completed, failed, cancelled) =
        (count(TaskStatus::Completed), count(TaskStatus::Failed), count(TaskStatus::Cancelled));
    // Tasks leave one by one when they expire; what is still there stands for the whole.
    let there = tasks.len() as u32;
    let done: f64 = tasks.iter().map(|task| if task.status.is_final() { 100.0 } else { task.progress }).sum();
    Ok(BatchView {
        batch_id: row.batch_id,
        status: status(there, completed, failed, cancelled).to_string(),
        progress: done / f64::from(there),
        total: row.total,
        completed,
        failed,
        cancelled,
        created_at: row.created_at,
        finished_at: row.finished_at,
        tasks,
    })
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn partial_failure_is_said_plainly() {
        assert_eq!(status(3, 2, 0, 0), "processing");
        assert_eq!(status(3, 3, 0, 0), "completed");
        assert_eq!(status(3, 2, 1, 0), "partial");
        assert_eq!(status(3, 2, 0, 1), "partial");
        assert_eq!(status(3, 0, 2, 1), "failed");
    }
}
