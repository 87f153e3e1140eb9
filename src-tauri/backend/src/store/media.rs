//! Media, known by the hash of their content, and the paths and URLs that hold them.
//!
//! Leaves the files to `crate::artifacts` and the user; leaves probing to the steps.
//! Invariant: one row for one content; a source points at the content it last held.

use super::StoreError;
use super::rows::{optional_json, time, to_json, whole, word};
use crate::search::fold;
use domain::{MediaInfo, MediaKind, Source, UtcTime};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

/// Media that was just taken in.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMedia {
    pub media_id: String,
    /// BLAKE3 of the content, hex.
    pub hash: String,
    pub title: String,
    pub source: Source,
    /// Bytes.
    pub size: u64,
    /// Of a local file, nanoseconds since 1970, as it was when the file was hashed.
    pub mtime: Option<i64>,
    /// Name in the media folder, for downloads.
    pub stored: Option<String>,
    /// What it seems to be before the probe says.
    pub kind: MediaKind,
}

/// A row of the library, without what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaRow {
    pub media_id: String,
    pub hash: String,
    pub title: String,
    /// Path or URL it first came from.
    pub source: String,
    pub stored: Option<String>,
    pub kind: MediaKind,
    /// Seconds; 0 for pictures and before the probe.
    pub duration: f64,
    /// Bytes.
    pub size: u64,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub added_at: UtcTime,
}

/// A place that holds a media's content.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
    pub source: Source,
    /// Bytes of a path when it was hashed.
    pub size: Option<u64>,
    /// Of a path when it was hashed, nanoseconds since 1970.
    pub mtime: Option<i64>,
}

/// Which media to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaFilter {
    pub kind: Option<MediaKind>,
    /// Language of a transcript.
    pub language: Option<String>,
    /// Every one of these words stands in the title or source.
    pub text: Option<String>,
    /// Engine of the transcript that is shown.
    pub engine: Option<String>,
    pub tag: Option<String>,
    /// Axis and label: the user's, else the strongest that the word lists found.
    pub category: Option<(String, String)>,
    pub added_from: Option<UtcTime>,
    /// Not included.
    pub added_to: Option<UtcTime>,
    /// Seconds.
    pub min_seconds: Option<f64>,
    pub max_seconds: Option<f64>,
    pub status: Option<MediaStatus>,
}

/// Where a media stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaStatus {
    /// It has a complete transcript.
    Transcribed,
    Untranscribed,
    /// A task works with it.
    Working,
    /// Its last task failed.
    Failed,
}

impl MediaStatus {
    fn condition(self) -> &'static str {
        match self {
            Self::Transcribed => {
                "EXISTS (SELECT 1 FROM transcripts AS t WHERE t.media_id = media.media_id AND t.complete)"
            }
            Self::Untranscribed => {
                "NOT EXISTS (SELECT 1 FROM transcripts AS t WHERE t.media_id = media.media_id AND t.complete)"
            }
            Self::Working => {
                "media.media_id IN (SELECT media_id FROM tasks WHERE status IN ('queued', 'processing'))"
            }
            Self::Failed => {
                "(SELECT status FROM tasks WHERE tasks.media_id = media.media_id ORDER BY created_at DESC LIMIT 1)
                 = 'failed'"
            }
        }
    }
}

/// By what to sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MediaOrder {
    #[default]
    AddedAt,
    Title,
    Duration,
    Size,
}

/// Stores media and its source. The same content again is the same row (its own `media_id` is answered), with
/// one source more.
pub fn put(conn: &Connection, media: &NewMedia, now: UtcTime) -> Result<String, StoreError> {
    conn.prepare_cached(
        "INSERT INTO media (media_id, hash, title, folded, source, stored, kind, size, added_at, updated_at)
         VALUES (:media_id, :hash, :title, :folded, :source, :stored, :kind, :size, :now, :now)
         ON CONFLICT (hash) DO UPDATE SET stored = coalesce(excluded.stored, stored)",
    )?
    .execute(named_params! {
        ":media_id": media.media_id,
        ":hash": media.hash,
        ":title": media.title,
        ":folded": folded(&media.title, media.source.as_str()),
        ":source": media.source.as_str(),
        ":stored": media.stored,
        ":kind": media.kind.as_str(),
        ":size": whole(media.size),
        ":now": now.0,
    })?;
    let media_id: String = conn
        .prepare_cached("SELECT media_id FROM media WHERE hash = ?1")?
        .query_row([&media.hash], |row| row.get(0))?;
    // Content that is added again is wanted again.
    super::removal::unhide(conn, &media_id, now)?;
    let size = matches!(media.source, Source::File { .. }).then(|| whole(media.size));
    put_source(conn, &media_id, &media.source, size, media.mtime, now)?;
    Ok(media_id)
}

/// Notes that a place holds the content.
pub fn put_source(
    conn: &Connection,
    media_id: &str,
    source: &Source,
    size: Option<i64>,
    mtime: Option<i64>,
    now: UtcTime,
) -> Result<(), StoreError> {
    let kind = if matches!(source, Source::File { .. }) { "file" } else { "url" };
    conn.prepare_cached(
        "INSERT OR REPLACE INTO sources (source, type, media_id, size, mtime, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![source.as_str(), kind, media_id, size, mtime, now.0])?;
    Ok(())
}

/// The media a path held when it was last hashed, if its size and time have not changed since.
pub fn by_path(conn: &Connection, path: &str, size: u64, mtime: i64) -> Result<Option<String>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT media_id FROM sources JOIN media USING (media_id)
             WHERE sources.source = ?1 AND type = 'file' AND sources.size = ?2 AND mtime = ?3 AND removed_at IS NULL",
        )?
        .query_row(params![path, whole(size), mtime], |row| row.get(0))
        .optional()?)
}

/// The media of that content.
pub fn by_hash(conn: &Connection, hash: &str) -> Result<Option<String>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT media_id FROM media WHERE hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()?)
}

/// Stores the probe's answer. A title in the file's own tags does not replace the one it was added with.
pub fn set_info(conn: &Connection, media_id: &str, info: &MediaInfo, now: UtcTime) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE media SET info = :info, kind = :kind, duration = :duration, size = :size, width = :width,
           height = :height, updated_at = :now WHERE media_id = :media_id",
    )?
    .execute(named_params! {
        ":media_id": media_id,
        ":info": to_json(info)?,
        ":kind": info.kind.as_str(),
        ":duration": if info.duration.is_finite() { info.duration } else { 0.0 },
        ":size": whole(info.size),
        ":width": info.width,
        ":height": info.height,
        ":now": now.0,
    })?;
    Ok(())
}

/// Gives media another title.
pub fn set_title(conn: &Connection, media_id: &str, title: &str, now: UtcTime) -> Result<(), StoreError> {
    let Some(row) = find(conn, media_id)? else { return Ok(()) };
    conn.prepare_cached("UPDATE media SET title = ?2, folded = ?3, updated_at = ?4 WHERE media_id = ?1")?
        .execute(params![media_id, title, folded(title, &row.source), now.0])?;
    Ok(())
}

/// One row; a removed media has none.
pub fn find(conn: &Connection, media_id: &str) -> Result<Option<MediaRow>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT * FROM media WHERE media_id = ?1 AND removed_at IS NULL")?
        .query_row([media_id], read)
        .optional()?)
}

/// The probe's answer.
pub fn info(conn: &Connection, media_id: &str) -> Result<Option<MediaInfo>, StoreError> {
    let info = conn
        .prepare_cached("SELECT info FROM media WHERE media_id = ?1")?
        .query_row([media_id], |row| optional_json(row, "info"))
        .optional()?;
    Ok(info.flatten())
}

/// Every place known to hold the content, the last seen first.
pub fn sources(conn: &Connection, media_id: &str) -> Result<Vec<SourceRow>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT * FROM sources WHERE media_id = ?1 ORDER BY seen_at DESC, source")?;
    let rows = statement.query_map([media_id], |row| {
        let place: String = row.get("source")?;
        let file = row.get_ref("type")?.as_str()? == "file";
        Ok(SourceRow {
            source: if file { Source::File { path: place } } else { Source::Url { url: place } },
            size: row.get::<_, Option<i64>>("size")?.map(i64::unsigned_abs),
            mtime: row.get("mtime")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A page, and how many there are in all.
pub fn list(
    conn: &Connection,
    filter: &MediaFilter,
    order: MediaOrder,
    descending: bool,
    limit: u32,
    offset: u32,
) -> Result<(u64, Vec<MediaRow>), StoreError> {
    let (wanted, values) = condition(filter);
    let total: i64 = conn
        .prepare(&format!("SELECT count(*) {wanted}"))?
        .query_row(rusqlite::params_from_iter(&values), |row| row.get(0))?;
    let column = match order {
        MediaOrder::AddedAt => "added_at",
        MediaOrder::Title => "folded",
        MediaOrder::Duration => "duration",
        MediaOrder::Size => "size",
    };
    let direction = if descending { "DESC" } else { "ASC" };
    let mut statement = conn.prepare(&format!(
        "SELECT * {wanted} ORDER BY {column} {direction}, media_id {direction} LIMIT {limit} OFFSET {offset}"
    ))?;
    let rows = statement.query_map(rusqlite::params_from_iter(&values), read)?;
    Ok((total.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

/// What a filter asks for, as SQL with its values.
fn condition(filter: &MediaFilter) -> (String, Vec<Value>) {
    let text = |text: &str| Value::Text(text.to_string());
    let mut wanted = String::from("FROM media WHERE removed_at IS NULL");
    let mut values: Vec<Value> = Vec::new();
    let mut and = |sql: &str, new: Vec<Value>| {
        wanted.push_str(" AND ");
        wanted.push_str(sql);
        values.extend(new);
    };
    if let Some(kind) = filter.kind {
        and("kind = ?", vec![text(kind.as_str())]);
    }
    if let Some(language) = &filter.language {
        and("media_id IN (SELECT media_id FROM transcripts WHERE language = ?)", vec![text(language)]);
    }
    if let Some(engine) = &filter.engine {
        and(
            "media_id IN (SELECT media_id FROM transcripts WHERE searched AND engine = ?)",
            vec![text(engine)],
        );
    }
    if let Some(tag) = &filter.tag {
        and("media_id IN (SELECT media_id FROM media_tags WHERE folded = ?)", vec![text(&fold(tag))]);
    }
    if let Some((axis, label)) = &filter.category {
        and(
            "(media_id IN (SELECT media_id FROM media_categories WHERE axis = ? AND label = ?) OR media_id IN (
               SELECT shown.media_id FROM categories JOIN transcripts AS heard ON heard.id = categories.transcript
               JOIN transcripts AS shown ON coalesce(shown.parent, shown.transcript_id) = heard.transcript_id
               WHERE categories.axis = ? AND categories.label = ? AND place = 0 AND shown.searched
                 AND NOT EXISTS (SELECT 1 FROM media_categories AS own
                   WHERE own.media_id = shown.media_id AND own.axis = categories.axis)))",
            vec![text(axis), text(label), text(axis), text(label)],
        );
    }
    let times = [("added_at >= ?", filter.added_from), ("added_at < ?", filter.added_to)];
    for (sql, time) in times {
        if let Some(time) = time {
            and(sql, vec![Value::Integer(time.0)]);
        }
    }
    for (sql, seconds) in [("duration >= ?", filter.min_seconds), ("duration <= ?", filter.max_seconds)] {
        if let Some(seconds) = seconds {
            and(sql, vec![Value::Real(seconds)]);
        }
    }
    if let Some(status) = filter.status {
        and(status.condition(), Vec::new());
    }
    for word in filter.text.as_deref().unwrap_or_default().split_whitespace().take(16) {
        and("folded LIKE ? ESCAPE '\\'", vec![Value::Text(format!("%{}%", like(&fold(word))))]);
    }
    (wanted, values)
}

/// Title first, so that sorting by this column sorts by title.
fn folded(title: &str, source: &str) -> String {
    format!("{}\n{}", fold(title), fold(source))
}

/// Text that `LIKE … ESCAPE '\'` takes as it stands.
pub(super) fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn read(row: &Row<'_>) -> rusqlite::Result<MediaRow> {
    Ok(MediaRow {
        media_id: row.get("media_id")?,
        hash: row.get("hash")?,
        title: row.get("title")?,
        source: row.get("source")?,
        stored: row.get("stored")?,
        kind: word(row, "kind")?,
        duration: row.get("duration")?,
        size: row.get::<_, i64>("size")?.unsigned_abs(),
        width: row.get("width")?,
        height: row.get("height")?,
        added_at: time(row, "added_at")?,
    })
}
