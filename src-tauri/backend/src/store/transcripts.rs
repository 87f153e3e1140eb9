//! Transcripts: saved window by window as they are heard, and kept in the search index.
//!
//! Leaves hearing to `media::speech`, editing to `store::versions` and searching to `store::search`.
//! Invariants: a window is stored once, however often it is handed over; of each media at most one transcript is in
//! the index, the one the user chose, else the newest complete one or, while there is none, the newest; that is the one
//! that is shown; rows and index change together; a removed media has none.

use super::StoreError;
use super::rows::{optional_json, time, to_json, whole};
use domain::transcript::Gap;
use domain::{Segment, Transcript, UtcTime, Word};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A transcript without what was said.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptRow {
    pub transcript_id: String,
    pub media_id: String,
    /// Engine and parameters.
    pub key: String,
    pub engine: String,
    pub language: String,
    /// Windows in all; 0 while that is not known.
    pub windows: u32,
    pub complete: bool,
    pub segments: u32,
    pub words: u32,
    /// The version it was copied from to be edited.
    pub parent: Option<String>,
    /// Grows with each edit.
    pub revision: u32,
    pub created_at: UtcTime,
}

/// Begins a transcript, or goes on with one of the same media and key that was not finished.
/// The id follows from media, key and how many of that key there were before, so it is the same in every replay.
pub fn begin(
    conn: &Connection,
    media_id: &str,
    engine: &str,
    key: &str,
    language: &str,
    windows: u32,
    now: UtcTime,
) -> Result<String, StoreError> {
    let unfinished = conn
        .prepare_cached(
            "SELECT transcript_id FROM transcripts WHERE media_id = ?1 AND key = ?2 AND NOT complete",
        )?
        .query_row([media_id, key], |row| row.get::<_, String>(0))
        .optional()?;
    if let Some(transcript_id) = unfinished {
        conn.prepare_cached("UPDATE transcripts SET windows = max(windows, ?2) WHERE transcript_id = ?1")?
            .execute(params![transcript_id, windows])?;
        return Ok(transcript_id);
    }
    let before: i64 = conn
        .prepare_cached("SELECT count(*) FROM transcripts WHERE media_id = ?1 AND key = ?2")?
        .query_row([media_id, key], |row| row.get(0))?;
    let seed = blake3::hash(format!("{media_id}\n{key}\n{before}").as_bytes()).to_hex();
    let transcript_id = format!("t{}", &seed[..20]);
    conn.prepare_cached(
        "INSERT INTO transcripts (transcript_id, media_id, key, engine, language, windows, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )?
    .execute(params![transcript_id, media_id, key, engine, language, windows, now.0])?;
    choose_searched(conn, media_id)?;
    Ok(transcript_id)
}

/// Stores what was heard in one window, with the index. `false`: the window was stored before, nothing changed.
pub fn append_window(
    conn: &Connection,
    transcript_id: &str,
    number: u32,
    segments: &[Segment],
    language: &str,
    gap: Option<&Gap>,
    now: UtcTime,
) -> Result<bool, StoreError> {
    let (id, searched): (i64, bool) = conn
        .prepare_cached("SELECT id, searched FROM transcripts WHERE transcript_id = ?1")?
        .query_row([transcript_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let new = conn
        .prepare_cached(
            "INSERT OR IGNORE INTO transcript_windows (transcript, number, language, gap) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, number, language, gap.map(to_json).transpose()?])?;
    if new == 0 {
        return Ok(false);
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO segments (transcript, start, \"end\", text, speaker, words) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut index = conn.prepare_cached("INSERT INTO segment_index (rowid, text) VALUES (?1, ?2)")?;
    let mut words = 0;
    for segment in segments {
        words += word_count(segment);
        insert.execute(params![
            id,
            second(segment.start),
            second(segment.end),
            segment.text,
            segment.speaker,
            pack(&segment.words)?
        ])?;
        if searched {
            index.execute(params![conn.last_insert_rowid(), segment.text])?;
        }
    }
    conn.prepare_cached(
        "UPDATE transcripts SET segments = segments + ?2, words = words + ?3, updated_at = ?4,
           language = iif(language IN ('', 'und', 'auto'), ?5, language) WHERE id = ?1",
    )?
    .execute(params![id, whole(segments.len() as u64), whole(words), now.0, language])?;
    Ok(true)
}

/// Marks a transcript complete; from now on it is the one that is searched.
pub fn finish(
    conn: &Connection,
    transcript_id: &str,
    language: &str,
    windows: u32,
    now: UtcTime,
) -> Result<(), StoreError> {
    let media_id: String = conn
        .prepare_cached(
            "UPDATE transcripts SET complete = 1, language = ?2, windows = ?3, updated_at = ?4
             WHERE transcript_id = ?1 RETURNING media_id",
        )?
        .query_row(params![transcript_id, language, windows, now.0], |row| row.get(0))?;
    choose_searched(conn, &media_id)
}

/// Puts the right transcript of a media into the index and takes another out.
pub(super) fn choose_searched(conn: &Connection, media_id: &str) -> Result<(), StoreError> {
    let right: Option<i64> = conn
        .prepare_cached(
            "SELECT id FROM transcripts WHERE media_id = ?1
               AND NOT EXISTS (SELECT 1 FROM media WHERE media_id = ?1 AND removed_at IS NOT NULL)
             ORDER BY chosen DESC, complete DESC, created_at DESC, id DESC LIMIT 1",
        )?
        .query_row([media_id], |row| row.get(0))
        .optional()?;
    let now: Option<i64> = conn
        .prepare_cached("SELECT id FROM transcripts WHERE media_id = ?1 AND searched")?
        .query_row([media_id], |row| row.get(0))
        .optional()?;
    if right == now {
        return Ok(());
    }
    if let Some(now) = now {
        conn.prepare_cached(
            "INSERT INTO segment_index (segment_index, rowid, text)
             SELECT 'delete', id, text FROM segments WHERE transcript = ?1",
        )?
        .execute([now])?;
        conn.prepare_cached("UPDATE transcripts SET searched = 0 WHERE id = ?1")?.execute([now])?;
    }
    if let Some(right) = right {
        conn.prepare_cached("UPDATE transcripts SET searched = 1 WHERE id = ?1")?.execute([right])?;
        conn.prepare_cached(
            "INSERT INTO segment_index (rowid, text) SELECT id, text FROM segments WHERE transcript = ?1",
        )?
        .execute([right])?;
    }
    Ok(())
}

/// The newest finished transcript of a media with just that key.
pub fn find_complete(
    conn: &Connection,
    media_id: &str,
    key: &str,
) -> Result<Option<TranscriptRow>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT * FROM transcripts WHERE media_id = ?1 AND key = ?2 AND complete
             ORDER BY created_at DESC, id DESC LIMIT 1",
        )?
        .query_row([media_id, key], read)
        .optional()?)
}

/// The transcript of a media that is shown and searched: the chosen one, else the newest complete, else the newest.
pub fn newest(conn: &Connection, media_id: &str) -> Result<Option<TranscriptRow>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT * FROM transcripts WHERE media_id = ?1 AND searched")?
        .query_row([media_id], read)
        .optional()?)
}

/// The transcript an id stands for: its own, else the newest of a media, else that of a task.
pub fn resolve(conn: &Connection, id: &str) -> Result<Option<TranscriptRow>, StoreError> {
    if let Some(row) = find(conn, id)? {
        return Ok(Some(row));
    }
    if let Some(row) = newest(conn, id)? {
        return Ok(Some(row));
    }
    let of_task: Option<(Option<String>, Option<String>)> = conn
        .prepare_cached("SELECT transcript_id, media_id FROM tasks WHERE task_id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match of_task {
        Some((Some(transcript_id), _)) => find(conn, &transcript_id),
        Some((None, Some(media_id))) => newest(conn, &media_id),
        _ => Ok(None),
    }
}

/// A row by its id.
pub fn find(conn: &Connection, transcript_id: &str) -> Result<Option<TranscriptRow>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT * FROM transcripts WHERE transcript_id = ?1")?
        .query_row([transcript_id], read)
        .optional()?)
}

/// All of a media, the newest first.
pub fn of_media(conn: &Connection, media_id: &str) -> Result<Vec<TranscriptRow>, StoreError> {
    let mut statement = conn
        .prepare_cached("SELECT * FROM transcripts WHERE media_id = ?1 ORDER BY created_at DESC, id DESC")?;
    let rows = statement.query_map([media_id], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Numbers of the windows that are stored, ascending.
pub fn windows_heard(conn: &Connection, transcript_id: &str) -> Result<Vec<u32>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT number FROM transcript_windows JOIN transcripts ON transcripts.id = transcript
         WHERE transcript_id = ?1 ORDER BY number",
    )?;
    let rows = statement.query_map([transcript_id], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The whole transcript.
pub fn load(conn: &Connection, transcript_id: &str) -> Result<Option<Transcript>, StoreError> {
    let head = conn
        .prepare_cached(
            "SELECT transcripts.*, duration FROM transcripts JOIN media USING (media_id) WHERE transcript_id = ?1",
        )?
        .query_row([transcript_id], |row| {
            Ok((row.get::<_, i64>("id")?, read(row)?, row.get::<_, f64>("duration")?))
        })
        .optional()?;
    let Some((id, row, duration)) = head else { return Ok(None) };
    let segments = load_segments(conn, id)?;
    let text: Vec<&str> =
        segments.iter().map(|segment| segment.text.trim()).filter(|t| !t.is_empty()).collect();
    Ok(Some(Transcript {
        transcript_id: row.transcript_id,
        media_id: row.media_id,
        language: row.language,
        engine: row.engine,
        duration,
        text: text.join(" "),
        gaps: load_gaps(conn, id)?,
        segments,
        complete: row.complete,
        parent: row.parent,
        revision: row.revision,
        created_at: row.created_at,
    }))
}

fn load_segments(conn: &Connection, id: i64) -> Result<Vec<Segment>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT * FROM segments WHERE transcript = ?1 ORDER BY start, id")?;
    let rows = statement.query_map([id], read_segment)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A segment's row.
pub(super) fn read_segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    Ok(Segment {
        start: row.get("start")?,
        end: row.get("end")?,
        text: row.get("text")?,
        speaker: row.get("speaker")?,
        words: unpack(row)?,
    })
}

fn load_gaps(conn: &Connection, id: i64) -> Result<Vec<Gap>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT gap FROM transcript_windows WHERE transcript = ?1")?;
    let rows = statement.query_map([id], |row| optional_json::<Gap>(row, "gap"))?;
    let mut gaps: Vec<Gap> = rows.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?;
    gaps.sort_by(|a, b| a.start.total_cmp(&b.start));
    Ok(gaps)
}

/// `[start, end, text]` or `[start, end, text, confidence]`: a third of the space of named fields.
pub(super) fn pack(words: &[Word]) -> rusqlite::Result<String> {
    let packed: Vec<serde_json::Value> = words
        .iter()
        .map(|word| match word.confidence {
            Some(confidence) => {
                serde_json::json!([second(word.start), second(word.end), word.text, thousandths(confidence)])
            }
            None => serde_json::json!([second(word.start), second(word.end), word.text]),
        })
        .collect();
    to_json(&packed)
}

/// The words of a segment's row.
pub(super) fn unpack(row: &Row<'_>) -> rusqlite::Result<Vec<Word>> {
    type Packed = (f64, f64, String, Option<f64>);
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Either {
        Short((f64, f64, String)),
        Long(Packed),
    }
    let packed: Vec<Either> = super::rows::json(row, "words")?;
    Ok(packed
        .into_iter()
        .map(|word| match word {
            Either::Short((start, end, text)) => Word { start, end, text, confidence: None },
            Either::Long((start, end, text, confidence)) => Word { start, end, text, confidence },
        })
        .collect())
}

/// Seconds to the millisecond; what is no time at all counts as the start.
pub(super) fn second(value: f64) -> f64 {
    if value.is_finite() { thousandths(value.max(0.0)) } else { 0.0 }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

pub(super) fn word_count(segment: &Segment) -> u64 {
    if segment.words.is_empty() {
        crate::search::words(&segment.text).count() as u64
    } else {
        segment.words.len() as u64
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<TranscriptRow> {
    Ok(TranscriptRow {
        transcript_id: row.get("transcript_id")?,
        media_id: row.get("media_id")?,
        key: row.get("key")?,
        engine: row.get("engine")?,
        language: row.get("language")?,
        windows: row.get("windows")?,
        complete: row.get("complete")?,
        segments: row.get("segments")?,
        words: row.get("words")?,
        parent: row.get("parent")?,
        revision: row.get("revision")?,
        created_at: time(row, "created_at")?,
    })
}
