//! Calls of cloud services and what they cost, and the user's caps.
//!
//! Leaves deciding whether a wish may be sent to `crate::cloud`.
//! Invariant: a row stands before its request is sent; money is whole millionths of a dollar, unknown is null, not 0.

use super::StoreError;
use super::rows::whole;
use domain::UtcTime;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Where a call stands; what the words mean is said in the migration.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRow {
    pub call: i64,
    pub state: String,
    pub remote_job: Option<String>,
    pub told: bool,
}

/// A call about to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCall {
    pub wish: String,
    pub task_id: String,
    pub provider: String,
    pub model: String,
    pub capability: &'static str,
    pub estimate: Option<i64>,
    pub decision: Option<String>,
}

/// How a call ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallEnd {
    pub state: &'static str,
    pub charge: Option<i64>,
    pub seconds: Option<f64>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub hosts: Vec<String>,
    pub error: Option<String>,
}

/// Writes a call down.
pub fn begin(conn: &Connection, new: &NewCall, now: UtcTime) -> Result<i64, StoreError> {
    conn.prepare_cached(
        "INSERT INTO provider_calls (wish, task_id, provider, model, capability, state, estimate, decision, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'sending', ?6, ?7, ?8)",
    )?
    .execute(params![
        new.wish,
        new.task_id,
        new.provider,
        new.model,
        new.capability,
        new.estimate,
        new.decision,
        now.0
    ])?;
    Ok(conn.last_insert_rowid())
}

/// The last call of a wish.
pub fn last(conn: &Connection, wish: &str) -> Result<Option<CallRow>, StoreError> {
    let read = |row: &Row<'_>| {
        Ok(CallRow { call: row.get(0)?, state: row.get(1)?, remote_job: row.get(2)?, told: row.get(3)? })
    };
    Ok(conn
        .prepare_cached(
            "SELECT call, state, remote_job, told FROM provider_calls WHERE wish = ?1 ORDER BY call DESC LIMIT 1",
        )?
        .query_row([wish], read)
        .optional()?)
}

/// Notes the service's job id.
pub fn accept(conn: &Connection, call: i64, remote_job: &str) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE provider_calls SET state = 'accepted', remote_job = ?2 WHERE call = ?1")?
        .execute(params![call, remote_job])?;
    Ok(())
}

/// Whether the service has told a job id that was not ended since.
pub fn is_accepted(conn: &Connection, call: i64) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM provider_calls WHERE call = ?1 AND state = 'accepted'")?
        .exists([call])?)
}

/// Ends a call.
pub fn end(conn: &Connection, call: i64, end: &CallEnd, now: UtcTime) -> Result<(), StoreError> {
    let hosts = super::rows::to_json(&end.hosts)?;
    conn.prepare_cached(
        "UPDATE provider_calls SET state = ?2, charge = ?3, seconds = ?4, input_tokens = ?5, output_tokens = ?6,
           hosts = ?7, error = ?8, ended_at = ?9 WHERE call = ?1",
    )?
    .execute(params![
        call,
        end.state,
        end.charge,
        end.seconds,
        end.input_tokens.map(whole),
        end.output_tokens.map(whole),
        hosts,
        end.error,
        now.0
    ])?;
    Ok(())
}

/// Notes that the task's failure has told the user of every lost answer among its wishes.
pub fn tell(conn: &Connection, task_id: &str) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE provider_calls SET told = 1 WHERE task_id = ?1 AND state IN ('sending', 'unknown')",
    )?
    .execute([task_id])?;
    Ok(())
}

/// The user has asked again for a wish whose answer was lost.
pub fn release(conn: &Connection, call: i64, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE provider_calls SET state = 'released', ended_at = coalesce(ended_at, ?2) WHERE call = ?1",
    )?
    .execute(params![call, now.0])?;
    Ok(())
}

/// What calls since a time may have cost: charges, and estimates of those that are open, lost or of unknown charge.
pub fn spent(conn: &Connection, provider: Option<&str>, since: UtcTime) -> Result<i64, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT coalesce(sum(coalesce(charge, estimate, 0)), 0) FROM provider_calls
             WHERE started_at >= ?2 AND state <> 'refused' AND (?1 IS NULL OR provider = ?1)",
        )?
        .query_row(params![provider, since.0], |row| row.get(0))?)
}

/// Sums of calls by service, model and capability.
#[derive(Clone, Debug, PartialEq)]
pub struct CostSum {
    pub provider: String,
    pub model: String,
    pub capability: String,
    pub calls: u64,
    /// Done and charged.
    pub settled: u64,
    /// Answered with an error.
    pub refused: u64,
    /// Lost answers, released ones too.
    pub lost: u64,
    /// Known charges.
    pub charged: i64,
    /// Calls that may have been charged, of which the charge is not known.
    pub unknown: u64,
    pub seconds: f64,
    /// Mean milliseconds of a settled call.
    pub latency: Option<f64>,
}

/// The sums between two times, dearest first.
pub fn sums(conn: &Connection, from: UtcTime, to: UtcTime) -> Result<Vec<CostSum>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT provider, model, capability, count(*), sum(state = 'settled'), sum(state = 'refused'),
           sum(state IN ('unknown', 'released')), coalesce(sum(charge), 0),
           sum(charge IS NULL AND state <> 'refused'), coalesce(sum(seconds), 0.0),
           avg(iif(state = 'settled', ended_at - started_at, NULL))
         FROM provider_calls WHERE started_at >= ?1 AND started_at < ?2
         GROUP BY provider, model, capability ORDER BY 8 DESC, provider, model",
    )?;
    let rows = statement.query_map(params![from.0, to.0], |row| {
        let count = |at: usize| row.get::<_, i64>(at).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(CostSum {
            provider: row.get(0)?,
            model: row.get(1)?,
            capability: row.get(2)?,
            calls: count(3)?,
            settled: count(4)?,
            refused: count(5)?,
            lost: count(6)?,
            charged: row.get(7)?,
            unknown: count(8)?,
            seconds: row.get(9)?,
            latency: row.get(10)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A cap: service or `*`, soft and hard limit.
pub type Cap = (String, Option<i64>, Option<i64>);

/// All caps.
pub fn caps(conn: &Connection) -> Result<Vec<Cap>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT provider, soft, hard FROM provider_caps ORDER BY provider")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Sets a cap, or takes it away when both limits are null.
pub fn set_cap(conn: &Connection, (provider, soft, hard): &Cap) -> Result<(), StoreError> {
    if soft.is_none() && hard.is_none() {
        conn.prepare_cached("DELETE FROM provider_caps WHERE provider = ?1")?.execute([provider])?;
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO provider_caps (provider, soft, hard) VALUES (?1, ?2, ?3)
         ON CONFLICT (provider) DO UPDATE SET soft = excluded.soft, hard = excluded.hard",
    )?
    .execute(params![provider, soft, hard])?;
    Ok(())
}
