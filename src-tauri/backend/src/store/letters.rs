//! Which dead letters the user has put away. A dead letter is a job in the state `dead`; here it is only marked.

use super::StoreError;
use domain::{ErrorCode, UtcTime};
use rusqlite::{Connection, params};

/// Puts away every dead letter of that task and that code; null stands for any. Answers the jobs' ids.
pub fn clear(
    conn: &Connection,
    task: Option<i64>,
    code: Option<ErrorCode>,
    now: UtcTime,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = conn.prepare_cached(
        "UPDATE jobs SET cleared_at = ?3
         WHERE state = 'dead' AND cleared_at IS NULL AND (?1 IS NULL OR task = ?1)
           AND (?2 IS NULL OR json_extract(error, '$.code') = ?2)
         RETURNING job_id",
    )?;
    let cleared = statement.query_map(params![task, code.map(ErrorCode::as_str), now.0], |row| row.get(0))?;
    Ok(cleared.collect::<Result<_, _>>()?)
}
