//! Rows of batches: tasks that were submitted together.

use super::{StoreError, lists};
use domain::{Task, UtcTime};
use rusqlite::{Connection, OptionalExtension, params};

/// A batch as its row has it.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRow {
    pub batch_id: String,
    pub actor: String,
    pub total: u32,
    pub created_at: UtcTime,
    pub finished_at: Option<UtcTime>,
}

/// Writes a batch, in the transaction that makes its tasks.
pub fn insert(
    conn: &Connection,
    id: &str,
    actor: &str,
    total: usize,
    now: UtcTime,
) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO batches (batch_id, actor, total, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id, actor, total as i64, now.0])?;
    Ok(())
}

/// The batch of an id.
pub fn find(conn: &Connection, id: &str) -> Result<Option<BatchRow>, StoreError> {
    let sql = "SELECT batch_id, actor, total, created_at, finished_at FROM batches WHERE batch_id = ?1";
    Ok(conn
        .prepare_cached(sql)?
        .query_row([id], |row| {
            Ok(BatchRow {
                batch_id: row.get(0)?,
                actor: row.get(1)?,
                total: row.get(2)?,
                created_at: UtcTime(row.get(3)?),
                finished_at: row.get::<_, Option<i64>>(4)?.map(UtcTime),
            })
        })
        .optional()?)
}

/// The tasks of a batch that are still answered for, in the order they were given.
pub fn tasks(conn: &Connection, id: &str, now: UtcTime) -> Result<Vec<Task>, StoreError> {
    lists::tasks_of_batch(conn, id, now)
}

/// The batch of a task that just ended, when that was the last one of it to end for the first time: noted as finished.
pub fn finish_with(conn: &Connection, task_id: &str, now: UtcTime) -> Result<Option<BatchRow>, StoreError> {
    let batch: Option<String> = conn
        .prepare_cached("SELECT batch_id FROM tasks WHERE task_id = ?1 AND batch_id IS NOT NULL")?
        .query_row([task_id], |row| row.get(0))
        .optional()?;
    let Some(batch) = batch else { return Ok(None) };
    let finished = conn
        .prepare_cached(
            "UPDATE batches SET finished_at = ?2 WHERE batch_id = ?1 AND finished_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM tasks WHERE batch_id = ?1
                               AND status NOT IN ('completed', 'failed', 'cancelled'))",
        )?
        .execute(params![batch, now.0])?;
    if finished == 0 { Ok(None) } else { find(conn, &batch) }
}

/// How many tasks of a batch stand in each final status: completed, failed, cancelled.
pub fn counts(conn: &Connection, id: &str) -> Result<(u32, u32, u32), StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT coalesce(sum(status = 'completed'), 0), coalesce(sum(status = 'failed'), 0),
                    coalesce(sum(status = 'cancelled'), 0) FROM tasks WHERE batch_id = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}
