//! One act on many tasks.
//!
//! Leaves the act itself to the command for a single task.
//! Invariant: a task on which the act fails keeps none of the others from it, and is named.

use super::tasks;
use super::types::TaskId;
use crate::Backend;
use domain::{ApiError, Priority};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is done to many tasks at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum BulkAct {
    Cancel,
    Pause,
    Resume,
    Retry,
    PriorityLow,
    PriorityMedium,
    PriorityHigh,
    PriorityUrgent,
}

/// The same act on many tasks; those it does not fit are refused one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct BulkRequest {
    /// At most 1,000.
    pub task_ids: Vec<String>,
    pub act: BulkAct,
}

/// A task on which the act was not done, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct BulkRefused {
    pub task_id: String,
    pub error: ApiError,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct BulkOutcome {
    /// On how many tasks it was done.
    pub done: u32,
    pub refused: Vec<BulkRefused>,
}

/// More tasks than this are given in several requests.
const MOST: usize = 1_000;

/// Does the same to each task, in the order given.
pub async fn run(backend: &Backend, request: BulkRequest) -> Result<BulkOutcome, ApiError> {
    if request.task_ids.is_empty() || request.task_ids.len() > MOST {
        return Err(ApiError::invalid(format!("Give between 1 and {MOST} tasks.")));
    }
    let mut outcome = BulkOutcome { done: 0, refused: Vec::new() };
    if request.act == BulkAct::Retry {
        // A tool that was missing may have been installed since; once for all of them.
        backend.find_tools().await;
    }
    for task_id in request.task_ids {
        match one(backend, &task_id, request.act).await {
            Ok(()) => outcome.done += 1,
            Err(error) => outcome.refused.push(BulkRefused { task_id, error }),
        }
    }
    Ok(outcome)
}

async fn one(backend: &Backend, task_id: &str, act: BulkAct) -> Result<(), ApiError> {
    let queue = &backend.queue;
    let priority = |priority| queue.set_priority(task_id, priority);
    match act {
        BulkAct::Cancel => tasks::cancel(backend, TaskId { task_id: task_id.into() }).await.map(drop),
        BulkAct::Pause => queue.pause(Some(task_id), None).await,
        BulkAct::Resume => queue.resume(Some(task_id), None).await,
        BulkAct::Retry => queue.retry(task_id).await.map(drop),
        BulkAct::PriorityLow => priority(Priority::Low).await.map(drop),
        BulkAct::PriorityMedium => priority(Priority::Medium).await.map(drop),
        BulkAct::PriorityHigh => priority(Priority::High).await.map(drop),
        BulkAct::PriorityUrgent => priority(Priority::Urgent).await.map(drop),
    }
}
