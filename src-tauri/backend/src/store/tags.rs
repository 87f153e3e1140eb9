//! What people add to the library: tags, categories of their own, saved searches.
//!
//! Leaves which words these are to `crate::library`.
//! Invariant: a tag stands once on a media whatever its case and accents; of each axis there is at most one word of the
//! user's.

use super::StoreError;
use super::rows::{json, time};
use crate::search::fold;
use domain::UtcTime;
use rusqlite::{Connection, params};
use serde_json::Value;

/// Adds a tag; one that differs in case or accents only is the same.
pub fn add(conn: &Connection, media_id: &str, tag: &str) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT OR IGNORE INTO media_tags (media_id, folded, tag) VALUES (?1, ?2, ?3)")?
        .execute(params![media_id, fold(tag), tag])?;
    Ok(())
}

/// Takes a tag off.
pub fn remove(conn: &Connection, media_id: &str, tag: &str) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM media_tags WHERE media_id = ?1 AND folded = ?2")?
        .execute(params![media_id, fold(tag)])?;
    Ok(())
}

/// The tags of a media in the order of the alphabet.
pub fn of_media(conn: &Connection, media_id: &str) -> Result<Vec<String>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT tag FROM media_tags WHERE media_id = ?1 ORDER BY folded")?;
    let rows = statement.query_map([media_id], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Sets the user's word on an axis; `None` lets the word lists speak again.
pub fn set_category(
    conn: &Connection,
    media_id: &str,
    axis: &str,
    label: Option<&str>,
) -> Result<(), StoreError> {
    match label {
        Some(label) => conn
            .prepare_cached(
                "INSERT OR REPLACE INTO media_categories (media_id, axis, label) VALUES (?1, ?2, ?3)",
            )?
            .execute([media_id, axis, label])?,
        None => conn
            .prepare_cached("DELETE FROM media_categories WHERE media_id = ?1 AND axis = ?2")?
            .execute([media_id, axis])?,
    };
    Ok(())
}

/// The user's words on a media: axis and label; an empty label says that there is nothing on this axis.
pub fn categories(conn: &Connection, media_id: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT axis, label FROM media_categories WHERE media_id = ?1 ORDER BY axis")?;
    let rows = statement.query_map([media_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A value of a list and how many media have it.
pub type Counted = (String, u32);

/// All tags with their counts.
pub fn all(conn: &Connection) -> Result<Vec<Counted>, StoreError> {
    counted(
        conn,
        "SELECT min(tag), count(*) FROM media_tags JOIN media USING (media_id) WHERE removed_at IS NULL
         GROUP BY media_tags.folded ORDER BY media_tags.folded",
    )
}

/// Languages of the transcripts that are shown.
pub fn languages(conn: &Connection) -> Result<Vec<Counted>, StoreError> {
    counted(
        conn,
        "SELECT language, count(*) FROM transcripts WHERE searched GROUP BY language ORDER BY 2 DESC, 1",
    )
}

/// Engines of the transcripts that are shown.
pub fn engines(conn: &Connection) -> Result<Vec<Counted>, StoreError> {
    counted(
        conn,
        "SELECT engine, count(*) FROM transcripts WHERE searched GROUP BY engine ORDER BY 2 DESC, 1",
    )
}

/// Labels by axis as `axis:label`: the user's, else the strongest that the word lists found.
pub fn labels(conn: &Connection) -> Result<Vec<Counted>, StoreError> {
    counted(
        conn,
        "SELECT axis || ':' || label, count(*) FROM (
           SELECT media_id, axis, label FROM media_categories JOIN media USING (media_id)
             WHERE label <> '' AND removed_at IS NULL
           UNION ALL
           SELECT shown.media_id, categories.axis, categories.label FROM transcripts AS shown
             JOIN transcripts AS heard ON heard.transcript_id = coalesce(shown.parent, shown.transcript_id)
             JOIN categories ON categories.transcript = heard.id AND place = 0
             WHERE shown.searched AND NOT EXISTS (SELECT 1 FROM media_categories AS own
               WHERE own.media_id = shown.media_id AND own.axis = categories.axis)
         ) WHERE axis <> 'language' GROUP BY axis, label ORDER BY axis, 2 DESC, label",
    )
}

fn counted(conn: &Connection, sql: &str) -> Result<Vec<Counted>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A search that was given a name.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedRow {
    pub search_id: String,
    pub name: String,
    /// Words and filters, as the library takes them.
    pub query: Value,
    pub created_at: UtcTime,
}

/// Saves a search under a name.
pub fn save(conn: &Connection, row: &SavedRow) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO saved_searches (search_id, name, query, created_at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![row.search_id, row.name, row.query.to_string(), row.created_at.0])?;
    Ok(())
}

/// Forgets a saved search. `false`: there was none of that id.
pub fn forget(conn: &Connection, search_id: &str) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("DELETE FROM saved_searches WHERE search_id = ?1")?.execute([search_id])? > 0)
}

/// Saved searches in the order of their names.
pub fn saved(conn: &Connection) -> Result<Vec<SavedRow>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT * FROM saved_searches ORDER BY name, created_at")?;
    let rows = statement.query_map([], |row| {
        Ok(SavedRow {
            search_id: row.get("search_id")?,
            name: row.get("name")?,
            query: json(row, "query")?,
            created_at: time(row, "created_at")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
