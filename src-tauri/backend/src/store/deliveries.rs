//! Rows of webhook messages and their attempts: the outbox of the webhooks.
//!
//! Invariant: a message is written in the transaction of what it tells, and its payload never changes once a try was
//! made of it.

use super::webhooks::WebhookRow;
use super::{StoreError, batches, lists, submissions, webhooks};
use crate::api::types::{AttemptItem, DeliveryItem};
use crate::webhooks::payload;
use domain::UtcTime;
use rusqlite::{Connection, Row, params};

/// Between two messages of one task's progress to one webhook, in milliseconds.
const PROGRESS_MS: i64 = 5_000;

fn insert(
    conn: &Connection,
    webhook_id: &str,
    event: &str,
    about: &str,
    payload: &str,
    due: UtcTime,
    now: UtcTime,
) -> Result<i64, StoreError> {
    Ok(conn
        .prepare_cached(
            "INSERT INTO webhook_deliveries (webhook_id, event_type, task_id, payload, state, due_at, created_at)
             VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6) RETURNING delivery",
        )?
        .query_row(params![webhook_id, event, about, payload, due.0, now.0], |row| row.get(0))?)
}

/// Writes a message to one webhook, due at once.
pub fn add(
    conn: &Connection,
    webhook_id: &str,
    event: &str,
    about: &str,
    payload: &str,
    now: UtcTime,
) -> Result<i64, StoreError> {
    insert(conn, webhook_id, event, about, payload, now, now)
}

/// Writes the messages of a task's event to whoever wants it.
pub fn tell(conn: &Connection, task_id: &str, event: &str, now: UtcTime) -> Result<(), StoreError> {
    let hooks: Vec<WebhookRow> =
        webhooks::listening(conn, task_id)?.into_iter().filter(|hook| hook.wants(event)).collect();
    if hooks.is_empty() {
        return Ok(());
    }
    let Some(text) = text_of(conn, task_id, event, now)? else { return Ok(()) };
    for hook in hooks {
        insert(conn, &hook.webhook_id, event, task_id, &text, now, now)?;
    }
    Ok(())
}

fn text_of(
    conn: &Connection,
    task_id: &str,
    event: &str,
    now: UtcTime,
) -> Result<Option<String>, StoreError> {
    let Some(task) = lists::task(conn, task_id, now)? else { return Ok(None) };
    let given = submissions::of_task(conn, task_id)?;
    Ok(Some(payload::of_task(&task, given.as_ref(), event, now).to_string()))
}

/// Writes the progress of a task: over one that was not sent yet, and at most one every [`PROGRESS_MS`].
pub fn tell_progress(conn: &Connection, task_id: &str, now: UtcTime) -> Result<(), StoreError> {
    const EVENT: &str = "task.progress";
    if !webhooks::any_wants_progress(conn)? {
        return Ok(());
    }
    let hooks = webhooks::listening(conn, task_id)?;
    for hook in hooks.iter().filter(|hook| hook.wants(EVENT)) {
        let last: Option<(i64, bool, i64)> = {
            let mut statement = conn.prepare_cached(
                "SELECT delivery, state = 'pending' AND tries = 0, due_at FROM webhook_deliveries
                 WHERE webhook_id = ?1 AND task_id = ?2 AND event_type = 'task.progress'
                 ORDER BY delivery DESC LIMIT 1",
            )?;
            let mut rows = statement.query(params![hook.webhook_id, task_id])?;
            match rows.next()? {
                Some(row) => Some((row.get(0)?, row.get(1)?, row.get(2)?)),
                None => None,
            }
        };
        let Some(text) = text_of(conn, task_id, EVENT, now)? else { return Ok(()) };
        match last {
            // What is due is perhaps being sent just now: its bytes stay.
            Some((delivery, true, due)) if due > now.0 => {
                conn.prepare_cached("UPDATE webhook_deliveries SET payload = ?2 WHERE delivery = ?1")?
                    .execute(params![delivery, text])?;
            }
            Some((_, _, due)) => {
                let due = UtcTime(now.0.max(due.saturating_add(PROGRESS_MS)));
                insert(conn, &hook.webhook_id, EVENT, task_id, &text, due, now)?;
            }
            None => {
                insert(conn, &hook.webhook_id, EVENT, task_id, &text, now, now)?;
            }
        }
    }
    Ok(())
}

/// Progress that was not sent yet says nothing any more once its task has ended.
pub fn drop_progress(conn: &Connection, task_id: &str) -> Result<(), StoreError> {
    conn.prepare_cached(
        "DELETE FROM webhook_deliveries WHERE delivery IN (
           SELECT d.delivery FROM webhooks w JOIN webhook_deliveries d INDEXED BY deliveries_progress
             ON d.webhook_id = w.webhook_id AND d.task_id = ?1
           WHERE w.progress = 1 AND d.event_type = 'task.progress' AND d.state = 'pending' AND d.tries = 0)",
    )?
    .execute([task_id])?;
    Ok(())
}

/// Writes the one message of a batch that has just ended.
pub fn tell_batch(conn: &Connection, batch: &batches::BatchRow, now: UtcTime) -> Result<(), StoreError> {
    const EVENT: &str = "batch.completed";
    let hooks = webhooks::listening_to_batch(conn, &batch.batch_id)?;
    if !hooks.iter().any(|hook| hook.wants(EVENT)) {
        return Ok(());
    }
    let counts = batches::counts(conn, &batch.batch_id)?;
    let text = payload::of_batch(batch, counts, now).to_string();
    for hook in hooks.iter().filter(|hook| hook.wants(EVENT)) {
        insert(conn, &hook.webhook_id, EVENT, &batch.batch_id, &text, now, now)?;
    }
    Ok(())
}

/// A message to be sent, with what is needed to send it.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub delivery: i64,
    pub task_id: String,
    pub payload: String,
    /// Made before, since it was written or replayed.
    pub tries: u32,
    pub hook: WebhookRow,
}

/// Messages that are due, the oldest first, to webhooks that are switched on; none of `busy`.
pub fn due(conn: &Connection, now: UtcTime, limit: u32) -> Result<Vec<Due>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT d.delivery, d.task_id, d.payload, d.tries, d.webhook_id
         FROM webhook_deliveries d JOIN webhooks w ON w.webhook_id = d.webhook_id
         WHERE d.state = 'pending' AND d.due_at <= ?1 AND w.active = 1 ORDER BY d.due_at, d.delivery LIMIT ?2",
    )?;
    let mut rows = statement.query(params![now.0, limit])?;
    let mut found = Vec::new();
    let mut hooks: Vec<WebhookRow> = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(4)?;
        let hook = match hooks.iter().find(|hook| hook.webhook_id == id) {
            Some(hook) => hook.clone(),
            None => {
                let Some(hook) = webhooks::find(conn, &id)? else { continue };
                hooks.push(hook.clone());
                hook
            }
        };
        found.push(Due {
            delivery: row.get(0)?,
            task_id: row.get(1)?,
            payload: row.get(2)?,
            tries: row.get(3)?,
            hook,
        });
    }
    Ok(found)
}

/// When the next message is due; null when none waits.
pub fn next_due(conn: &Connection) -> Result<Option<UtcTime>, StoreError> {
    let sql = "SELECT min(d.due_at) FROM webhook_deliveries d JOIN webhooks w ON w.webhook_id = d.webhook_id
               WHERE d.state = 'pending' AND w.active = 1";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(UtcTime))
}

/// What came of one try.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    pub at: UtcTime,
    pub millis: i64,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub answer: String,
}

/// Where a message goes after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    At(UtcTime),
    Dead,
}

/// Writes a try and what follows from it. One that was removed meanwhile is passed over.
pub fn tried(
    conn: &Connection,
    delivery: i64,
    tried: &Tried,
    next: Next,
    now: UtcTime,
) -> Result<(), StoreError> {
    let (state, due) = match next {
        Next::Delivered => ("delivered", None),
        Next::At(due) => ("pending", Some(due.0)),
        Next::Dead => ("dead", None),
    };
    let changed = conn
        .prepare_cached(
            "UPDATE webhook_deliveries SET state = ?2, tries = tries + 1, due_at = coalesce(?3, due_at),
                    ended_at = iif(?3 IS NULL, ?4, NULL)
             WHERE delivery = ?1 AND state = 'pending'",
        )?
        .execute(params![delivery, state, due, now.0])?;
    if changed == 1 {
        conn.prepare_cached(
            "INSERT INTO webhook_attempts (delivery, number, at, millis, status, error, answer)
             VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM webhook_attempts WHERE delivery = ?1),
                     ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            delivery,
            tried.at.0,
            tried.millis,
            tried.status,
            tried.error,
            tried.answer
        ])?;
    }
    Ok(())
}

/// Sends a message again from the first try on, under its old id. False: there is none.
pub fn replay(conn: &Connection, webhook_id: &str, delivery: i64, now: UtcTime) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook_deliveries SET state = 'pending', tries = 0, due_at = ?3, ended_at = NULL
               WHERE webhook_id = ?1 AND delivery = ?2";
    Ok(conn.prepare_cached(sql)?.execute(params![webhook_id, delivery, now.0])? == 1)
}

/// Sends everything again that was written since then and did not arrive; answers how many.
pub fn replay_since(
    conn: &Connection,
    webhook_id: &str,
    since: UtcTime,
    now: UtcTime,
) -> Result<usize, StoreError> {
    let sql = "UPDATE webhook_deliveries SET state = 'pending', tries = 0, due_at = ?3, ended_at = NULL
               WHERE webhook_id = ?1 AND created_at >= ?2 AND state <> 'delivered'";
    Ok(conn.prepare_cached(sql)?.execute(params![webhook_id, since.0, now.0])?)
}

fn read(row: &Row<'_>) -> Result<DeliveryItem, StoreError> {
    let (delivery, webhook_id): (i64, String) = (row.get(0)?, row.get(1)?);
    Ok(DeliveryItem {
        delivery,
        message_id: message_id(&webhook_id, delivery),
        webhook_id,
        event_type: row.get(2)?,
        task_id: row.get(3)?,
        state: row.get(4)?,
        tries: row.get(5)?,
        due_at: UtcTime(row.get(6)?),
        created_at: UtcTime(row.get(7)?),
        ended_at: row.get::<_, Option<i64>>(8)?.map(UtcTime),
        attempts: Vec::new(),
    })
}

/// The id a message keeps on every try: the `webhook-id` header.
pub fn message_id(webhook_id: &str, delivery: i64) -> String {
    format!("msg_{webhook_id}_{delivery}")
}

/// A page of a webhook's messages with their attempts, the newest first, and how many there are.
pub fn list(
    conn: &Connection,
    webhook_id: &str,
    state: Option<&str>,
    limit: u32,
    offset: u32,
) -> Result<(u64, Vec<DeliveryItem>), StoreError> {
    let total: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = ?1 AND (?2 IS NULL OR state = ?2)",
        )?
        .query_row(params![webhook_id, state], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(
        "SELECT delivery, webhook_id, event_type, task_id, state, tries, due_at, created_at, ended_at
         FROM webhook_deliveries WHERE webhook_id = ?1 AND (?2 IS NULL OR state = ?2)
         ORDER BY delivery DESC LIMIT ?3 OFFSET ?4",
    )?;
    let mut rows = statement.query(params![webhook_id, state, limit, offset])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    for item in &mut items {
        item.attempts = attempts(conn, item.delivery)?;
    }
    Ok((total.unsigned_abs(), items))
}

fn attempts(conn: &Connection, delivery: i64) -> Result<Vec<AttemptItem>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT number, at, millis, status, error, answer FROM webhook_attempts WHERE delivery = ?1 ORDER BY number",
    )?;
    let rows = statement.query_map([delivery], |row| {
        Ok(AttemptItem {
            number: row.get(0)?,
            at: UtcTime(row.get(1)?),
            millis: row.get::<_, i64>(2)?.unsigned_abs(),
            status: row.get(3)?,
            error: row.get(4)?,
            answer: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Messages by state, of one webhook or of all: pending, delivered, dead; and the tries in all.
pub fn counts(conn: &Connection, webhook_id: Option<&str>) -> Result<[u64; 4], StoreError> {
    let (pending, delivered, dead): (i64, i64, i64) = conn
        .prepare_cached(
            "SELECT coalesce(sum(state = 'pending'), 0), coalesce(sum(state = 'delivered'), 0),
                    coalesce(sum(state = 'dead'), 0) FROM webhook_deliveries WHERE ?1 IS NULL OR webhook_id = ?1",
        )?
        .query_row([webhook_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let tries: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM webhook_attempts a JOIN webhook_deliveries d ON d.delivery = a.delivery
             WHERE ?1 IS NULL OR d.webhook_id = ?1",
        )?
        .query_row([webhook_id], |row| row.get(0))?;
    Ok([pending, delivered, dead, tries].map(i64::unsigned_abs))
}

/// Removes at most `limit` messages that ended before `before`.
pub fn prune(conn: &Connection, before: UtcTime, limit: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM webhook_deliveries WHERE delivery IN
                 (SELECT delivery FROM webhook_deliveries WHERE ended_at < ?1 LIMIT ?2)";
    Ok(conn.prepare_cached(sql)?.execute(params![before.0, limit])?)
}
