//! What is paused beyond single tasks: everything or a lane by the user, everything by the settings' schedule.

use super::StoreError;
use domain::task::Hold;
use domain::{Lane, UtcTime};
use rusqlite::{Connection, params};
use std::collections::HashSet;

/// What a pause covers, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything, by the user.
    All,
    /// One lane, by the user.
    Lane(Lane),
    /// Everything, by the settings' schedule.
    Hold(Hold),
}

impl Scope {
    /// The user's pause of one lane, or of everything.
    pub fn of_user(lane: Option<Lane>) -> Self {
        lane.map_or(Self::All, Self::Lane)
    }

    fn key(&self) -> String {
        match self {
            Self::All => "all".into(),
            Self::Lane(lane) => format!("lane:{lane}"),
            Self::Hold(hold) => format!("hold:{hold}"),
        }
    }
}

/// The pause flags of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// The user paused everything.
    pub all: bool,
    /// When that ends by itself.
    pub until: Option<UtcTime>,
    /// What else holds everything, and when that ends as far as is known.
    pub held: Option<(Hold, Option<UtcTime>)>,
    pub lanes: HashSet<String>,
}

impl Pauses {
    /// Whether nothing at all may start.
    pub fn everything(&self) -> bool {
        self.all || self.held.is_some()
    }

    /// Whether nothing of the lane may start.
    pub fn covers(&self, lane: &str) -> bool {
        self.everything() || self.lanes.contains(lane)
    }
}

/// Pauses that scope until `until`, or until it is undone; says whether that is news.
pub fn set(conn: &Connection, scope: &Scope, until: Option<UtcTime>) -> Result<bool, StoreError> {
    let sql = "INSERT INTO pauses (scope, until) VALUES (?1, ?2)
               ON CONFLICT (scope) DO UPDATE SET until = excluded.until WHERE until IS NOT excluded.until";
    Ok(conn.prepare_cached(sql)?.execute(params![scope.key(), until.map(|at| at.0)])? > 0)
}

/// Undoes [`set`]; says whether there was something to undo.
pub fn clear(conn: &Connection, scope: &Scope) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM pauses WHERE scope = ?1")?.execute(params![scope.key()])? > 0)
}

/// Ends the pauses whose time has come; says whether there were any.
pub fn end_due(conn: &Connection, now: UtcTime) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM pauses WHERE until <= ?1")?.execute(params![now.0])? > 0)
}

/// When the next pause ends by itself.
pub fn next_end(conn: &Connection) -> Result<Option<UtcTime>, StoreError> {
    let sql = "SELECT min(until) FROM pauses";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(UtcTime))
}

/// All flags.
pub fn load(conn: &Connection) -> Result<Pauses, StoreError> {
    let mut pauses = Pauses::default();
    let mut statement = conn.prepare_cached("SELECT scope, until FROM pauses ORDER BY scope")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let scope: String = row.get(0)?;
        let until = row.get::<_, Option<i64>>(1)?.map(UtcTime);
        if let Some(lane) = scope.strip_prefix("lane:") {
            pauses.lanes.insert(lane.into());
        } else if let Some(hold) = scope.strip_prefix("hold:") {
            let hold: Hold = hold
                .parse()
                .map_err(|error| StoreError::Damaged(format!("a pause of an unknown kind: {error}")))?;
            pauses.held = pauses.held.or(Some((hold, until)));
        } else {
            (pauses.all, pauses.until) = (true, until);
        }
    }
    Ok(pauses)
}
