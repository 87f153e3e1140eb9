//! Media that are removed: hidden at once, gone for good later.
//!
//! Leaves the files to `crate::library`.
//! Invariants: a removed media is in no list and its words are not in the index; it comes back whole until it is purged;
//! media that an unfinished task works with are not removed.

use super::StoreError;
use super::transcripts::choose_searched;
use domain::UtcTime;
use rusqlite::{Connection, OptionalExtension, params};

/// The title of an unfinished task that works with the media.
pub fn used_by(conn: &Connection, media_id: &str) -> Result<Option<String>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT title FROM tasks WHERE media_id = ?1 AND status IN ('queued', 'processing') LIMIT 1",
        )?
        .query_row([media_id], |row| row.get(0))
        .optional()?)
}

/// Hides a media. `trashed`: where its file lies in the system's trash.
pub fn hide(
    conn: &Connection,
    media_id: &str,
    trashed: Option<&str>,
    now: UtcTime,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE media SET removed_at = ?2, trashed = ?3, updated_at = ?2 WHERE media_id = ?1",
    )?
    .execute(params![media_id, now.0, trashed])?;
    choose_searched(conn, media_id)
}

/// Brings a hidden media back.
pub fn unhide(conn: &Connection, media_id: &str, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE media SET removed_at = NULL, trashed = NULL, updated_at = ?2 WHERE media_id = ?1 AND removed_at IS NOT NULL",
    )?
    .execute(params![media_id, now.0])?;
    choose_searched(conn, media_id)
}

/// Where a hidden media's file lies in the trash; outer `None`: the media is not hidden.
pub fn trashed(conn: &Connection, media_id: &str) -> Result<Option<Option<String>>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT trashed FROM media WHERE media_id = ?1 AND removed_at IS NOT NULL")?
        .query_row([media_id], |row| row.get(0))
        .optional()?)
}

/// Forgets media that were hidden before a moment, with all that hangs on them.
pub fn purge(conn: &Connection, before: UtcTime) -> Result<u32, StoreError> {
    let gone = conn
        .prepare_cached("DELETE FROM media WHERE removed_at IS NOT NULL AND removed_at < ?1")?
        .execute([before.0])?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}

/// Whether a row refers to a file in the artifacts folder (`stored` false) or the media folder (`stored` true).
pub fn is_referenced(conn: &Connection, name: &str, stored: bool) -> Result<bool, StoreError> {
    let sql = if stored {
        "SELECT EXISTS (SELECT 1 FROM media WHERE stored = ?1)"
    } else {
        "SELECT EXISTS (SELECT 1 FROM artifacts WHERE name = ?1)"
    };
    Ok(conn.prepare_cached(sql)?.query_row([name], |row| row.get(0))?)
}
