//! Rows of jobs: the lines they stand in, and the words that change their state.
//!
//! Leaves what follows for the task to `queue`.
//! Invariant: what a run says is taken only under its lease while the job is `running`.

use super::StoreError;
use super::rows::word_at;
use crate::queue::order::{After, Ready};
use crate::queue::rollup::JobSummary;
use domain::{ApiError, JobState, Step, UtcTime};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A job to be written.
pub struct NewJob<'a> {
    pub task: i64,
    pub position: usize,
    pub step: &'a Step,
    pub lane: &'a str,
    pub place: Place,
    pub flow: &'a str,
    pub state: JobState,
    pub weight: f64,
    pub max_attempts: u32,
    pub ready_at: Option<UtcTime>,
    pub run_at: Option<UtcTime>,
    pub mutex: Option<&'a str>,
}

/// A place in a lane's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub rank: i64,
    pub turn: i64,
    pub seat: i64,
}

/// Writes a job and answers its id.
pub fn insert(conn: &Connection, job: &NewJob<'_>) -> Result<i64, StoreError> {
    conn.prepare_cached(
        "INSERT INTO jobs (task, position, step, kind, definition, lane, state, rank, turn, seat, flow, weight,
                           max_attempts, ready_at, run_at, mutex)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        job.task,
        job.position as i64,
        job.step.name,
        job.step.kind.as_str(),
        serde_json::to_string(job.step)?,
        job.lane,
        job.state.as_str(),
        job.place.rank,
        job.place.turn,
        job.place.seat,
        job.flow,
        job.weight,
        job.max_attempts,
        job.ready_at.map(|t| t.0),
        job.run_at.map(|t| t.0),
        job.mutex,
    ])?;
    Ok(conn.last_insert_rowid())
}

/// What the queue knows of a job when it moves it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    pub job_id: i64,
    pub task: i64,
    pub step: Step,
    pub lane: String,
    pub state: JobState,
    pub place: Place,
    pub flow: String,
    pub attempts: u32,
    pub max_attempts: u32,
    pub crashes: u32,
    pub snoozed_ms: i64,
    pub mutex: Option<String>,
    pub lease: Option<i64>,
    pub again: bool,
    pub progress: f64,
    pub wait_code: Option<String>,
}

const ROW: &str = "job_id, task, definition, lane, state, rank, turn, seat, flow, attempts, max_attempts, crashes, \
                   snoozed_ms, mutex, lease, again, progress, wait_code";

fn read(row: &Row<'_>) -> Result<JobRow, StoreError> {
    let definition = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(JobRow {
        job_id: row.get(0)?,
        task: row.get(1)?,
        step: serde_json::from_str(definition)?,
        lane: row.get(3)?,
        state: word_at(row, 4)?,
        place: Place { rank: row.get(5)?, turn: row.get(6)?, seat: row.get(7)? },
        flow: row.get(8)?,
        attempts: row.get(9)?,
        max_attempts: row.get(10)?,
        crashes: row.get(11)?,
        snoozed_ms: row.get(12)?,
        mutex: row.get(13)?,
        lease: row.get(14)?,
        again: row.get(15)?,
        progress: row.get(16)?,
        wait_code: row.get(17)?,
    })
}

fn rows(
    conn: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<JobRow>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {ROW} FROM jobs WHERE {condition}"))?;
    let mut rows = statement.query(values)?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(read(row)?);
    }
    Ok(jobs)
}

/// The job of that id.
pub fn get(conn: &Connection, job_id: i64) -> Result<Option<JobRow>, StoreError> {
    Ok(rows(conn, "job_id = ?1", params![job_id])?.pop())
}

/// The job that runs under that lease, if it still does.
pub fn under_lease(conn: &Connection, job_id: i64, lease: i64) -> Result<Option<JobRow>, StoreError> {
    Ok(rows(conn, "job_id = ?1 AND state = 'running' AND lease = ?2", params![job_id, lease])?.pop())
}

/// All jobs of a task, in the order of its recipe.
pub fn of_task(conn: &Connection, task: i64) -> Result<Vec<JobRow>, StoreError> {
    rows(conn, "task = ?1 ORDER BY position", params![task])
}

/// All that run, in one lane or everywhere.
pub fn running(conn: &Connection, lane: Option<&str>) -> Result<Vec<JobRow>, StoreError> {
    match lane {
        Some(lane) => rows(conn, "state = 'running' AND lane = ?1 ORDER BY job_id", params![lane]),
        None => rows(conn, "state = 'running' ORDER BY job_id", []),
    }
}

/// All that wait out that code, put off or waiting.
pub fn waiting_for(conn: &Connection, code: &str) -> Result<Vec<JobRow>, StoreError> {
    rows(conn, "wait_code = ?1 AND state IN ('waiting', 'scheduled') ORDER BY job_id", params![code])
}

/// At most `limit` of those whose time has come, longest due first.
pub fn due(conn: &Connection, now: UtcTime, limit: usize) -> Result<Vec<JobRow>, StoreError> {
    rows(conn, "run_at <= ?1 ORDER BY run_at LIMIT ?2", params![now.0, limit as i64])
}

/// When the next one is due.
pub fn next_due(conn: &Connection) -> Result<Option<UtcTime>, StoreError> {
    let sql = "SELECT min(run_at) FROM jobs WHERE run_at IS NOT NULL";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(UtcTime))
}

/// What the roll-up of a task counts.
pub fn summaries(conn: &Connection, task: i64) -> Result<Vec<JobSummary>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT job_id, step, state, weight, progress, cached, started_at IS NOT NULL, finished_at, error
         FROM jobs WHERE task = ?1 ORDER BY position",
    )?;
    let mut rows = statement.query(params![task])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(JobSummary {
            job_id: row.get(0)?,
            step: row.get(1)?,
            state: word_at(row, 2)?,
            weight: row.get(3)?,
            progress: row.get(4)?,
            cached: row.get(5)?,
            started: row.get(6)?,
            finished_at: row.get(7)?,
            error: row.get(8)?,
        });
    }
    Ok(jobs)
}

/// Lanes in which somebody may be claimed.
pub fn lanes_with_ready(conn: &Connection) -> Result<Vec<String>, StoreError> {
    // One seek for each lane instead of a walk over all ready jobs.
    let mut statement = conn.prepare_cached(
        "SELECT lane FROM jobs WHERE state = 'ready' AND held = 0 AND lane > ?1 ORDER BY lane LIMIT 1",
    )?;
    let mut lanes: Vec<String> = Vec::new();
    loop {
        let after = lanes.last().map_or("", String::as_str);
        let next: Option<String> = statement.query_row(params![after], |row| row.get(0)).optional()?;
        match next {
            Some(lane) => lanes.push(lane),
            None => return Ok(lanes),
        }
    }
}

/// The next jobs of a line, after a place.
pub fn line(
    conn: &Connection,
    lane: &str,
    rank: i64,
    after: Option<After>,
    limit: usize,
) -> Result<Vec<Ready>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT job_id, turn, seat, ready_at, mutex FROM jobs
         WHERE state = 'ready' AND held = 0 AND lane = ?1 AND rank = ?2 AND (turn, seat, job_id) > (?3, ?4, ?5)
         ORDER BY turn, seat, job_id LIMIT ?6",
    )?;
    let (turn, seat, job_id) = after.unwrap_or((i64::MIN, i64::MIN, i64::MIN));
    let mut rows = statement.query(params![lane, rank, turn, seat, job_id, limit as i64])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(Ready {
            job_id: row.get(0)?,
            rank,
            turn: row.get(1)?,
            seat: row.get(2)?,
            ready_at: row.get::<_, Option<i64>>(3)?.unwrap_or(0),
            mutex: row.get(4)?,
        });
    }
    Ok(jobs)
}

/// The turns of one lane, priority and batch.
pub struct Turns {
    pub lane: String,
    pub rank: i64,
    /// The batch, or empty for single tasks.
    pub flow: String,
    pub first: i64,
    pub last: i64,
}

/// For each lane, priority and batch that has ready jobs: its first and last turn.
pub fn turns(conn: &Connection) -> Result<Vec<Turns>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT lane, rank, flow, min(turn), max(turn) FROM jobs WHERE state = 'ready' GROUP BY lane, rank, flow",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Turns {
            lane: row.get(0)?,
            rank: row.get(1)?,
            flow: row.get(2)?,
            first: row.get(3)?,
            last: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The turn this task took in that lane before, if any: its later steps keep it.
pub fn turn_taken(conn: &Connection, task: i64, lane: &str, rank: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT min(turn) FROM jobs WHERE task = ?1 AND lane = ?2 AND rank = ?3 AND turn > 0";
    Ok(conn.prepare_cached(sql)?.query_row(params![task, lane, rank], |row| row.get(0))?)
}

/// `ready` → `running` under a lease; the try counts from here on.
pub fn start(conn: &Connection, job_id: i64, lease: i64, now: UtcTime) -> Result<bool, StoreError> {
    let changed = conn
        .prepare_cached(
            "UPDATE jobs SET state = 'running', lease = ?2, attempts = attempts + 1, started_at = ?3,
                    finished_at = NULL, run_at = NULL, wait_code = NULL, progress = 0, detail = NULL, engine = NULL
             WHERE job_id = ?1 AND state = 'ready'",
        )?
        .execute(params![job_id, lease, now.0])?;
    Ok(changed == 1)
}

/// Becomes `ready` at a place.
pub fn make_ready(conn: &Connection, job_id: i64, place: Place, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE jobs SET state = 'ready', rank = ?2, turn = ?3, seat = ?4, ready_at = ?5, run_at = NULL,
                wait_code = NULL, lease = NULL
         WHERE job_id = ?1",
    )?
    .execute(params![job_id, place.rank, place.turn, place.seat, now.0])?;
    Ok(())
}

/// `running` → `ready`, the try given back, its old place kept: after a pause, a stop or a crash.
pub fn give_back(conn: &Connection, job_id: i64, lost: bool) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE jobs SET state = 'ready', lease = NULL, attempts = max(attempts - 1, 0), crashes = crashes + ?2
         WHERE job_id = ?1 AND state = 'running'",
    )?
    .execute(params![job_id, lost])?;
    Ok(())
}

/// Succeeds, its results stored.
pub fn succeed(
    conn: &Connection,
    job_id: i64,
    engine: Option<&str>,
    cached: bool,
    now: UtcTime,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE jobs SET state = 'succeeded', lease = NULL, progress = 100, detail = NULL,
                engine = coalesce(?2, engine), cached = ?3, error = NULL, again = 0, crashes = 0, run_at = NULL,
                wait_code = NULL, finished_at = ?4
         WHERE job_id = ?1",
    )?
    .execute(params![job_id, engine, cached, now.0])?;
    Ok(())
}

/// Put off: `scheduled`, or `waiting` for somebody's act; `tried` false gives the try back.
pub struct PutOff<'a> {
    pub waiting: bool,
    pub at: UtcTime,
    pub wait_code: Option<&'a str>,
    pub error: &'a ApiError,
    pub tried: bool,
    pub snoozed_ms: i64,
}

/// Puts a job off.
pub fn put_off(conn: &Connection, job_id: i64, how: &PutOff<'_>) -> Result<(), StoreError> {
    let state = if how.waiting { JobState::Waiting } else { JobState::Scheduled };
    conn.prepare_cached(
        "UPDATE jobs SET state = ?2, lease = NULL, run_at = ?3, wait_code = ?4, error = ?5,
                attempts = CASE WHEN ?6 THEN attempts ELSE max(attempts - 1, 0) END, snoozed_ms = snoozed_ms + ?7
         WHERE job_id = ?1",
    )?
    .execute(params![
        job_id,
        state.as_str(),
        how.at.0,
        how.wait_code,
        serde_json::to_string(how.error)?,
        how.tried,
        how.snoozed_ms,
    ])?;
    Ok(())
}

/// Put off without a fault, until a time.
pub fn schedule(conn: &Connection, job_id: i64, at: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE jobs SET state = 'scheduled', lease = NULL, run_at = ?2 WHERE job_id = ?1")?
        .execute(params![job_id, at.0])?;
    Ok(())
}

/// Becomes a dead letter.
pub fn die(conn: &Connection, job_id: i64, error: &ApiError, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE jobs SET state = 'dead', lease = NULL, run_at = NULL, wait_code = NULL, error = ?2, finished_at = ?3,
                cleared_at = NULL WHERE job_id = ?1",
    )?
    .execute(params![job_id, serde_json::to_string(error)?, now.0])?;
    Ok(())
}

/// Cancelled, whatever it was.
pub fn cancel(conn: &Connection, job_id: i64, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE jobs SET state = 'cancelled', lease = NULL, run_at = NULL, wait_code = NULL, finished_at = ?2
         WHERE job_id = ?1",
    )?
    .execute(params![job_id, now.0])?;
    Ok(())
}

/// As if it had never run, but for its attempts' rows: `blocked` until the caller makes it ready.
pub fn reset(conn: &Connection, job_id: i64, again: bool) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE jobs SET state = 'blocked', lease = NULL, attempts = 0, crashes = 0, snoozed_ms = 0, run_at = NULL,
                wait_code = NULL, error = NULL, progress = 0, detail = NULL, cached = 0, started_at = NULL,
                finished_at = NULL, cleared_at = NULL, turn = 0, again = again OR ?2
         WHERE job_id = ?1",
    )?
    .execute(params![job_id, again])?;
    Ok(())
}

/// Notes how far a run is; false when its lease is gone.
pub fn set_progress(
    conn: &Connection,
    job_id: i64,
    lease: i64,
    progress: f64,
    detail: Option<&str>,
    engine: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = conn
        .prepare_cached(
            "UPDATE jobs SET progress = max(progress, ?3), detail = ?4, engine = coalesce(?5, engine)
             WHERE job_id = ?1 AND state = 'running' AND lease = ?2",
        )?
        .execute(params![job_id, lease, progress, detail, engine])?;
    Ok(changed == 1)
}

/// New weight of a task's step.
pub fn set_weight(conn: &Connection, task: i64, step: &str, weight: f64) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE jobs SET weight = ?3 WHERE task = ?1 AND step = ?2")?
        .execute(params![task, step, weight])?;
    Ok(())
}

/// What it must not run beside.
pub fn set_mutex(conn: &Connection, job_id: i64, mutex: Option<&str>) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE jobs SET mutex = ?2 WHERE job_id = ?1")?.execute(params![job_id, mutex])?;
    Ok(())
}

/// Whether the jobs of a task may be claimed.
pub fn set_held(conn: &Connection, task: i64, held: bool) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE jobs SET held = ?2 WHERE task = ?1 AND held <> ?2")?
        .execute(params![task, held])?;
    Ok(())
}

/// A new place in the line.
pub fn set_place(conn: &Connection, job_id: i64, place: Place) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE jobs SET rank = ?2, turn = ?3, seat = ?4 WHERE job_id = ?1")?
        .execute(params![job_id, place.rank, place.turn, place.seat])?;
    Ok(())
}

/// Lifts every seat of a priority from `from` on, to make room below.
pub fn lift_seats(conn: &Connection, rank: i64, from: i64, by: i64) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE jobs SET seat = seat + ?3
         WHERE rank = ?1 AND seat >= ?2 AND state NOT IN ('succeeded', 'dead', 'cancelled')",
    )?
    .execute(params![rank, from, by])?;
    Ok(())
}
