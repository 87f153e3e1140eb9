//! Versions of a transcript that people edit, and the edits that can be taken back.
//!
//! Owns copying a version, changing its segments in place, the history and which version is shown.
//! Leaves what an edit means to `crate::library`.
//! Invariants: segments that an engine heard never change, only copies do; starts rise strictly within a copy, so
//! that a segment's place is its order; index, counts and revision change with the segments.

use super::StoreError;
use super::rows::{time, whole};
use super::transcripts::{TranscriptRow, choose_searched, pack, read_segment, second, word_count};
use domain::{Segment, UtcTime};
use rusqlite::{Connection, OptionalExtension, params};

/// Edits of one version that can be taken back; older ones are final.
const KEPT_EDITS: i64 = 300;

/// A version's row in the database, for the functions below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    id: i64,
    searched: bool,
}

/// Segments that stand in for others from the place `at` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Splice<'a> {
    pub at: usize,
    pub removed: &'a [Segment],
    pub inserted: &'a [Segment],
}

/// Where a version lies; `None` when there is none of that id.
pub fn place(conn: &Connection, transcript_id: &str) -> Result<Option<Place>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT id, searched FROM transcripts WHERE transcript_id = ?1")?
        .query_row([transcript_id], |row| Ok(Place { id: row.get(0)?, searched: row.get(1)? }))
        .optional()?)
}

/// The version that was copied from this one to be edited.
pub fn edited_from(conn: &Connection, transcript_id: &str) -> Result<Option<String>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT transcript_id FROM transcripts WHERE parent = ?1")?
        .query_row([transcript_id], |row| row.get(0))
        .optional()?)
}

/// Copies a complete version, so that the copy can be edited; it becomes the one that is shown.
pub fn copy(conn: &Connection, parent: &TranscriptRow, now: UtcTime) -> Result<String, StoreError> {
    let seed = blake3::hash(format!("{}\nedited\n{}", parent.transcript_id, now.0).as_bytes()).to_hex();
    let transcript_id = format!("t{}", &seed[..20]);
    conn.prepare_cached(
        "INSERT INTO transcripts (transcript_id, media_id, key, engine, language, windows, complete, segments, words,
           parent, created_at, updated_at)
         SELECT ?2, media_id, 'edited|' || transcript_id, engine, language, windows, 1, segments, words,
           transcript_id, ?3, ?3 FROM transcripts WHERE transcript_id = ?1",
    )?
    .execute(params![parent.transcript_id, transcript_id, now.0])?;
    let id = conn.last_insert_rowid();
    conn.prepare_cached(
        "INSERT INTO segments (transcript, start, \"end\", text, speaker, words)
         SELECT ?2, start, \"end\", text, speaker, words FROM segments
         WHERE transcript = (SELECT id FROM transcripts WHERE transcript_id = ?1) ORDER BY start, id",
    )?
    .execute(params![parent.transcript_id, id])?;
    conn.prepare_cached(
        "INSERT INTO transcript_windows (transcript, number, language, gap)
         SELECT ?2, number, language, gap FROM transcript_windows
         WHERE transcript = (SELECT id FROM transcripts WHERE transcript_id = ?1)",
    )?
    .execute(params![parent.transcript_id, id])?;
    part_starts(conn, id)?;
    show(conn, &transcript_id)?;
    Ok(transcript_id)
}

/// Moves starts that do not come after the one before by a millisecond, so that order follows from them.
fn part_starts(conn: &Connection, id: i64) -> Result<(), StoreError> {
    let starts: Vec<(i64, f64)> = conn
        .prepare_cached("SELECT id, start FROM segments WHERE transcript = ?1 ORDER BY start, id")?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut update = conn
        .prepare_cached("UPDATE segments SET start = ?2, \"end\" = max(\"end\", ?2 + 0.001) WHERE id = ?1")?;
    let mut last = -1.0;
    for (segment, start) in starts {
        let right = if start > last { start } else { second(last + 0.001) };
        if right != start {
            update.execute(params![segment, right])?;
        }
        last = right;
    }
    Ok(())
}

/// Makes a version the one that is shown and searched.
pub fn show(conn: &Connection, transcript_id: &str) -> Result<(), StoreError> {
    let media_id: String = conn
        .prepare_cached("SELECT media_id FROM transcripts WHERE transcript_id = ?1")?
        .query_row([transcript_id], |row| row.get(0))?;
    conn.prepare_cached("UPDATE transcripts SET chosen = 0 WHERE media_id = ?1 AND chosen")?
        .execute([&media_id])?;
    conn.prepare_cached("UPDATE transcripts SET chosen = 1 WHERE transcript_id = ?1")?
        .execute([transcript_id])?;
    choose_searched(conn, &media_id)
}

/// Removes a version with its edits, out of the index too; another one is shown then.
pub fn remove(conn: &Connection, transcript_id: &str) -> Result<(), StoreError> {
    let Some(Place { id, searched }) = place(conn, transcript_id)? else { return Ok(()) };
    if searched {
        conn.prepare_cached(
            "INSERT INTO segment_index (segment_index, rowid, text)
             SELECT 'delete', id, text FROM segments WHERE transcript = ?1",
        )?
        .execute([id])?;
    }
    let media_id: String = conn
        .prepare_cached("DELETE FROM transcripts WHERE id = ?1 RETURNING media_id")?
        .query_row([id], |row| row.get(0))?;
    choose_searched(conn, &media_id)
}

/// Segments from a place on, in order.
pub fn segments(
    conn: &Connection,
    place: Place,
    first: usize,
    count: usize,
) -> Result<Vec<Segment>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT * FROM segments WHERE transcript = ?1 ORDER BY start, id LIMIT ?2 OFFSET ?3",
    )?;
    let rows =
        statement.query_map(params![place.id, whole(count as u64), whole(first as u64)], read_segment)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Text and speaker of every segment, in order.
pub fn lines(conn: &Connection, place: Place) -> Result<Vec<(String, Option<String>)>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT text, speaker FROM segments WHERE transcript = ?1 ORDER BY start, id")?;
    let rows = statement.query_map([place.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Puts segments in the place of others. Rows that stay keep their id.
pub fn splice(conn: &Connection, place: Place, change: &Splice<'_>) -> Result<(), StoreError> {
    let old: Vec<(i64, String)> = conn
        .prepare_cached(
            "SELECT id, text FROM segments WHERE transcript = ?1 ORDER BY start, id LIMIT ?2 OFFSET ?3",
        )?
        .query_map(params![place.id, whole(change.removed.len() as u64), whole(change.at as u64)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    if old.len() != change.removed.len() {
        return Err(StoreError::Damaged("an edit reaches beyond the transcript".into()));
    }
    let mut unindex = conn
        .prepare_cached("INSERT INTO segment_index (segment_index, rowid, text) VALUES ('delete', ?1, ?2)")?;
    let mut index = conn.prepare_cached("INSERT INTO segment_index (rowid, text) VALUES (?1, ?2)")?;
    let mut update = conn.prepare_cached(
        "UPDATE segments SET start = ?2, \"end\" = ?3, text = ?4, speaker = ?5, words = ?6 WHERE id = ?1",
    )?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO segments (transcript, start, \"end\", text, speaker, words) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut delete = conn.prepare_cached("DELETE FROM segments WHERE id = ?1")?;
    for number in 0..old.len().max(change.inserted.len()) {
        let (old, new) = (old.get(number), change.inserted.get(number));
        if let (Some((id, text)), true) = (old, place.searched && old.map(|o| &o.1) != new.map(|n| &n.text)) {
            unindex.execute(params![id, text])?;
        }
        let id = match (old, new) {
            (Some((id, _)), Some(new)) => {
                let (start, end) = (second(new.start), second(new.end));
                update.execute(params![id, start, end, new.text, new.speaker, pack(&new.words)?])?;
                *id
            }
            (None, Some(new)) => {
                let (start, end) = (second(new.start), second(new.end));
                insert.execute(params![place.id, start, end, new.text, new.speaker, pack(&new.words)?])?;
                conn.last_insert_rowid()
            }
            (Some((id, _)), None) => {
                delete.execute([id])?;
                continue;
            }
            (None, None) => continue,
        };
        if let (Some(new), true) = (new, place.searched && old.map(|o| &o.1) != new.map(|n| &n.text)) {
            index.execute(params![id, new.text])?;
        }
    }
    count(conn, place, change)
}

fn count(conn: &Connection, place: Place, change: &Splice<'_>) -> Result<(), StoreError> {
    let words = |segments: &[Segment]| whole(segments.iter().map(word_count).sum());
    let segments = whole(change.inserted.len() as u64) - whole(change.removed.len() as u64);
    conn.prepare_cached("UPDATE transcripts SET segments = segments + ?2, words = words + ?3 WHERE id = ?1")?
        .execute(params![place.id, segments, words(change.inserted) - words(change.removed)])?;
    Ok(())
}

/// Counts the revision on and gives the new one.
pub fn advance(conn: &Connection, place: Place, now: UtcTime) -> Result<u32, StoreError> {
    Ok(conn
        .prepare_cached(
            "UPDATE transcripts SET revision = revision + 1, updated_at = ?2 WHERE id = ?1 RETURNING revision",
        )?
        .query_row(params![place.id, now.0], |row| row.get(0))?)
}

/// An edit in the history: its changes as they were written down.
#[derive(Clone, Debug, PartialEq)]
pub struct EditRow {
    pub edit_id: i64,
    pub changes: String,
    pub created_at: UtcTime,
}

/// Writes an edit down; what was undone before it cannot come back any more.
pub fn put_edit(conn: &Connection, place: Place, changes: &str, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM transcript_edits WHERE transcript = ?1 AND undone")?
        .execute([place.id])?;
    conn.prepare_cached(
        "INSERT INTO transcript_edits (transcript, changes, created_at) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![place.id, changes, now.0])?;
    conn.prepare_cached(
        "DELETE FROM transcript_edits WHERE transcript = ?1 AND edit_id <=
           (SELECT edit_id FROM transcript_edits WHERE transcript = ?1 ORDER BY edit_id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![place.id, KEPT_EDITS])?;
    Ok(())
}

/// The edit that undo takes back, or that redo brings back.
pub fn next_edit(conn: &Connection, place: Place, redo: bool) -> Result<Option<EditRow>, StoreError> {
    let sql = if redo {
        "SELECT * FROM transcript_edits WHERE transcript = ?1 AND undone ORDER BY edit_id LIMIT 1"
    } else {
        "SELECT * FROM transcript_edits WHERE transcript = ?1 AND NOT undone ORDER BY edit_id DESC LIMIT 1"
    };
    Ok(conn
        .prepare_cached(sql)?
        .query_row([place.id], |row| {
            Ok(EditRow {
                edit_id: row.get("edit_id")?,
                changes: row.get("changes")?,
                created_at: time(row, "created_at")?,
            })
        })
        .optional()?)
}

/// Marks an edit as taken back, or as done again.
pub fn set_undone(conn: &Connection, edit_id: i64, undone: bool) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE transcript_edits SET undone = ?2 WHERE edit_id = ?1")?
        .execute(params![edit_id, undone])?;
    Ok(())
}
