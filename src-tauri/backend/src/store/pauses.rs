//! What the user paused beyond single tasks.

use super::StoreError;
use domain::Lane;
use rusqlite::{Connection, params};
use std::collections::HashSet;

/// The pause flags of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    pub all: bool,
    pub lanes: HashSet<String>,
}

impl Pauses {
    /// Whether nothing of the lane may start.
    pub fn covers(&self, lane: &str) -> bool {
        self.all || self.lanes.contains(lane)
    }
}

fn scope(lane: Option<&Lane>) -> String {
    lane.map_or_else(|| "all".into(), |lane| format!("lane:{lane}"))
}

/// Pauses the lane, or everything; says whether that is news.
pub fn set(conn: &Connection, lane: Option<&Lane>) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached("INSERT OR IGNORE INTO pauses (scope) VALUES (?1)")?
        .execute(params![scope(lane)])?
        > 0)
}

/// Undoes [`set`]; says whether there was something to undo.
pub fn clear(conn: &Connection, lane: Option<&Lane>) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM pauses WHERE scope = ?1")?.execute(params![scope(lane)])? > 0)
}

/// All flags.
pub fn load(conn: &Connection) -> Result<Pauses, StoreError> {
    let mut pauses = Pauses::default();
    let mut statement = conn.prepare_cached("SELECT scope FROM pauses")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let scope: String = row.get(0)?;
        match scope.strip_prefix("lane:") {
            Some(lane) => {
                pauses.lanes.insert(lane.into());
            }
            None => pauses.all = true,
        }
    }
    Ok(pauses)
}
