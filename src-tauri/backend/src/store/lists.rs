//! Tasks, jobs and the queue as surfaces are shown them.
//!
//! Owns reading only. Invariant: bounded work for a page, however long the queue is.

use super::pauses::{self, Pauses};
use super::rows::word_at;
use super::{StoreError, attempts};
use crate::api::types::{DeadLetter, LaneStatus, QueueStatus, TaskQuery};
use crate::queue::{Limits, rollup};
use domain::{
    ApiError, ErrorCode, Job, JobState, Lane, Priority, Task, TaskKind, TaskStatus, UtcTime, task::Waiting,
};
use rusqlite::{Connection, OptionalExtension, Row, params, types::Value};
use std::collections::HashMap;

/// Jobs of a line that are counted to say how many are ahead; beyond it the number is a lower bound.
const COUNTED: i64 = 10_000;

const TASK: &str = "seq, task_id, kind, status, paused, priority, progress, current_step, title, input, media_id, \
                    transcript_id, note, cached, error, batch_id, not_before, created_at, updated_at, started_at, \
                    finished_at, duration, size";

pub(super) fn read_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>, StoreError> {
    match row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        Some(text) => Ok(Some(serde_json::from_str(text)?)),
        None => Ok(None),
    }
}

fn time(row: &Row<'_>, column: usize) -> Result<Option<UtcTime>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(UtcTime))
}

/// The priority of that rank.
pub fn priority_of(rank: i64) -> Result<Priority, StoreError> {
    Priority::ALL
        .iter()
        .copied()
        .find(|priority| priority.rank() == rank)
        .ok_or_else(|| StoreError::Damaged(format!("no priority has rank {rank}")))
}

fn read_task(row: &Row<'_>) -> Result<(i64, Task), StoreError> {
    let task = Task {
        task_id: row.get(1)?,
        kind: word_at::<TaskKind>(row, 2)?,
        status: word_at(row, 3)?,
        paused: row.get(4)?,
        priority: priority_of(row.get(5)?)?,
        progress: row.get(6)?,
        current_step: row.get(7)?,
        waiting: None,
        title: row.get(8)?,
        input: serde_json::from_str(row.get_ref(9)?.as_str().map_err(rusqlite::Error::from)?)?,
        media_id: row.get(10)?,
        transcript_id: row.get(11)?,
        note: row.get(12)?,
        cached: row.get(13)?,
        error: read_json(row, 14)?,
        batch_id: row.get(15)?,
        not_before: time(row, 16)?,
        created_at: UtcTime(row.get(17)?),
        updated_at: UtcTime(row.get(18)?),
        started_at: time(row, 19)?,
        finished_at: time(row, 20)?,
        estimated_completion: None,
        duration: row.get(21)?,
        size: row.get::<_, Option<i64>>(22)?.and_then(|size| u64::try_from(size).ok()),
    };
    Ok((row.get(0)?, task))
}

fn read_tasks(
    conn: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
    now: UtcTime,
) -> Result<Vec<Task>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {TASK} FROM tasks {clause}"))?;
    let mut rows = statement.query(values)?;
    let mut tasks = Vec::new();
    while let Some(row) = rows.next()? {
        tasks.push(read_task(row)?);
    }
    drop(rows);
    explain(conn, &mut tasks, now)?;
    Ok(tasks.into_iter().map(|(_, task)| task).collect())
}

/// The task of that number.
pub fn task_by_seq(conn: &Connection, seq: i64, now: UtcTime) -> Result<Option<Task>, StoreError> {
    Ok(read_tasks(conn, "WHERE seq = ?1", params![seq], now)?.pop())
}

/// The task of that id.
pub fn task(conn: &Connection, task_id: &str, now: UtcTime) -> Result<Option<Task>, StoreError> {
    Ok(read_tasks(conn, "WHERE task_id = ?1", params![task_id], now)?.pop())
}

/// The tasks of a batch, in the order they were added.
pub fn tasks_of_batch(conn: &Connection, batch_id: &str, now: UtcTime) -> Result<Vec<Task>, StoreError> {
    read_tasks(conn, "WHERE batch_id = ?1 ORDER BY seq", params![batch_id], now)
}

/// One page of the tasks, and how many there are in all.
///
/// Errors: `INVALID_INPUT` for an unknown order.
pub fn tasks(
    conn: &Connection,
    query: &TaskQuery,
    limit: u32,
    offset: u32,
    now: UtcTime,
) -> Result<(u64, Vec<Task>), StoreError> {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    if let Some(status) = query.status {
        conditions.push("status = ?");
        values.push(status.as_str().to_string().into());
    }
    if let Some(kind) = query.kind {
        conditions.push("kind = ?");
        values.push(kind.as_str().to_string().into());
    }
    for word in query.text.iter().flat_map(|text| text.split_whitespace()).take(16) {
        conditions.push("(title LIKE ? ESCAPE '\\' OR source LIKE ? ESCAPE '\\')");
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = format!("%{escaped}%");
        values.push(pattern.clone().into());
        values.push(pattern.into());
    }
    let filter =
        if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let total: i64 = conn
        .prepare_cached(&format!("SELECT count(*) FROM tasks {filter}"))?
        .query_row(rusqlite::params_from_iter(values.iter()), |row| row.get(0))?;
    let order = order_of(query.sort.as_deref().unwrap_or("-created_at"))?;
    values.push(i64::from(limit).into());
    values.push(i64::from(offset).into());
    let clause = format!("{filter} ORDER BY {order} LIMIT ? OFFSET ?");
    let page = read_tasks(conn, &clause, rusqlite::params_from_iter(values), now)?;
    Ok((u64::try_from(total).unwrap_or(0), page))
}

fn order_of(sort: &str) -> Result<String, StoreError> {
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let direction = if descending { "DESC" } else { "ASC" };
    Ok(match name {
        // `seq` grows with the time of creation and is the key itself: no sorting.
        "created_at" => format!("seq {direction}"),
        "updated_at" => format!("updated_at {direction}, seq {direction}"),
        "priority" => format!("priority {direction}, seq ASC"),
        "title" => format!("title COLLATE NOCASE {direction}, seq ASC"),
        "queue" if !descending => {
            "status IN ('completed', 'failed', 'cancelled'), status = 'queued', priority DESC,
             coalesce((SELECT min(turn) FROM jobs WHERE task = seq AND state = 'ready'), 9223372036854775807), seat, seq"
                .into()
        }
        _ => {
            let message = format!(
                "\"{sort}\" is not an order of tasks: created_at, updated_at, priority, title, queue; - for descending."
            );
            return Err(StoreError::answer(ErrorCode::InvalidInput, message));
        }
    })
}

struct Live {
    job_id: i64,
    step: String,
    state: JobState,
    lane: String,
    rank: i64,
    run_at: Option<UtcTime>,
    wait_code: Option<String>,
    attempts: u32,
}

fn live_jobs(conn: &Connection, seq: i64) -> Result<Vec<Live>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT job_id, step, state, lane, rank, run_at, wait_code, attempts FROM jobs
         WHERE task = ?1 AND state IN ('running', 'ready', 'scheduled', 'waiting') ORDER BY position",
    )?;
    let mut rows = statement.query(params![seq])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(Live {
            job_id: row.get(0)?,
            step: row.get(1)?,
            state: word_at(row, 2)?,
            lane: row.get(3)?,
            rank: row.get(4)?,
            run_at: time(row, 5)?,
            wait_code: row.get(6)?,
            attempts: row.get(7)?,
        });
    }
    Ok(jobs)
}

/// Says of each task why it does not run, or when it will be done.
fn explain(conn: &Connection, tasks: &mut [(i64, Task)], now: UtcTime) -> Result<(), StoreError> {
    if tasks.iter().all(|(_, task)| task.status.is_final()) {
        return Ok(());
    }
    let pauses = pauses::load(conn)?;
    let mut in_line: HashMap<String, Vec<(usize, i64)>> = HashMap::new();
    for (index, (seq, task)) in tasks.iter_mut().enumerate() {
        if task.status.is_final() {
            continue;
        }
        let jobs = live_jobs(conn, *seq)?;
        if jobs.iter().any(|job| job.state == JobState::Running) {
            if !task.paused && !pauses.everything() {
                task.estimated_completion = rollup::estimate(task.started_at, task.progress, now);
            }
            continue;
        }
        match why_waiting(task, &jobs, &pauses) {
            Some(Reason::Known(waiting)) => task.waiting = Some(waiting),
            Some(Reason::InLine(job)) => {
                in_line.entry(job.lane.clone()).or_default().push((index, job.job_id));
            }
            None => {}
        }
    }
    for (lane, wanted) in in_line {
        let ahead = ahead(conn, &lane, &wanted.iter().map(|(_, job)| *job).collect::<Vec<_>>())?;
        for ((index, _), ahead) in wanted.into_iter().zip(ahead) {
            tasks[index].1.waiting = Some(Waiting::Lane { lane: lane.clone(), ahead });
        }
    }
    Ok(())
}

enum Reason<'a> {
    Known(Waiting),
    InLine(&'a Live),
}

fn why_waiting<'a>(task: &Task, jobs: &'a [Live], pauses: &Pauses) -> Option<Reason<'a>> {
    if task.paused || pauses.all {
        return Some(Reason::Known(match pauses.until.filter(|_| !task.paused) {
            Some(time) => Waiting::PausedUntil { time },
            None => Waiting::Paused,
        }));
    }
    if let Some((by, time)) = pauses.held {
        return Some(Reason::Known(Waiting::Held { by, time }));
    }
    let shown = jobs
        .iter()
        .filter(|job| job.state == JobState::Ready && !pauses.covers(&job.lane))
        .min_by_key(|job| std::cmp::Reverse(job.rank))
        .or_else(|| jobs.iter().find(|job| Some(&job.step) == task.current_step.as_ref()))
        .or_else(|| jobs.first())?;
    Some(match shown.state {
        JobState::Ready if pauses.covers(&shown.lane) => Reason::Known(Waiting::Paused),
        JobState::Ready => Reason::InLine(shown),
        _ => match (&shown.wait_code, shown.run_at) {
            (Some(code), at) => Reason::Known(Waiting::For {
                code: code.parse().unwrap_or(ErrorCode::Internal),
                // Of what waits for the user, the time is only the next look.
                time: at.filter(|_| shown.state == JobState::Scheduled),
            }),
            (None, Some(time)) => Reason::Known(Waiting::Until { time, attempt: shown.attempts + 1 }),
            (None, None) => return None,
        },
    })
}

/// How many jobs stand before each of `wanted` in a lane: one walk along the line for all of them.
fn ahead(conn: &Connection, lane: &str, wanted: &[i64]) -> Result<Vec<u64>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT job_id FROM jobs WHERE state = 'ready' AND held = 0 AND lane = ?1
         ORDER BY rank DESC, turn, seat, job_id LIMIT ?2",
    )?;
    let mut places = HashMap::new();
    let mut count = 0;
    let mut rows = statement.query(params![lane, COUNTED])?;
    while let Some(row) = rows.next()? {
        let job: i64 = row.get(0)?;
        if wanted.contains(&job) {
            places.insert(job, count);
            if places.len() == wanted.len() {
                break;
            }
        }
        count += 1;
    }
    Ok(wanted.iter().map(|job| places.get(job).copied().unwrap_or(count)).collect())
}

const JOB: &str = "j.job_id, t.task_id, j.step, j.kind, j.lane, j.state, j.progress, j.detail, j.attempts, \
                   j.max_attempts, j.run_at, j.engine, j.cached, j.error, j.started_at, j.finished_at";

fn read_job(row: &Row<'_>) -> Result<Job, StoreError> {
    let state = word_at(row, 5)?;
    Ok(Job {
        job_id: row.get(0)?,
        task_id: row.get(1)?,
        step: row.get(2)?,
        kind: word_at(row, 3)?,
        lane: word_at::<Lane>(row, 4)?,
        state,
        progress: if state == JobState::Succeeded { 100.0 } else { row.get(6)? },
        detail: row.get(7)?,
        attempts: row.get(8)?,
        max_attempts: row.get(9)?,
        run_at: time(row, 10)?.filter(|_| state == JobState::Scheduled),
        engine: row.get(11)?,
        cached: row.get(12)?,
        error: read_json(row, 13)?,
        started_at: time(row, 14)?,
        finished_at: time(row, 15)?,
        history: Vec::new(),
    })
}

/// A job, without its attempts.
pub fn job(conn: &Connection, job_id: i64) -> Result<Option<Job>, StoreError> {
    let sql = format!("SELECT {JOB} FROM jobs j JOIN tasks t ON t.seq = j.task WHERE j.job_id = ?1");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![job_id])?;
    rows.next()?.map(read_job).transpose()
}

/// The jobs of a task with their attempts, in the order of its recipe.
pub fn jobs_of(conn: &Connection, task_id: &str) -> Result<Vec<Job>, StoreError> {
    let sql = format!(
        "SELECT {JOB} FROM jobs j JOIN tasks t ON t.seq = j.task WHERE t.task_id = ?1 ORDER BY j.position"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![task_id])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(read_job(row)?);
    }
    for job in &mut jobs {
        job.history = attempts::of_job(conn, job.job_id)?;
    }
    Ok(jobs)
}

/// One page of the dead letters, newest first, and how many there are in all.
pub fn dead_letters(
    conn: &Connection,
    limit: u32,
    offset: u32,
) -> Result<(u64, Vec<DeadLetter>), StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT j.job_id, t.task_id, t.title, j.step, j.attempts, j.error, j.finished_at
         FROM jobs j JOIN tasks t ON t.seq = j.task WHERE j.state = 'dead' AND j.cleared_at IS NULL
         ORDER BY j.finished_at DESC, j.job_id DESC LIMIT ?1 OFFSET ?2",
    )?;
    let mut rows = statement.query(params![limit, offset])?;
    let mut letters = Vec::new();
    while let Some(row) = rows.next()? {
        letters.push(DeadLetter {
            job_id: row.get(0)?,
            task_id: row.get(1)?,
            title: row.get(2)?,
            step: row.get(3)?,
            attempts: row.get(4)?,
            error: read_json::<ApiError>(row, 5)?
                .ok_or_else(|| StoreError::Damaged("a dead job has no error".into()))?,
            died_at: time(row, 6)?.unwrap_or_default(),
        });
    }
    Ok((dead_count(conn)?, letters))
}

fn dead_count(conn: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM jobs WHERE state = 'dead' AND cleared_at IS NULL";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// The queue at a glance.
pub fn queue_status(conn: &Connection, limits: &Limits) -> Result<QueueStatus, StoreError> {
    let mut counts: HashMap<TaskStatus, u64> = HashMap::new();
    let mut statement = conn.prepare_cached("SELECT status, count(*) FROM tasks GROUP BY status")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        counts.insert(word_at(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs());
    }
    drop(rows);
    let pauses = pauses::load(conn)?;
    let mut lanes: Vec<String> = ["net", "cpu", "model"].map(String::from).to_vec();
    let used = super::jobs::lanes_with_ready(conn)?.into_iter().chain(running_lanes(conn)?);
    for lane in used.chain(pauses.lanes.iter().cloned()) {
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    let count = |sql: &str, lane: &str| -> Result<u32, StoreError> {
        let count =
            conn.prepare_cached(sql)?.query_row(params![lane], |row| row.get::<_, i64>(0)).optional()?;
        Ok(u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX))
    };
    let lanes = lanes
        .into_iter()
        .map(|lane| {
            Ok(LaneStatus {
                limit: limits.of(&lane),
                running: count("SELECT count(*) FROM jobs WHERE state = 'running' AND lane = ?1", &lane)?,
                ready: count(
                    "SELECT count(*) FROM jobs WHERE state = 'ready' AND held = 0 AND lane = ?1",
                    &lane,
                )?,
                paused: pauses.lanes.contains(&lane),
                lane,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let of = |status| counts.get(&status).copied().unwrap_or(0);
    Ok(QueueStatus {
        paused: pauses.all,
        paused_until: pauses.until,
        held: pauses.held.map(|(by, _)| by),
        held_until: pauses.held.and_then(|(_, time)| time),
        queued: of(TaskStatus::Queued),
        processing: of(TaskStatus::Processing),
        completed: of(TaskStatus::Completed),
        failed: of(TaskStatus::Failed),
        cancelled: of(TaskStatus::Cancelled),
        dead_letters: dead_count(conn)?,
        lanes,
    })
}

fn running_lanes(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT lane FROM jobs WHERE state = 'running'")?;
    let lanes = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(lanes)
}
