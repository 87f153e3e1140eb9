//! Rows of the audit. They are only added: triggers of the schema refuse anything else.

use super::StoreError;
use crate::api::types::{ActorFigures, AuditItem};
use domain::UtcTime;
use rusqlite::{Connection, params};

/// Writes who asked for what.
pub fn add(
    conn: &Connection,
    actor: &str,
    action: &str,
    subject: &str,
    error: Option<&str>,
    now: UtcTime,
) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO audit (at, actor, action, subject, error) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![now.0, actor, action, subject, error])?;
    Ok(())
}

/// A page, the newest first, of one actor or of all; and how many there are.
pub fn list(
    conn: &Connection,
    actor: Option<&str>,
    limit: u32,
    offset: u32,
) -> Result<(u64, Vec<AuditItem>), StoreError> {
    let total: i64 = conn
        .prepare_cached("SELECT count(*) FROM audit WHERE ?1 IS NULL OR actor = ?1")?
        .query_row([actor], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(
        "SELECT id, at, actor, action, subject, error FROM audit WHERE ?1 IS NULL OR actor = ?1
         ORDER BY id DESC LIMIT ?2 OFFSET ?3",
    )?;
    let rows = statement.query_map(params![actor, limit, offset], |row| {
        Ok(AuditItem {
            id: row.get(0)?,
            at: UtcTime(row.get(1)?),
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            error: row.get(5)?,
        })
    })?;
    Ok((total.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

/// How much each actor asked for since then.
pub fn by_actor(conn: &Connection, since: UtcTime) -> Result<Vec<ActorFigures>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT actor, count(*), sum(error IS NOT NULL) FROM audit WHERE at >= ?1 GROUP BY actor ORDER BY actor",
    )?;
    let rows = statement.query_map([since.0], |row| {
        Ok(ActorFigures {
            actor: row.get(0)?,
            acts: row.get::<_, i64>(1)?.unsigned_abs(),
            refused: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
