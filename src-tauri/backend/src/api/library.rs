//! Commands over the library: media, transcripts, search, URLs.
//!
//! Leaves everything to [`crate::library`]; nothing is decided here.

use super::types::*;
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

/// URLs and where they stand.
pub async fn urls(backend: &Backend, query: UrlQuery) -> Result<Page<UrlItem>, ApiError> {
    library::urls(&backend.store, query).await
}
