//! Rows of webhooks: where to, which events, and whether they are still sent to.

use super::StoreError;
use super::lists::read_json;
use domain::UtcTime;
use rusqlite::{Connection, Row, params};

/// A webhook as its row has it.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookRow {
    pub webhook_id: String,
    pub url: String,
    pub description: String,
    /// Empty: every event but `task.progress`.
    pub events: Vec<String>,
    pub task_id: Option<String>,
    pub batch_id: Option<String>,
    pub allow_local: bool,
    /// `none`, `one` or `two`.
    pub secret: String,
    pub actor: String,
    pub active: bool,
    /// `user`, `gone` or `failing`.
    pub disabled: Option<String>,
    pub failing_since: Option<UtcTime>,
    pub created_at: UtcTime,
    pub updated_at: UtcTime,
}

impl WebhookRow {
    /// Whether it wants to be told of an event.
    pub fn wants(&self, event: &str) -> bool {
        if self.events.is_empty() {
            event != "task.progress"
        } else {
            self.events.iter().any(|wanted| wanted == event)
        }
    }
}

const ROW: &str = "webhook_id, url, description, events, task_id, batch_id, allow_local, secret, actor, active, \
                   disabled, failing_since, created_at, updated_at";

fn read(row: &Row<'_>) -> Result<WebhookRow, StoreError> {
    Ok(WebhookRow {
        webhook_id: row.get(0)?,
        url: row.get(1)?,
        description: row.get(2)?,
        events: read_json(row, 3)?.unwrap_or_default(),
        task_id: row.get(4)?,
        batch_id: row.get(5)?,
        allow_local: row.get(6)?,
        secret: row.get(7)?,
        actor: row.get(8)?,
        active: row.get(9)?,
        disabled: row.get(10)?,
        failing_since: row.get::<_, Option<i64>>(11)?.map(UtcTime),
        created_at: UtcTime(row.get(12)?),
        updated_at: UtcTime(row.get(13)?),
    })
}

fn all(
    conn: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<WebhookRow>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {ROW} FROM webhooks {clause}"))?;
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Writes a webhook.
pub fn insert(conn: &Connection, hook: &WebhookRow) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO webhooks (webhook_id, url, description, events, progress, task_id, batch_id, allow_local, secret,
                               actor, active, disabled, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        hook.webhook_id,
        hook.url,
        hook.description,
        serde_json::to_string(&hook.events)?,
        hook.wants("task.progress"),
        hook.task_id,
        hook.batch_id,
        hook.allow_local,
        hook.secret,
        hook.actor,
        hook.active,
        hook.disabled,
        hook.created_at.0,
        hook.updated_at.0,
    ])?;
    Ok(())
}

/// Writes what the user may change; switching on forgets how long it failed.
pub fn update(conn: &Connection, hook: &WebhookRow, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE webhooks SET url = ?2, description = ?3, events = ?4, progress = ?5, allow_local = ?6, secret = ?7,
                active = ?8, disabled = ?9, failing_since = iif(?8, NULL, failing_since), updated_at = ?10
         WHERE webhook_id = ?1",
    )?
    .execute(params![
        hook.webhook_id,
        hook.url,
        hook.description,
        serde_json::to_string(&hook.events)?,
        hook.wants("task.progress"),
        hook.allow_local,
        hook.secret,
        hook.active,
        hook.disabled,
        now.0,
    ])?;
    Ok(())
}

/// The webhook of an id.
pub fn find(conn: &Connection, id: &str) -> Result<Option<WebhookRow>, StoreError> {
    Ok(all(conn, "WHERE webhook_id = ?1", [id])?.pop())
}

/// The standing webhooks, the newest first.
pub fn standing(conn: &Connection) -> Result<Vec<WebhookRow>, StoreError> {
    all(conn, "WHERE task_id IS NULL AND batch_id IS NULL ORDER BY created_at DESC, webhook_id", [])
}

/// Webhooks that are switched on and may be told of a task: the standing ones and the task's own.
pub fn listening(conn: &Connection, task_id: &str) -> Result<Vec<WebhookRow>, StoreError> {
    let mut found = all(conn, "WHERE task_id IS NULL AND batch_id IS NULL AND active = 1", [])?;
    found.extend(all(conn, "WHERE task_id = ?1 AND active = 1", [task_id])?);
    Ok(found)
}

/// Webhooks that are told of a batch: the standing ones and the batch's own.
pub fn listening_to_batch(conn: &Connection, batch_id: &str) -> Result<Vec<WebhookRow>, StoreError> {
    let mut found = all(conn, "WHERE task_id IS NULL AND batch_id IS NULL AND active = 1", [])?;
    found.extend(all(conn, "WHERE batch_id = ?1 AND active = 1", [batch_id])?);
    Ok(found)
}

/// Whether any webhook that is switched on wants progress.
pub fn any_wants_progress(conn: &Connection) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM webhooks WHERE progress = 1 AND active = 1)")?
        .query_row([], |row| row.get(0))?)
}

/// Whether there is any webhook at all.
pub fn any(conn: &Connection) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM webhooks)")?.query_row([], |row| row.get(0))?)
}

/// Removes a webhook with its deliveries.
pub fn remove(conn: &Connection, id: &str) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM webhooks WHERE webhook_id = ?1")?.execute([id])? == 1)
}

/// Switches a webhook off by itself: `gone` or `failing`.
pub fn disable(conn: &Connection, id: &str, why: &str, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE webhooks SET active = 0, disabled = ?2, updated_at = ?3 WHERE webhook_id = ?1 AND active = 1",
    )?
    .execute(params![id, why, now.0])?;
    Ok(())
}

/// Notes a success (it fails no more) or a failure (it fails since the first one); answers since when it fails.
pub fn set_failing(
    conn: &Connection,
    id: &str,
    failing: bool,
    now: UtcTime,
) -> Result<Option<UtcTime>, StoreError> {
    Ok(conn
        .prepare_cached(
            "UPDATE webhooks SET failing_since = iif(?2, coalesce(failing_since, ?3), NULL) WHERE webhook_id = ?1
             RETURNING failing_since",
        )?
        .query_row(params![id, failing, now.0], |row| row.get::<_, Option<i64>>(0))?
        .map(UtcTime))
}

/// Webhooks of one task or batch whose messages have all ended before `before`, with the ids their secrets go by.
pub fn spent(conn: &Connection, before: UtcTime, limit: u32) -> Result<Vec<String>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT webhook_id FROM webhooks w WHERE (task_id IS NOT NULL OR batch_id IS NOT NULL) AND created_at < ?1
           AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id
                           AND (d.state = 'pending' OR d.ended_at >= ?1))
           AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.task_id = w.task_id
                           AND t.status IN ('queued', 'processing'))
           AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.batch_id = w.batch_id AND b.finished_at IS NULL)
         LIMIT ?2",
    )?;
    let found = statement.query_map(params![before.0, limit], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
