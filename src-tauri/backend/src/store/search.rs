//! Reading the full-text index over segments.
//!
//! Leaves writing it to `store::transcripts`, the meaning of a query and the ranking to `crate::search`.
//! Invariant: work is bounded: so many of the newest hits are ranked, so many are counted, whatever the words.

use super::StoreError;
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

/// Ids of segments that may match.
#[derive(Clone, Copy)]
struct Range {
    from: i64,
    to: i64,
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
    let Some(range) = range(conn, media_id)? else { return Ok((0, Vec::new())) };
    let only = media_id.map(|_| range.transcript);
    let range = range.ids;
    let ranked = ranked(conn, query, only, range)?;
    let mut page: Vec<(i64, String)> =
        ranked.iter().skip(offset as usize).take(limit as usize).cloned().collect();
    let mut total = ranked.len() as u64;
    if ranked.len() == RANKED as usize {
        total = counted(conn, query, only, range)?;
        if page.len() < limit as usize {
            let skip = offset.max(RANKED);
            page.extend(newest(conn, query, only, range, limit - page.len() as u32, skip)?);
        }
    }
    let mut hits = Vec::with_capacity(page.len());
    for (segment, marked) in page {
        hits.extend(hit(conn, segment, &marked)?);
    }
    Ok((total, hits))
}

struct Scope {
    transcript: i64,
    ids: Range,
}

/// Where to look: everywhere, or in the segments of one media's searched transcript.
fn range(conn: &Connection, media_id: Option<&str>) -> Result<Option<Scope>, StoreError> {
    let Some(media_id) = media_id else {
        return Ok(Some(Scope { transcript: 0, ids: Range { from: i64::MIN, to: i64::MAX } }));
    };
    Ok(conn
        .prepare_cached(
            "SELECT transcripts.id, min(segments.id), max(segments.id) FROM transcripts
             JOIN segments ON segments.transcript = transcripts.id
             WHERE media_id = ?1 AND searched GROUP BY transcripts.id",
        )?
        .query_row([media_id], |row| {
            Ok(Scope { transcript: row.get(0)?, ids: Range { from: row.get(1)?, to: row.get(2)? } })
        })
        .optional()?)
}

const MATCHING: &str =
    "FROM segment_index WHERE segment_index MATCH ?1 AND segment_index.rowid BETWEEN ?2 AND ?3
    AND (?4 IS NULL OR ?4 = (SELECT transcript FROM segments WHERE segments.id = segment_index.rowid))";

/// The newest hits with their marked texts, the best first.
fn ranked(
    conn: &Connection,
    query: &Query,
    only: Option<i64>,
    range: Range,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut scored: Vec<(f64, i64, String)> = newest(conn, query, only, range, RANKED, 0)?
        .into_iter()
        .map(|(segment, marked)| (score(&marked), segment, marked))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    Ok(scored.into_iter().map(|(_, segment, marked)| (segment, marked)).collect())
}

/// Hits with their marked texts, newest first.
fn newest(
    conn: &Connection,
    query: &Query,
    only: Option<i64>,
    range: Range,
    limit: u32,
    offset: u32,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT rowid, highlight(segment_index, 0, '{MARK_START}', '{MARK_END}') {MATCHING}
         ORDER BY segment_index.rowid DESC LIMIT ?5 OFFSET ?6"
    ))?;
    let rows = statement
        .query_map(params![query.expression(), range.from, range.to, only, limit, offset], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn counted(conn: &Connection, query: &Query, only: Option<i64>, range: Range) -> Result<u64, StoreError> {
    let count: i64 = conn
        .prepare_cached(&format!(
            "SELECT count(*) FROM (SELECT 1 {MATCHING} ORDER BY segment_index.rowid DESC LIMIT ?5)"
        ))?
        .query_row(params![query.expression(), range.from, range.to, only, COUNTED], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

fn hit(conn: &Connection, segment: i64, marked: &str) -> Result<Option<Hit>, StoreError> {
    let found = conn
        .prepare_cached(
            "SELECT transcript_id, media_id, title, start, \"end\", segments.words AS words FROM segments
             JOIN transcripts ON transcripts.id = segments.transcript JOIN media USING (media_id)
             WHERE segments.id = ?1",
        )?
        .query_row([segment], |row| read(row, marked))
        .optional()?;
    Ok(found)
}

fn read(row: &Row<'_>, marked: &str) -> rusqlite::Result<Hit> {
    let start: f64 = row.get("start")?;
    Ok(Hit {
        media_id: row.get("media_id")?,
        transcript_id: row.get("transcript_id")?,
        title: row.get("title")?,
        start: first_match(marked, &unpack(row)?).unwrap_or(start),
        end: row.get("end")?,
        snippet: snippet(marked),
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
