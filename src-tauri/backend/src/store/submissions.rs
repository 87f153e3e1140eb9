//! What a task carries for whoever submitted it, and the answers to idempotency keys.

use super::StoreError;
use super::lists::read_json;
use domain::UtcTime;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

/// What was given with a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Submission {
    /// The token's name, `window` or `command line`.
    pub actor: String,
    /// The user's own object.
    pub metadata: Map<String, Value>,
    /// Of the kind, such as `response_format`.
    pub options: Map<String, Value>,
}

/// Writes it beside its task, in the transaction that makes the task.
pub fn insert(conn: &Connection, task_id: &str, given: &Submission) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO submissions (task, actor, metadata, options)
         SELECT seq, ?2, ?3, ?4 FROM tasks WHERE task_id = ?1",
    )?
    .execute(params![
        task_id,
        given.actor,
        serde_json::to_string(&given.metadata)?,
        serde_json::to_string(&given.options)?
    ])?;
    Ok(())
}

/// What was given with a task; nothing when it was not submitted over the API.
pub fn of_task(conn: &Connection, task_id: &str) -> Result<Option<Submission>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT s.actor, s.metadata, s.options FROM submissions s JOIN tasks t ON t.seq = s.task
         WHERE t.task_id = ?1",
    )?;
    let mut rows = statement.query([task_id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Submission {
        actor: row.get(0)?,
        metadata: read_json(row, 1)?.unwrap_or_default(),
        options: read_json(row, 2)?.unwrap_or_default(),
    }))
}

/// The request and the answer that came with a key before.
pub fn answered(conn: &Connection, actor: &str, key: &str) -> Result<Option<(String, String)>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT request, answer FROM idempotency_keys WHERE actor = ?1 AND key = ?2")?
        .query_row([actor, key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Keeps the answer to a key; false when the key is there already.
pub fn keep_answer(
    conn: &Connection,
    actor: &str,
    key: &str,
    request: &str,
    answer: &str,
    now: UtcTime,
) -> Result<bool, StoreError> {
    let kept = conn
        .prepare_cached(
            "INSERT INTO idempotency_keys (actor, key, request, answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![actor, key, request, answer, now.0])?;
    Ok(kept == 1)
}

/// Forgets keys made before `before`.
pub fn forget_keys(conn: &Connection, before: UtcTime) -> Result<usize, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM idempotency_keys WHERE created_at < ?1")?.execute([before.0])?)
}
