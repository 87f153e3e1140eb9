//! Every run of a job.

use super::{StoreError, lists::read_json, rows::word_at};
use domain::{ApiError, Attempt, AttemptOutcome, UtcTime};
use rusqlite::{Connection, Row, params};

/// Begins a run and answers its lease, larger than every lease before.
pub fn begin(conn: &Connection, job: i64, now: UtcTime) -> Result<i64, StoreError> {
    conn.prepare_cached("INSERT INTO attempts (job, outcome, started_at) VALUES (?1, 'running', ?2)")?
        .execute(params![job, now.0])?;
    Ok(conn.last_insert_rowid())
}

/// Ends the run of that lease.
pub fn end(
    conn: &Connection,
    lease: i64,
    outcome: AttemptOutcome,
    engine: Option<&str>,
    error: Option<&ApiError>,
    now: UtcTime,
) -> Result<(), StoreError> {
    let error = error.map(serde_json::to_string).transpose()?;
    conn.prepare_cached(
        "UPDATE attempts SET outcome = ?2, engine = coalesce(?3, engine), error = ?4, finished_at = ?5
         WHERE lease = ?1 AND outcome = 'running'",
    )?
    .execute(params![lease, outcome.as_str(), engine, error, now.0])?;
    Ok(())
}

/// Forgets the run before `lease` when both were put off for the same reason, so that waiting leaves one row.
pub fn fold_snoozes(conn: &Connection, job: i64, lease: i64, code: &str) -> Result<(), StoreError> {
    conn.prepare_cached(
        "DELETE FROM attempts WHERE outcome = 'snoozed' AND error ->> 'code' = ?3
         AND lease = (SELECT max(lease) FROM attempts WHERE job = ?1 AND lease < ?2)",
    )?
    .execute(params![job, lease, code])?;
    Ok(())
}

/// The runs of a job, oldest first.
pub fn of_job(conn: &Connection, job: i64) -> Result<Vec<Attempt>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT lease, engine, outcome, error, started_at, finished_at FROM attempts WHERE job = ?1 ORDER BY lease",
    )?;
    let mut rows = statement.query(params![job])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(read(row)?);
    }
    Ok(attempts)
}

fn read(row: &Row<'_>) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        lease: row.get(0)?,
        engine: row.get(1)?,
        outcome: word_at(row, 2)?,
        error: read_json(row, 3)?,
        started_at: UtcTime(row.get(4)?),
        finished_at: row.get::<_, Option<i64>>(5)?.map(UtcTime),
    })
}
