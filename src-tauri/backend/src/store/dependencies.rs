//! Which job needs which.

use super::StoreError;
use rusqlite::{Connection, params};

/// `job` may run once `needs` has succeeded.
pub fn add(conn: &Connection, job: i64, needs: i64) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO dependencies (job, needs) VALUES (?1, ?2)")?
        .execute(params![job, needs])?;
    Ok(())
}

fn ids(conn: &Connection, sql: &str, id: i64) -> Result<Vec<i64>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map(params![id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(found)
}

/// Blocked jobs that waited for this one last.
pub fn unblocked_by(conn: &Connection, job: i64) -> Result<Vec<i64>, StoreError> {
    ids(
        conn,
        "SELECT d.job FROM dependencies d JOIN jobs j ON j.job_id = d.job
         WHERE d.needs = ?1 AND j.state = 'blocked' AND NOT EXISTS
           (SELECT 1 FROM dependencies o JOIN jobs n ON n.job_id = o.needs
            WHERE o.job = d.job AND n.state <> 'succeeded')
         ORDER BY d.job",
        job,
    )
}

/// Everything that needs this job, directly or through others.
pub fn dependents(conn: &Connection, job: i64) -> Result<Vec<i64>, StoreError> {
    ids(
        conn,
        "WITH RECURSIVE later (job) AS (
           SELECT job FROM dependencies WHERE needs = ?1
           UNION SELECT d.job FROM dependencies d JOIN later l ON d.needs = l.job)
         SELECT job FROM later ORDER BY job",
        job,
    )
}

/// Everything that this job needs, directly or through others.
pub fn ancestors(conn: &Connection, job: i64) -> Result<Vec<i64>, StoreError> {
    ids(
        conn,
        "WITH RECURSIVE earlier (job) AS (
           SELECT needs FROM dependencies WHERE job = ?1
           UNION SELECT d.needs FROM dependencies d JOIN earlier e ON d.job = e.job)
         SELECT job FROM earlier ORDER BY job",
        job,
    )
}

/// Whether all that the job needs has succeeded.
pub fn met(conn: &Connection, job: i64) -> Result<bool, StoreError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM dependencies d JOIN jobs n ON n.job_id = d.needs
               WHERE d.job = ?1 AND n.state <> 'succeeded')";
    Ok(conn.prepare_cached(sql)?.query_row(params![job], |row| row.get(0))?)
}
