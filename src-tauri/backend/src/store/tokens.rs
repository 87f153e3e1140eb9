//! Rows of the API's tokens. A token itself is in no row, only its hash.

use super::StoreError;
use super::rows::word_at;
use crate::api::types::{Scope, TokenItem};
use domain::UtcTime;
use rusqlite::{Connection, OptionalExtension, Row, params};

const ITEM: &str = "token_id, name, scope, created_at, last_used_at, revoked_at, \
                    (SELECT count(*) FROM audit WHERE actor = 'token:' || name)";

fn read(row: &Row<'_>) -> Result<TokenItem, StoreError> {
    Ok(TokenItem {
        token_id: row.get(0)?,
        name: row.get(1)?,
        scope: word_at(row, 2)?,
        created_at: UtcTime(row.get(3)?),
        last_used_at: row.get::<_, Option<i64>>(4)?.map(UtcTime),
        revoked_at: row.get::<_, Option<i64>>(5)?.map(UtcTime),
        acts: row.get::<_, i64>(6)?.unsigned_abs(),
    })
}

/// Writes a token; false when the name is taken, by a revoked one too: the audit must stay unambiguous.
pub fn insert(
    conn: &Connection,
    id: &str,
    name: &str,
    scope: Scope,
    hash: &str,
    now: UtcTime,
) -> Result<bool, StoreError> {
    let made = conn
        .prepare_cached(
            "INSERT INTO api_tokens (token_id, name, scope, hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (name) DO NOTHING",
        )?
        .execute(params![id, name, scope.as_str(), hash, now.0])?;
    Ok(made == 1)
}

/// All tokens, the newest first.
pub fn list(conn: &Connection) -> Result<Vec<TokenItem>, StoreError> {
    let sql = format!("SELECT {ITEM} FROM api_tokens ORDER BY created_at DESC, token_id");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    Ok(items)
}

/// The token of an id or a name.
pub fn find(conn: &Connection, id_or_name: &str) -> Result<Option<TokenItem>, StoreError> {
    let sql = format!("SELECT {ITEM} FROM api_tokens WHERE token_id = ?1 OR name = ?1");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([id_or_name])?;
    rows.next()?.map(read).transpose()
}

/// Name, scope and last use of the token with that hash, unless it was revoked.
pub fn by_hash(
    conn: &Connection,
    hash: &str,
) -> Result<Option<(String, Scope, Option<UtcTime>)>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT name, scope, last_used_at FROM api_tokens WHERE hash = ?1 AND revoked_at IS NULL",
    )?;
    let mut rows = statement.query([hash])?;
    match rows.next()? {
        Some(row) => Ok(Some((row.get(0)?, word_at(row, 1)?, row.get::<_, Option<i64>>(2)?.map(UtcTime)))),
        None => Ok(None),
    }
}

/// Notes that a token was used.
pub fn touch(conn: &Connection, hash: &str, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE api_tokens SET last_used_at = ?2 WHERE hash = ?1")?
        .execute(params![hash, now.0])?;
    Ok(())
}

/// Ends a token; a revoked one stays revoked.
pub fn revoke(conn: &Connection, id_or_name: &str, now: UtcTime) -> Result<bool, StoreError> {
    let sql = "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE token_id = ?1 OR name = ?1
               RETURNING 1";
    let done = conn.prepare_cached(sql)?.query_row(params![id_or_name, now.0], |_| Ok(())).optional()?;
    Ok(done.is_some())
}
