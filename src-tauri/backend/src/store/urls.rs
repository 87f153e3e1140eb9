//! The life of each URL.
//!
//! Leaves normalising to the caller, who passes the same text for the same address.
//! Invariant: a status only moves forward, or to `failed` and from there anywhere; one row for one URL.

use super::StoreError;
use super::rows::{optional_json, time, to_json, word};
use domain::source::UrlItem;
use domain::{ApiError, UrlStatus, UtcTime};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The id of a URL, the same on every machine.
pub fn id_of(url: &str) -> String {
    format!("u{}", &blake3::hash(url.as_bytes()).to_hex()[..20])
}

/// Makes the row unless it is there, and notes the task that works on it now. A failed one waits again.
pub fn ensure(conn: &Connection, url: &str, task_id: &str, now: UtcTime) -> Result<UrlItem, StoreError> {
    conn.prepare_cached(
        "INSERT INTO urls (url_id, url, status, task_id, created_at, updated_at)
         VALUES (?1, ?2, 'pending_ingest', ?3, ?4, ?4)
         ON CONFLICT (url) DO UPDATE SET task_id = excluded.task_id, updated_at = excluded.updated_at,
           status = iif(status = 'failed', 'pending_ingest', status), error = NULL",
    )?
    .execute(params![id_of(url), url, task_id, now.0])?;
    Ok(conn.prepare_cached("SELECT * FROM urls WHERE url = ?1")?.query_row([url], read)?)
}

/// Moves a URL on. Steps back are ignored: a second task on the same URL finds its work done.
/// `error` is kept with `failed` only. Answers whether anything changed.
pub fn set_status(
    conn: &Connection,
    url: &str,
    status: UrlStatus,
    error: Option<&ApiError>,
    now: UtcTime,
) -> Result<bool, StoreError> {
    let current: Option<(String, Option<String>)> = conn
        .prepare_cached("SELECT status, error FROM urls WHERE url = ?1")?
        .query_row([url], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((current, had_error)) = current else { return Ok(false) };
    let failed = status == UrlStatus::Failed;
    let error = error.filter(|_| failed).map(to_json).transpose()?;
    let forward = current
        .parse::<UrlStatus>()
        .map_or(true, |current| failed || current == UrlStatus::Failed || (status as u8) > (current as u8));
    if !forward || (current == status.as_str() && had_error == error) {
        return Ok(false);
    }
    conn.prepare_cached("UPDATE urls SET status = ?2, error = ?3, updated_at = ?4 WHERE url = ?1")?
        .execute(params![url, status.as_str(), error, now.0])?;
    Ok(true)
}

/// Notes which media the URL turned out to be.
pub fn set_media(conn: &Connection, url: &str, media_id: &str, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE urls SET media_id = ?2, updated_at = ?3 WHERE url = ?1")?
        .execute(params![url, media_id, now.0])?;
    Ok(())
}

/// The task that worked on a URL was cancelled: a URL that was not downloaded yet has failed.
pub fn cancel(conn: &Connection, url: &str, error: &ApiError, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE urls SET status = 'failed', error = ?2, updated_at = ?3
         WHERE url = ?1 AND status IN ('pending_ingest', 'downloading')",
    )?
    .execute(params![url, to_json(error)?, now.0])?;
    Ok(())
}

/// The media a URL turned out to be, when it was downloaded before.
pub fn media_of(conn: &Connection, url: &str) -> Result<Option<String>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT media_id FROM urls WHERE url = ?1 AND media_id IS NOT NULL")?
        .query_row([url], |row| row.get(0))
        .optional()?)
}

/// One row.
pub fn find(conn: &Connection, url: &str) -> Result<Option<UrlItem>, StoreError> {
    Ok(conn.prepare_cached("SELECT * FROM urls WHERE url = ?1")?.query_row([url], read).optional()?)
}

/// The row of an id.
pub fn by_id(conn: &Connection, url_id: &str) -> Result<Option<UrlItem>, StoreError> {
    Ok(conn.prepare_cached("SELECT * FROM urls WHERE url_id = ?1")?.query_row([url_id], read).optional()?)
}

/// A page, the last changed first, and how many there are in all.
pub fn list(
    conn: &Connection,
    status: Option<UrlStatus>,
    limit: u32,
    offset: u32,
) -> Result<(u64, Vec<UrlItem>), StoreError> {
    let status = status.map(UrlStatus::as_str);
    let total: i64 = conn
        .prepare_cached("SELECT count(*) FROM urls WHERE ?1 IS NULL OR status = ?1")?
        .query_row([status], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(
        "SELECT * FROM urls WHERE ?1 IS NULL OR status = ?1 ORDER BY updated_at DESC, url_id LIMIT ?2 OFFSET ?3",
    )?;
    let rows = statement.query_map(params![status, limit, offset], read)?;
    Ok((total.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

fn read(row: &Row<'_>) -> rusqlite::Result<UrlItem> {
    Ok(UrlItem {
        url_id: row.get("url_id")?,
        url: row.get("url")?,
        status: word(row, "status")?,
        media_id: row.get("media_id")?,
        task_id: row.get("task_id")?,
        error: optional_json(row, "error")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
