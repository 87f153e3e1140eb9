//! How tasks ended, by day and kind, counted when they end, so that the figures outlive the tasks.

use super::StoreError;
use super::rows::word_at;
use domain::{TaskKind, TaskStatus, UtcTime};
use rusqlite::{Connection, params};

const DAY_MS: i64 = 86_400_000;

/// The bucket of a time: four for each doubling.
pub fn bucket(millis: i64) -> i64 {
    ((millis.max(1) as f64).log2() * 4.0).floor() as i64
}

/// The longest time a bucket holds, in milliseconds.
pub fn upper_millis(bucket: i64) -> f64 {
    ((bucket + 1) as f64 / 4.0).exp2()
}

/// Counts a task that has just ended.
pub fn count(conn: &Connection, task_id: &str, status: TaskStatus, now: UtcTime) -> Result<(), StoreError> {
    let (kind, started): (String, Option<i64>) = conn
        .prepare_cached("SELECT kind, started_at FROM tasks WHERE task_id = ?1")?
        .query_row([task_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let millis = started.map_or(0, |started| now.since(UtcTime(started)).max(0));
    conn.prepare_cached(
        "INSERT INTO figures (day, kind, status, bucket, count, millis) VALUES (?1, ?2, ?3, ?4, 1, ?5)
         ON CONFLICT DO UPDATE SET count = count + 1, millis = millis + excluded.millis",
    )?
    .execute(params![now.0.div_euclid(DAY_MS), kind, status.as_str(), bucket(millis), millis])?;
    Ok(())
}

/// One row of the figures.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureRow {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    pub kind: TaskKind,
    pub status: TaskStatus,
    pub bucket: i64,
    pub count: u64,
    pub millis: u64,
}

/// All rows from the day of `since` on.
pub fn since(conn: &Connection, since: UtcTime) -> Result<Vec<FigureRow>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT day, kind, status, bucket, count, millis FROM figures WHERE day >= ?1 ORDER BY day, kind, status, bucket",
    )?;
    let mut rows = statement.query([since.0.div_euclid(DAY_MS)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(FigureRow {
            day: row.get(0)?,
            kind: word_at(row, 1)?,
            status: word_at(row, 2)?,
            bucket: row.get(3)?,
            count: row.get::<_, i64>(4)?.unsigned_abs(),
            millis: row.get::<_, i64>(5)?.unsigned_abs(),
        });
    }
    Ok(found)
}

/// What is queued or being worked on, by priority: rank, queued, processing.
pub fn by_priority(conn: &Connection) -> Result<Vec<(i64, u64, u64)>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT priority, sum(status = 'queued'), sum(status = 'processing') FROM tasks
         WHERE status IN ('queued', 'processing') GROUP BY priority ORDER BY priority",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get::<_, i64>(2)?.unsigned_abs()))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Results that are kept: how many, their bytes, and how many steps found theirs made already.
pub fn cache(conn: &Connection) -> Result<(u64, u64, u64), StoreError> {
    let (entries, bytes): (i64, i64) = conn
        .prepare_cached("SELECT count(*), coalesce(sum(size), 0) FROM artifacts")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let hits: i64 = conn
        .prepare_cached("SELECT count(*) FROM jobs WHERE cached = 1 AND state = 'succeeded'")?
        .query_row([], |row| row.get(0))?;
    Ok((entries.unsigned_abs(), bytes.unsigned_abs(), hits.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_lies_below_its_upper_end() {
        for millis in [1, 2, 3, 10, 999, 1_000, 59_999, 86_400_000] {
            let bucket = bucket(millis);
            assert!((millis as f64) < upper_millis(bucket), "{millis}");
            assert!((millis as f64) * 1.2 > upper_millis(bucket), "{millis}");
        }
    }
}
