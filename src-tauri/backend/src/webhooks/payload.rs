//! What a message to a webhook says.
//!
//! Invariant: pure; the same shape for every event: `event_type task_id timestamp data user_id metadata`.

use crate::batches;
use crate::store::batches::BatchRow;
use crate::store::submissions::Submission;
use crate::submit::{result_of, view_of};
use domain::{Task, UtcTime};
use serde_json::{Value, json};

/// Every event a webhook can be told of.
pub const EVENTS: [&str; 7] = [
    "task.created",
    "task.started",
    "task.progress",
    "task.completed",
    "task.failed",
    "task.cancelled",
    "batch.completed",
];

/// The message of a task's event.
pub fn of_task(task: &Task, given: Option<&Submission>, event: &str, now: UtcTime) -> Value {
    json!({
        "event_type": event,
        "task_id": task.task_id,
        "timestamp": now,
        "data": {
            "status": task.status,
            "type": task.kind,
            "progress": task.progress,
            "output_data": result_of(task),
            "error": task.error,
        },
        "user_id": given.map(|given| given.actor.as_str()),
        "metadata": view_of(task, given).metadata,
    })
}

/// The one message of a batch that has ended; its `task_id` is the batch's id.
pub fn of_batch(batch: &BatchRow, counts: (u32, u32, u32), now: UtcTime) -> Value {
    let (completed, failed, cancelled) = counts;
    let there = completed + failed + cancelled;
    json!({
        "event_type": "batch.completed",
        "task_id": batch.batch_id,
        "timestamp": now,
        "data": {
            "status": batches::status(there, completed, failed, cancelled),
            "type": "batch",
            "progress": 100.0,
            "output_data": { "total": batch.total, "completed": completed, "failed": failed, "cancelled": cancelled },
            "error": null,
        },
        "user_id": batch.actor,
        "metadata": {},
    })
}

/// The message of the test button.
pub fn of_test(actor: &str, now: UtcTime) -> Value {
    json!({
        "event_type": "webhook.test",
        "task_id": "test",
        "timestamp": now,
        "data": { "status": "completed", "type": "test", "progress": 100.0, "output_data": null, "error": null },
        "user_id": actor,
        "metadata": {},
    })
}
