//! Rows that tell of changes of status, and what follows from them in the same transaction: messages to webhooks,
//! figures, the end of a batch.

use super::{StoreError, batches, deliveries, figures};
use domain::{TaskStatus, UtcTime};
use rusqlite::{Connection, params};

fn insert(conn: &Connection, task_id: &str, status: TaskStatus, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO outbox (task_id, status, at) VALUES (?1, ?2, ?3)")?.execute(params![
        task_id,
        status.as_str(),
        now.0
    ])?;
    Ok(())
}

/// Notes that a task was made; called in the transaction that makes it, after its other rows.
pub fn created(conn: &Connection, task_id: &str, now: UtcTime) -> Result<(), StoreError> {
    insert(conn, task_id, TaskStatus::Queued, now)?;
    deliveries::tell(conn, task_id, "task.created", now)
}

/// Notes that a task has a new status; called in the transaction that gives it one.
pub fn add(conn: &Connection, task_id: &str, status: TaskStatus, now: UtcTime) -> Result<(), StoreError> {
    insert(conn, task_id, status, now)?;
    let event = match status {
        // Back in the line for another try: nothing that a listener was promised.
        TaskStatus::Queued => return Ok(()),
        TaskStatus::Processing => "task.started",
        TaskStatus::Completed => "task.completed",
        TaskStatus::Failed => "task.failed",
        TaskStatus::Cancelled => "task.cancelled",
    };
    if status.is_final() {
        figures::count(conn, task_id, status, now)?;
        deliveries::drop_progress(conn, task_id)?;
    }
    deliveries::tell(conn, task_id, event, now)?;
    if status.is_final()
        && let Some(batch) = batches::finish_with(conn, task_id, now)?
    {
        deliveries::tell_batch(conn, &batch, now)?;
    }
    Ok(())
}

/// Removes at most `limit` rows written before `before`; answers how many.
pub fn prune(conn: &Connection, before: UtcTime, limit: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE at < ?1 ORDER BY id LIMIT ?2)";
    Ok(conn.prepare_cached(sql)?.execute(params![before.0, limit])?)
}
