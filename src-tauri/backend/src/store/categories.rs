//! Labels of a transcript, strongest first on each axis.
//!
//! Invariant: a transcript's labels are of one run; a new run replaces them whole.

use super::StoreError;
use super::rows::{json, to_json};
use domain::category::Category;
use rusqlite::{Connection, OptionalExtension, params};

/// Replaces the labels of a transcript.
pub fn put(conn: &Connection, transcript_id: &str, categories: &[Category]) -> Result<(), StoreError> {
    let id: Option<i64> = conn
        .prepare_cached("SELECT id FROM transcripts WHERE transcript_id = ?1")?
        .query_row([transcript_id], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(()) };
    conn.prepare_cached("DELETE FROM categories WHERE transcript = ?1")?.execute([id])?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO categories (transcript, axis, place, label, score, evidence, engine)
         SELECT ?1, ?2, count(*), ?3, ?4, ?5, ?6 FROM categories WHERE transcript = ?1 AND axis = ?2",
    )?;
    for category in categories {
        insert.execute(params![
            id,
            category.axis,
            category.label,
            category.score,
            to_json(&category.evidence)?,
            category.engine
        ])?;
    }
    Ok(())
}

/// The labels of a transcript; those of what was heard for a version that was edited; empty when it was never
/// categorized.
pub fn of_transcript(conn: &Connection, transcript_id: &str) -> Result<Vec<Category>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT categories.* FROM categories JOIN transcripts ON transcripts.id = transcript
         WHERE transcript_id = (SELECT coalesce(parent, transcript_id) FROM transcripts WHERE transcript_id = ?1)
         ORDER BY axis, place",
    )?;
    let rows = statement.query_map([transcript_id], |row| {
        Ok(Category {
            axis: row.get("axis")?,
            label: row.get("label")?,
            score: row.get("score")?,
            evidence: json(row, "evidence")?,
            engine: row.get("engine")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What made the labels a transcript has.
pub fn engine_of(conn: &Connection, transcript_id: &str) -> Result<Option<String>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT categories.engine FROM categories JOIN transcripts ON transcripts.id = transcript
             WHERE transcript_id = ?1 LIMIT 1",
        )?
        .query_row([transcript_id], |row| row.get(0))
        .optional()?)
}
