//! Media as items of lists and in detail.

use super::labels::{decided, strongest};
use super::page;
use crate::api::library_types::LibraryFilter;
use crate::api::types::{Filmstrip, LibraryQuery, MediaDetail, MediaItem, Page, TranscriptItem};
use crate::artifacts::Artifacts;
use crate::store::artifacts::Artifact;
use crate::store::media::{MediaFilter, MediaOrder, MediaRow, MediaStatus, SourceRow};
use crate::store::transcripts::TranscriptRow;
use crate::store::{Store, StoreError, artifacts, media, tags, transcripts};
use domain::{ApiError, ErrorCode, Source};
use rusqlite::Connection;
use std::path::PathBuf;

/// One page of the media. `downloads` is the folder of downloaded files.
pub async fn list(
    store: &Store,
    downloads: &Artifacts,
    query: LibraryQuery,
) -> Result<Page<MediaItem>, ApiError> {
    let (limit, offset) = page(query.limit, query.offset)?;
    let (order, descending) = order(query.sort.as_deref().unwrap_or("-added_at"))?;
    let filter = MediaFilter {
        kind: query.kind,
        language: query.language,
        text: query.text,
        ..filter(query.filter.unwrap_or_default())?
    };
    let (total, found) = store
        .read(move |conn| {
            let (total, rows) = media::list(conn, &filter, order, descending, limit, offset)?;
            let found =
                rows.into_iter().map(|row| gather(conn, row)).collect::<Result<Vec<_>, StoreError>>()?;
            Ok((total, found))
        })
        .await?;
    Ok(Page { total, limit, offset, items: items(downloads, found).await? })
}

/// One media with everything known of it. `MEDIA_NOT_FOUND`.
pub async fn get(store: &Store, downloads: &Artifacts, media_id: String) -> Result<MediaDetail, ApiError> {
    let found = store.read(move |conn| match media::find(conn, &media_id)? {
        Some(row) => detail(conn, row).map(Some),
        None => Ok(None),
    });
    let Some((gathered, mut detail)) = found.await? else {
        return Err(ApiError::new(ErrorCode::MediaNotFound, "There is no such media in the library."));
    };
    if let Some(item) = items(downloads, vec![gathered]).await?.pop() {
        detail.item = item;
    }
    Ok(detail)
}

/// Where a media's bytes lie now: our own copy, else the last seen of the user's files that is still as it was.
/// Blocking.
pub fn locate(downloads: &Artifacts, stored: Option<&str>, sources: &[SourceRow]) -> Option<PathBuf> {
    if let Some(path) = stored.and_then(|name| downloads.path(name)) {
        return Some(path);
    }
    sources.iter().find_map(|place| match &place.source {
        Source::File { path } => {
            let there = std::fs::metadata(path).ok()?;
            let same = there.is_file() && place.size.is_none_or(|size| size == there.len());
            same.then(|| PathBuf::from(path))
        }
        Source::Url { .. } => None,
    })
}

/// What the store knows of a listed media.
struct Gathered {
    row: MediaRow,
    sources: Vec<SourceRow>,
    artifacts: Vec<Artifact>,
    transcript: Option<TranscriptRow>,
    labels: Vec<String>,
    tags: Vec<String>,
}

fn gather(conn: &Connection, row: MediaRow) -> Result<Gathered, StoreError> {
    let transcript = transcripts::newest(conn, &row.media_id)?.filter(|transcript| transcript.complete);
    let transcript_id = transcript.as_ref().map(|transcript| transcript.transcript_id.as_str());
    let labels = strongest(&decided(conn, &row.media_id, transcript_id)?);
    Ok(Gathered {
        tags: tags::of_media(conn, &row.media_id)?,
        sources: media::sources(conn, &row.media_id)?,
        artifacts: artifacts::of_media(conn, &row.media_id)?,
        transcript,
        labels,
        row,
    })
}

fn detail(conn: &Connection, row: MediaRow) -> Result<(Gathered, MediaDetail), StoreError> {
    let media_id = row.media_id.clone();
    let gathered = gather(conn, row)?;
    let newest = transcripts::newest(conn, &media_id)?;
    let detail = MediaDetail {
        item: item(&gathered, false),
        info: media::info(conn, &media_id)?,
        sources: gathered.sources.iter().map(|place| place.source.as_str().to_string()).collect(),
        transcripts: transcripts::of_media(conn, &media_id)?.into_iter().map(transcript_item).collect(),
        categories: decided(conn, &media_id, newest.as_ref().map(|newest| newest.transcript_id.as_str()))?,
    };
    Ok((gathered, detail))
}

fn transcript_item(row: TranscriptRow) -> TranscriptItem {
    TranscriptItem {
        transcript_id: row.transcript_id,
        language: row.language,
        engine: row.engine,
        complete: row.complete,
        segments: row.segments,
        words: row.words,
        parent: row.parent,
        revision: row.revision,
        created_at: row.created_at,
    }
}

/// Looks for the files off the runtime's threads: a network folder may take its time.
async fn items(downloads: &Artifacts, found: Vec<Gathered>) -> Result<Vec<MediaItem>, ApiError> {
    let downloads = downloads.clone();
    tokio::task::spawn_blocking(move || {
        let missing =
            |media: &Gathered| locate(&downloads, media.row.stored.as_deref(), &media.sources).is_none();
        found.iter().map(|media| item(media, missing(media))).collect()
    })
    .await
    .map_err(|_| ApiError::internal("looking for the files of the library failed"))
}

fn item(media: &Gathered, missing: bool) -> MediaItem {
    let row = &media.row;
    let made = |kind: &str| media.artifacts.iter().find(|artifact| artifact.kind == kind);
    let path = |artifact: &Artifact| artifact.name.as_ref().map(|name| format!("artifact/{name}"));
    MediaItem {
        media_id: row.media_id.clone(),
        title: row.title.clone(),
        source: row.source.clone(),
        kind: row.kind,
        duration: row.duration,
        size: row.size,
        width: row.width,
        height: row.height,
        transcript_id: media.transcript.as_ref().map(|transcript| transcript.transcript_id.clone()),
        language: media.transcript.as_ref().map(|transcript| transcript.language.clone()),
        engine: media.transcript.as_ref().map(|transcript| transcript.engine.clone()),
        labels: media.labels.clone(),
        tags: media.tags.clone(),
        added_at: row.added_at,
        missing,
        poster: made("poster").and_then(path),
        filmstrip: made("filmstrip").and_then(filmstrip),
        waveform: made("waveform").and_then(path),
        file: format!("file/{}", row.media_id),
    }
}

fn filmstrip(artifact: &Artifact) -> Option<Filmstrip> {
    let details = artifact.details.as_ref()?;
    let number = |name: &str| details.get(name)?.as_u64().and_then(|number| u32::try_from(number).ok());
    Some(Filmstrip {
        path: format!("artifact/{}", artifact.name.as_ref()?),
        count: number("count")?,
        width: number("width")?,
        height: number("height")?,
    })
}

/// The filter as the store takes it. `INVALID_INPUT` for a word that is none of its set.
fn filter(asked: LibraryFilter) -> Result<MediaFilter, ApiError> {
    let status = match asked.status.as_deref() {
        None => None,
        Some("transcribed") => Some(MediaStatus::Transcribed),
        Some("untranscribed") => Some(MediaStatus::Untranscribed),
        Some("working") => Some(MediaStatus::Working),
        Some("failed") => Some(MediaStatus::Failed),
        Some(other) => {
            return Err(ApiError::invalid(format!(
                "status is \"{other}\", which is not one of: transcribed, untranscribed, working, failed."
            )));
        }
    };
    let category = match asked.category.as_deref().map(|text| (text, text.split_once(':'))) {
        None => None,
        Some((_, Some((axis, label)))) => Some((axis.to_string(), label.to_string())),
        Some((text, None)) => {
            return Err(ApiError::invalid(format!("category is \"{text}\", which is not axis:label.")));
        }
    };
    Ok(MediaFilter {
        engine: asked.engine,
        tag: asked.tag,
        category,
        added_from: asked.added_from,
        added_to: asked.added_to,
        min_seconds: asked.min_seconds,
        max_seconds: asked.max_seconds,
        status,
        ..MediaFilter::default()
    })
}

/// The column and whether descending. `INVALID_INPUT` for another word.
fn order(sort: &str) -> Result<(MediaOrder, bool), ApiError> {
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let order = match name {
        "added_at" => MediaOrder::AddedAt,
        "title" => MediaOrder::Title,
        "duration" => MediaOrder::Duration,
        "size" => MediaOrder::Size,
        _ => {
            return Err(ApiError::invalid(format!(
                "sort is \"{sort}\", which is not one of: added_at, title, duration, size, with - before it or without."
            )));
        }
    };
    Ok((order, descending))
}
