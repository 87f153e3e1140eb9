//! Rows that tell of changes of status; webhooks are sent from them.

use super::StoreError;
use domain::{TaskStatus, UtcTime};
use rusqlite::{Connection, params};

/// Notes that a task has a new status; called in the transaction that gives it one.
pub fn add(conn: &Connection, task_id: &str, status: TaskStatus, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO outbox (task_id, status, at) VALUES (?1, ?2, ?3)")?.execute(params![
        task_id,
        status.as_str(),
        now.0
    ])?;
    Ok(())
}

/// Removes at most `limit` rows written before `before`; answers how many.
pub fn prune(conn: &Connection, before: UtcTime, limit: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE at < ?1 ORDER BY id LIMIT ?2)";
    Ok(conn.prepare_cached(sql)?.execute(params![before.0, limit])?)
}
