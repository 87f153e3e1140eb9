//! Rows of tasks: what the queue reads and writes when it moves them. What surfaces are shown is in [`super::lists`].

use super::StoreError;
use super::rows::word_at;
use crate::queue::rollup::Rollup;
use domain::{Priority, TaskInput, TaskKind, TaskStatus, UtcTime};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A task to be written.
pub struct NewRow<'a> {
    pub task_id: &'a str,
    pub kind: TaskKind,
    pub priority: Priority,
    pub title: &'a str,
    pub input: &'a TaskInput,
    pub batch_id: Option<&'a str>,
    pub not_before: Option<UtcTime>,
    pub media_id: Option<&'a str>,
    pub duration: Option<f64>,
    pub size: Option<u64>,
}

/// Room left between the seats of two tasks, so that others can be put between them.
pub const SEAT_GAP: i64 = 1 << 20;

/// Writes a task, queued, and answers its number and seat.
pub fn insert(conn: &Connection, task: &NewRow<'_>, now: UtcTime) -> Result<(i64, i64), StoreError> {
    let (input, size) =
        (serde_json::to_string(task.input)?, task.size.map(|s| i64::try_from(s).unwrap_or(i64::MAX)));
    conn.prepare_cached(
        "INSERT INTO tasks (task_id, kind, status, priority, seat, title, source, input, media_id, batch_id, not_before,
                            created_at, updated_at, duration, size)
         VALUES (?1, ?2, 'queued', ?3, coalesce((SELECT max(seq) FROM tasks), 0) * ?14, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                 ?11, ?12, ?13)
         RETURNING seq, seat",
    )?
    .query_row(params![
        task.task_id,
        task.kind.as_str(),
        task.priority.rank(),
        task.title,
        task.input.source.as_str(),
        input,
        task.media_id,
        task.batch_id,
        task.not_before.map(|t| t.0),
        now.0,
        now.0,
        task.duration,
        size,
        SEAT_GAP,
    ], |row| Ok((row.get(0)?, row.get(1)?)))
    .map_err(StoreError::from)
}

/// What the queue knows of a task when it moves it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRow {
    pub seq: i64,
    pub task_id: String,
    pub status: TaskStatus,
    pub paused: bool,
    pub rank: i64,
    pub seat: i64,
    pub progress: f64,
    pub media_id: Option<String>,
    pub transcript_id: Option<String>,
    pub input: TaskInput,
    pub not_before: Option<UtcTime>,
    pub duration: Option<f64>,
}

const ROW: &str = "seq, task_id, status, paused, priority, seat, progress, media_id, transcript_id, input, \
                   not_before, duration";

fn read(row: &Row<'_>) -> Result<TaskRow, StoreError> {
    Ok(TaskRow {
        seq: row.get(0)?,
        task_id: row.get(1)?,
        status: word_at(row, 2)?,
        paused: row.get(3)?,
        rank: row.get(4)?,
        seat: row.get(5)?,
        progress: row.get(6)?,
        media_id: row.get(7)?,
        transcript_id: row.get(8)?,
        input: serde_json::from_str(row.get_ref(9)?.as_str().map_err(rusqlite::Error::from)?)?,
        not_before: row.get::<_, Option<i64>>(10)?.map(UtcTime),
        duration: row.get(11)?,
    })
}

fn one(
    conn: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Option<TaskRow>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {ROW} FROM tasks WHERE {condition}"))?;
    let mut rows = statement.query(values)?;
    rows.next()?.map(read).transpose()
}

/// The task of that number.
pub fn by_seq(conn: &Connection, seq: i64) -> Result<Option<TaskRow>, StoreError> {
    one(conn, "seq = ?1", params![seq])
}

/// The task of that id.
pub fn by_id(conn: &Connection, task_id: &str) -> Result<Option<TaskRow>, StoreError> {
    one(conn, "task_id = ?1", params![task_id])
}

/// Whether a task of that id was there once.
pub fn has_expired(conn: &Connection, task_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM expired_tasks WHERE task_id = ?1";
    Ok(conn.prepare_cached(sql)?.query_row(params![task_id], |_| Ok(())).optional()?.is_some())
}

/// Numbers of tasks with a dead letter.
pub fn with_dead_letters(conn: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT task FROM jobs WHERE state = 'dead' AND cleared_at IS NULL ORDER BY task",
    )?;
    let found = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(found)
}

/// Identity, status and progress before a roll-up.
pub fn before_rollup(conn: &Connection, seq: i64) -> Result<Option<(String, TaskStatus, f64)>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT task_id, status, progress FROM tasks WHERE seq = ?1")?;
    let mut rows = statement.query(params![seq])?;
    match rows.next()? {
        Some(row) => Ok(Some((row.get(0)?, word_at(row, 1)?, row.get(2)?))),
        None => Ok(None),
    }
}

/// Writes what was rolled up.
pub fn set_rollup(conn: &Connection, seq: i64, rolled: &Rollup, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE tasks SET status = ?2, progress = ?3, current_step = ?4, error = ?5, cached = ?6, updated_at = ?7,
                started_at = CASE ?2 WHEN 'queued' THEN started_at ELSE coalesce(started_at, ?7) END,
                finished_at = CASE WHEN ?8 THEN coalesce(finished_at, ?7) END
         WHERE seq = ?1",
    )?
    .execute(params![
        seq,
        rolled.status.as_str(),
        rolled.progress,
        rolled.current_step,
        rolled.error,
        rolled.cached,
        now.0,
        rolled.status.is_final(),
    ])?;
    Ok(())
}

/// What a step found out about the task; null leaves a value as it is.
#[derive(Debug, Default)]
pub struct Findings<'a> {
    pub media_id: Option<&'a str>,
    pub transcript_id: Option<&'a str>,
    pub note: Option<&'a str>,
    pub title: Option<&'a str>,
    pub duration: Option<f64>,
    pub size: Option<u64>,
}

impl Findings<'_> {
    fn is_empty(&self) -> bool {
        self.media_id.is_none()
            && self.transcript_id.is_none()
            && self.note.is_none()
            && self.title.is_none()
            && self.duration.is_none()
            && self.size.is_none()
    }
}

/// Writes what a step found out.
pub fn set_findings(conn: &Connection, seq: i64, found: &Findings<'_>) -> Result<(), StoreError> {
    if found.is_empty() {
        return Ok(());
    }
    conn.prepare_cached(
        "UPDATE tasks SET media_id = coalesce(?2, media_id), transcript_id = coalesce(?3, transcript_id),
                note = coalesce(?4, note), title = coalesce(?5, title), duration = coalesce(?6, duration),
                size = coalesce(?7, size)
         WHERE seq = ?1",
    )?
    .execute(params![
        seq,
        found.media_id,
        found.transcript_id,
        found.note,
        found.title,
        found.duration,
        found.size.map(|s| i64::try_from(s).unwrap_or(i64::MAX)),
    ])?;
    Ok(())
}

/// The user's pause flag.
pub fn set_paused(conn: &Connection, seq: i64, paused: bool, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE tasks SET paused = ?2, updated_at = ?3 WHERE seq = ?1")?
        .execute(params![seq, paused, now.0])?;
    Ok(())
}

/// Priority and place by the user's hand.
pub fn set_place(conn: &Connection, seq: i64, rank: i64, seat: i64, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE tasks SET priority = ?2, seat = ?3, updated_at = ?4 WHERE seq = ?1")?
        .execute(params![seq, rank, seat, now.0])?;
    Ok(())
}

/// Forgets how a task ended, before it is tried again; progress counts anew.
pub fn reopen(conn: &Connection, seq: i64) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE tasks SET finished_at = NULL, error = NULL, progress = 0, cached = 0, note = NULL
         WHERE seq = ?1",
    )?
    .execute(params![seq])?;
    Ok(())
}

/// The largest seat below `seat` among tasks of that priority that have not ended.
pub fn seat_below(conn: &Connection, rank: i64, seat: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT max(seat) FROM tasks WHERE priority = ?1 AND seat < ?2 AND status IN ('queued', 'processing')";
    Ok(conn.prepare_cached(sql)?.query_row(params![rank, seat], |row| row.get(0))?)
}

/// The largest seat of all.
pub fn last_seat(conn: &Connection) -> Result<i64, StoreError> {
    let sql =
        "SELECT max(coalesce((SELECT max(seat) FROM tasks WHERE status IN ('queued', 'processing')), 0),
                          coalesce((SELECT max(seq) FROM tasks), 0) * ?1)";
    Ok(conn.prepare_cached(sql)?.query_row(params![SEAT_GAP], |row| row.get(0))?)
}

/// Lifts every seat of a priority from `from` on, to make room below.
pub fn lift_seats(conn: &Connection, rank: i64, from: i64, by: i64) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE tasks SET seat = seat + ?3
         WHERE priority = ?1 AND seat >= ?2 AND status IN ('queued', 'processing')",
    )?
    .execute(params![rank, from, by])?;
    Ok(())
}

/// Removes at most `limit` tasks that ended before `before` without a dead letter, and remembers their ids.
pub fn expire(conn: &Connection, before: UtcTime, limit: u32, now: UtcTime) -> Result<usize, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, task_id FROM tasks t WHERE finished_at < ?1 AND status IN ('completed', 'failed', 'cancelled')
           AND NOT EXISTS (SELECT 1 FROM jobs WHERE task = t.seq AND state = 'dead' AND cleared_at IS NULL)
         ORDER BY finished_at LIMIT ?2",
    )?;
    let found: Vec<(i64, String)> = statement
        .query_map(params![before.0, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (seq, task_id) in &found {
        conn.prepare_cached("INSERT OR REPLACE INTO expired_tasks (task_id, expired_at) VALUES (?1, ?2)")?
            .execute(params![task_id, now.0])?;
        conn.prepare_cached("DELETE FROM tasks WHERE seq = ?1")?.execute(params![seq])?;
    }
    Ok(found.len())
}

/// Forgets ids that expired before `before`.
pub fn forget_expired(conn: &Connection, before: UtcTime) -> Result<usize, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM expired_tasks WHERE expired_at < ?1")?.execute(params![before.0])?)
}
