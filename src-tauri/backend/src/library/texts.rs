//! What was said: search, transcripts, exports; and where URLs stand.

use super::page;
use crate::api::types::{ExportRequest, Exported, Page, SearchHit, SearchQuery, UrlQuery};
use crate::search::Query;
use crate::store::{Store, media as media_rows, search as index, transcripts, urls as url_rows};
use domain::source::UrlItem;
use domain::{ApiError, ErrorCode, Transcript};
use media::subtitles::{self, TextFormat};

/// Finds what was said, best first. A query without a word finds nothing.
/// `total` is exact below [`crate::search::COUNTED`]; at it, there are at least as many.
pub async fn search(store: &Store, query: SearchQuery) -> Result<Page<SearchHit>, ApiError> {
    let (limit, offset) = page(query.limit, query.offset)?;
    let Some(parsed) = Query::parse(&query.query) else {
        return Ok(Page { total: 0, limit, offset, items: Vec::new() });
    };
    let media_id = query.media_id;
    let (total, hits) =
        store.read(move |conn| index::search(conn, &parsed, media_id.as_deref(), limit, offset)).await?;
    let items = hits
        .into_iter()
        .map(|hit| SearchHit {
            media_id: hit.media_id,
            transcript_id: hit.transcript_id,
            title: hit.title,
            start: hit.start,
            end: hit.end,
            snippet: hit.snippet,
        })
        .collect();
    Ok(Page { total, limit, offset, items })
}

/// The transcript of an id of its own, of a media (its newest) or of a task. `TRANSCRIPT_NOT_FOUND`.
pub async fn transcript(store: &Store, id: String) -> Result<Transcript, ApiError> {
    Ok(load(store, id).await?.0)
}

/// A transcript as a file. `TRANSCRIPT_NOT_FOUND`, `INVALID_INPUT` for an unknown format.
pub async fn export(store: &Store, request: ExportRequest) -> Result<Exported, ApiError> {
    let format: TextFormat = request
        .format
        .parse()
        .map_err(|error: subtitles::UnknownFormat| ApiError::invalid(format!("format: {error}.")))?;
    let (transcript, title) = load(store, request.id).await?;
    Ok(Exported {
        file_name: format.file_name(without_ending(&title)),
        mime: format.mime().to_string(),
        content: subtitles::write(format, &transcript, &title),
    })
}

/// A file's own ending has no place in another file's name.
fn without_ending(title: &str) -> &str {
    match title.rsplit_once('.') {
        Some((stem, ending))
            if !stem.is_empty()
                && (2..=5).contains(&ending.len())
                && ending.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            stem
        }
        _ => title,
    }
}

async fn load(store: &Store, id: String) -> Result<(Transcript, String), ApiError> {
    let found = store.read(move |conn| {
        let Some(row) = transcripts::resolve(conn, &id)? else { return Ok(None) };
        let title = media_rows::find(conn, &row.media_id)?.map_or(String::new(), |media| media.title);
        Ok(transcripts::load(conn, &row.transcript_id)?.map(|transcript| (transcript, title)))
    });
    found.await?.ok_or_else(|| ApiError::new(ErrorCode::TranscriptNotFound, "There is no such transcript."))
}

/// URLs and where they stand, the last changed first.
pub async fn urls(store: &Store, query: UrlQuery) -> Result<Page<UrlItem>, ApiError> {
    let (limit, offset) = page(query.limit, query.offset)?;
    let (total, items) = store.read(move |conn| url_rows::list(conn, query.status, limit, offset)).await?;
    Ok(Page { total, limit, offset, items })
}
