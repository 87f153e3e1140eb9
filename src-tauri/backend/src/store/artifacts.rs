//! Rows of what steps made: which file holds a media's poster, filmstrip, waveform.
//!
//! Leaves the files to `crate::artifacts`.
//! Invariant: for one media, kind and key there is one answer, and it never changes once given unless made again.

use super::StoreError;
use super::rows::{optional_json, time, to_json, whole};
use domain::UtcTime;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value;

/// Something a step made, or the knowledge that there is nothing to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    pub media_id: String,
    /// `poster`, `filmstrip`, `waveform` …
    pub kind: String,
    /// Hash of parameters and engine version.
    pub key: String,
    /// `ab/<hash>.<extension>`, or `None` where there was nothing to make.
    pub name: Option<String>,
    /// Bytes.
    pub size: u64,
    pub engine: String,
    /// Such as a filmstrip's `{"count","width","height"}`.
    pub details: Option<Value>,
    pub created_at: UtcTime,
}

/// What was made with just that key.
pub fn find(
    conn: &Connection,
    media_id: &str,
    kind: &str,
    key: &str,
) -> Result<Option<Artifact>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT * FROM artifacts WHERE media_id = ?1 AND kind = ?2 AND key = ?3")?
        .query_row([media_id, kind, key], read)
        .optional()?)
}

/// The newest of each kind.
pub fn of_media(conn: &Connection, media_id: &str) -> Result<Vec<Artifact>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT * FROM artifacts WHERE media_id = ?1 AND artifact_id IN
           (SELECT max(artifact_id) FROM artifacts WHERE media_id = ?1 GROUP BY kind)",
    )?;
    let rows = statement.query_map([media_id], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Stores it; one made again replaces the older and counts as the newest.
pub fn put(conn: &Connection, artifact: &Artifact) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO artifacts (media_id, kind, key, name, size, engine, details, created_at)
         VALUES (:media_id, :kind, :key, :name, :size, :engine, :details, :created_at)",
    )?
    .execute(named_params! {
        ":media_id": artifact.media_id,
        ":kind": artifact.kind,
        ":key": artifact.key,
        ":name": artifact.name,
        ":size": whole(artifact.size),
        ":engine": artifact.engine,
        ":details": artifact.details.as_ref().map(to_json).transpose()?,
        ":created_at": artifact.created_at.0,
    })?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    Ok(Artifact {
        media_id: row.get("media_id")?,
        kind: row.get("kind")?,
        key: row.get("key")?,
        name: row.get("name")?,
        size: row.get::<_, i64>("size")?.unsigned_abs(),
        engine: row.get("engine")?,
        details: optional_json(row, "details")?,
        created_at: time(row, "created_at")?,
    })
}
