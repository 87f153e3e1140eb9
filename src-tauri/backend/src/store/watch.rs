//! Watched folders, and which state of which file was taken from them.
//!
//! Leaves watching to `crate::watch`.
//! Invariant: a file in one state (size and time) is taken once from one watched folder.

use super::StoreError;
use super::rows::{time, whole};
use domain::UtcTime;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A watched folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRow {
    pub watch_id: String,
    /// Absolute.
    pub path: String,
    pub recipe: String,
    pub subfolders: bool,
    /// Files taken so far.
    pub taken: u32,
    pub created_at: UtcTime,
}

/// The id of a watched folder, the same whenever that folder is watched.
pub fn id_of(path: &str) -> String {
    format!("w{}", &blake3::hash(path.as_bytes()).to_hex()[..12])
}

/// Watches a folder, or changes how it is watched.
pub fn put(
    conn: &Connection,
    path: &str,
    recipe: &str,
    subfolders: bool,
    now: UtcTime,
) -> Result<WatchRow, StoreError> {
    conn.prepare_cached(
        "INSERT INTO watches (watch_id, path, recipe, subfolders, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (path) DO UPDATE SET recipe = excluded.recipe, subfolders = excluded.subfolders",
    )?
    .execute(params![id_of(path), path, recipe, subfolders, now.0])?;
    Ok(conn.prepare_cached(&select("WHERE path = ?1"))?.query_row([path], read)?)
}

/// All, in the order they were added.
pub fn list(conn: &Connection) -> Result<Vec<WatchRow>, StoreError> {
    let mut statement = conn.prepare_cached(&select("ORDER BY created_at, path"))?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// One, by its id or its path.
pub fn find(conn: &Connection, watch: &str) -> Result<Option<WatchRow>, StoreError> {
    Ok(conn
        .prepare_cached(&select("WHERE watch_id = ?1 OR path = ?1"))?
        .query_row([watch], read)
        .optional()?)
}

/// Forgets a watched folder and what was taken from it; what it brought stays. `false`: there was none.
pub fn remove(conn: &Connection, watch_id: &str) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM watches WHERE watch_id = ?1")?.execute([watch_id])? > 0)
}

/// Whether the file was taken in just that state.
pub fn was_taken(
    conn: &Connection,
    watch_id: &str,
    path: &str,
    size: u64,
    mtime: i64,
) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM watched_files WHERE watch_id = ?1 AND path = ?2 AND size = ?3 AND mtime = ?4",
        )?
        .exists(params![watch_id, path, whole(size), mtime])?)
}

/// Notes that the file was taken in that state.
pub fn set_taken(
    conn: &Connection,
    watch_id: &str,
    path: &str,
    size: u64,
    mtime: i64,
    now: UtcTime,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO watched_files (watch_id, path, size, mtime, taken_at)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM watches WHERE watch_id = ?1)",
    )?
    .execute(params![watch_id, path, whole(size), mtime, now.0])?;
    Ok(())
}

fn select(rest: &str) -> String {
    format!(
        "SELECT *, (SELECT count(*) FROM watched_files WHERE watched_files.watch_id = watches.watch_id) AS taken
         FROM watches {rest}"
    )
}

fn read(row: &Row<'_>) -> rusqlite::Result<WatchRow> {
    Ok(WatchRow {
        watch_id: row.get("watch_id")?,
        path: row.get("path")?,
        recipe: row.get("recipe")?,
        subfolders: row.get("subfolders")?,
        taken: row.get("taken")?,
        created_at: time(row, "created_at")?,
    })
}
