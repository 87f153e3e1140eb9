//! Reading the full-text index over segments.
//!
//! Leaves writing it to `store::transcripts`, the meaning of a query and the ranking to `crate::search`.
//! Invariant: work is bounded: so many of the newest hits are ranked, so many are counted, whatever the words.

use super::StoreError;
use super::rows::whole;
use super::transcripts::unpack;
use crate::search::{COUNTED, MARK_END, MARK_START, Query, RANKED, score, snippet};
use domain::Word;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A segment in which the words were said.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub media_id: String,
    pub transcript_id: String,
    pub title: String,
    /// Second of the first word that matches, where words have times; else of the segment.
    pub start: f64,
    pub end: f64,
    /// Shortened text with marks around the matches.
    pub snippet: String,
}

/// A page of hits and how many there are in all, counted up to [`COUNTED`].
/// The newest [`RANKED`] hits come first, the best of them at the head; then the others, newest first.
pub fn search(
    conn: &Connection,
    query: &Query,
    media_id: Option<&str>,
    limit: u32,
    offset: u32,
) -> Result<(u64, Vec<Hit>), StoreError> {
    let Some(scope) = scope(conn, media_id)? else { return Ok((0, Vec::new())) };
    let expression = query.expression();
    let mut order = newest(conn, &expression, scope, COUNTED, 0)?;
    let total = order.len() as u64;
    let (skip, wanted) = (offset as usize, limit as usize);
    if skip < RANKED {
        rank(conn, query, &mut order)?;
    }
    let page: Vec<i64> = if skip + wanted > COUNTED && order.len() == COUNTED {
        let mut page: Vec<i64> = order.into_iter().skip(skip).collect();
        page.extend(newest(conn, &expression, scope, wanted - page.len(), skip.max(COUNTED))?);
        page
    } else {
        order.into_iter().skip(skip).take(wanted).collect()
    };
    let mut hits = Vec::with_capacity(page.len());
    for segment in page {
        hits.extend(hit(conn, query, segment)?);
    }
    Ok((total, hits))
}

/// Bytes the index takes on disk; for the bench and the doctor.
pub fn index_bytes(conn: &Connection) -> Result<u64, StoreError> {
    let pages: i64 =
        conn.query_row("SELECT coalesce(sum(length(block)), 0) FROM segment_index_data", [], |row| {
            row.get(0)
        })?;
    Ok(pages.unsigned_abs())
}

/// Which segments are looked at: those of one transcript, or all.
#[derive(Clone, Copy)]
struct Scope {
    transcript: Option<i64>,
    from: i64,
    to: i64,
}

/// Where to look: everywhere, or in one media's searched transcript; `None` when it has none.
fn scope(conn: &Connection, media_id: Option<&str>) -> Result<Option<Scope>, StoreError> {
    let Some(media_id) = media_id else {
        return Ok(Some(Scope { transcript: None, from: i64::MIN, to: i64::MAX }));
    };
    Ok(conn
        .prepare_cached(
            "SELECT transcripts.id, min(segments.id), max(segments.id) FROM transcripts
             JOIN segments ON segments.transcript = transcripts.id
             WHERE media_id = ?1 AND searched GROUP BY transcripts.id",
        )?
        .query_row([media_id], |row| {
            Ok(Scope { transcript: Some(row.get(0)?), from: row.get(1)?, to: row.get(2)? })
        })
        .optional()?)
}

/// Segments that match, newest first. The index walks backwards and stops at the limit.
fn newest(
    conn: &Connection,
    expression: &str,
    scope: Scope,
    limit: usize,
    offset: usize,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT rowid FROM segment_index WHERE segment_index MATCH ?1 AND segment_index.rowid BETWEEN ?2 AND ?3
           AND (?4 IS NULL OR ?4 = (SELECT transcript FROM segments WHERE segments.id = segment_index.rowid))
         ORDER BY segment_index.rowid DESC LIMIT ?5 OFFSET ?6",
    )?;
    let values = params![
        expression,
        scope.from,
        scope.to,
        scope.transcript,
        whole(limit as u64),
        whole(offset as u64)
    ];
    let rows = statement.query_map(values, |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Puts the best of the first [`RANKED`] segments before the others of them.
fn rank(conn: &Connection, query: &Query, order: &mut [i64]) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached("SELECT text FROM segments WHERE id = ?1")?;
    let ranked = order.len().min(RANKED);
    let mut scored: Vec<(f64, i64)> = Vec::with_capacity(ranked);
    for segment in &order[..ranked] {
        let text: String = statement.query_row([segment], |row| row.get(0))?;
        scored.push((score(&query.mark(&text)), *segment));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    for (place, (_, segment)) in order.iter_mut().zip(scored) {
        *place = segment;
    }
    Ok(())
}

fn hit(conn: &Connection, query: &Query, segment: i64) -> Result<Option<Hit>, StoreError> {
    let found = conn
        .prepare_cached(
            "SELECT transcript_id, media_id, title, start, \"end\", text, segments.words AS words FROM segments
             JOIN transcripts ON transcripts.id = segments.transcript JOIN media USING (media_id)
             WHERE segments.id = ?1",
        )?
        .query_row([segment], |row| read(row, query))
        .optional()?;
    Ok(found)
}

fn read(row: &Row<'_>, query: &Query) -> rusqlite::Result<Hit> {
    let marked = query.mark(row.get_ref("text")?.as_str()?);
    let start: f64 = row.get("start")?;
    Ok(Hit {
        media_id: row.get("media_id")?,
        transcript_id: row.get("transcript_id")?,
        title: row.get("title")?,
        start: first_match(&marked, &unpack(row)?).unwrap_or(start),
        end: row.get("end")?,
        snippet: snippet(&marked),
    })
}

/// The start of the word in which the first match lies; words are found in the text one after the other.
fn first_match(marked: &str, words: &[Word]) -> Option<f64> {
    let at = marked.find(MARK_START)?;
    let plain: String = marked.chars().filter(|c| !matches!(*c, MARK_START | MARK_END)).collect();
    let mut from = 0;
    for word in words {
        let text = word.text.trim();
        let found = from + plain.get(from..)?.find(text)?;
        from = found + text.len();
        if from > at {
            return Some(word.start);
        }
    }
    None
}
