//! Commands over the library: media, transcripts, search, URLs.
//!
//! Leaves everything to [`crate::library`]; nothing is decided here.

use super::editing_types::*;
use super::types::*;
use crate::library::editing;
use crate::{Backend, library};
use domain::source::UrlItem;
use domain::{ApiError, Transcript};

/// One page of the media.
pub async fn list(backend: &Backend, query: LibraryQuery) -> Result<Page<MediaItem>, ApiError> {
    library::list(&backend.store, &backend.downloads, query).await
}

/// One media with its transcripts.
pub async fn get(backend: &Backend, input: MediaId) -> Result<MediaDetail, ApiError> {
    library::get(&backend.store, &backend.downloads, input.media_id).await
}

/// Find what was said.
pub async fn search(backend: &Backend, query: SearchQuery) -> Result<Page<SearchHit>, ApiError> {
    library::search(&backend.store, query).await
}

/// A transcript with segments and words.
pub async fn transcript(backend: &Backend, input: TranscriptId) -> Result<Transcript, ApiError> {
    library::transcript(&backend.store, input.id).await
}

/// A transcript as a file.
pub async fn export(backend: &Backend, request: ExportRequest) -> Result<Exported, ApiError> {
    library::export(&backend.store, request).await
}

/// Edit a transcript; a version that an engine made is copied first.
pub async fn edit(backend: &Backend, request: EditRequest) -> Result<Edited, ApiError> {
    editing::edit(backend, request).await
}

/// Take the last edit of a transcript back.
pub async fn undo(backend: &Backend, request: UndoRequest) -> Result<Edited, ApiError> {
    editing::undo(backend, request, false).await
}

/// Do the last edit that was taken back again.
pub async fn redo(backend: &Backend, request: UndoRequest) -> Result<Edited, ApiError> {
    editing::undo(backend, request, true).await
}

/// Make a version the one that is shown and searched.
pub async fn show(backend: &Backend, input: TranscriptId) -> Result<MediaDetail, ApiError> {
    let media_id = editing::show(backend, input.id).await?;
    get(backend, MediaId { media_id }).await
}

/// Remove a version of a transcript; the only one stays.
pub async fn remove_version(backend: &Backend, input: TranscriptId) -> Result<MediaDetail, ApiError> {
    let media_id = editing::remove(backend, input.id).await?;
    get(backend, MediaId { media_id }).await
}

/// URLs and where they stand.
pub async fn urls(backend: &Backend, query: UrlQuery) -> Result<Page<UrlItem>, ApiError> {
    library::urls(&backend.store, query).await
}
