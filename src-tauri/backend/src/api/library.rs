//! Commands over the library: media, transcripts, search, URLs.
//!
//! Leaves everything to [`crate::library`]; nothing is decided here.

use super::editing_types::*;
use super::library_types::*;
use super::types::*;
use crate::library::{editing, labels, upkeep};
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

/// Put tags on media and take others off.
pub async fn tag(backend: &Backend, request: TagRequest) -> Result<Nothing, ApiError> {
    labels::tag(backend, request).await?;
    Ok(Nothing {})
}

/// Say what a media is about; the user's word stands before the word lists'.
pub async fn categorize(backend: &Backend, request: CategoryRequest) -> Result<MediaDetail, ApiError> {
    let media_id = request.media_id.clone();
    labels::categorize(backend, request).await?;
    get(backend, MediaId { media_id }).await
}

/// What the library can be filtered by.
pub async fn facets(backend: &Backend, _: Nothing) -> Result<Facets, ApiError> {
    labels::facets(backend).await
}

/// Remove media; what Bobina fetched goes to the system's trash, files of the user's stay.
pub async fn remove(backend: &Backend, request: MediaIds) -> Result<Removed, ApiError> {
    upkeep::remove(backend, request).await
}

/// Bring removed media back.
pub async fn restore(backend: &Backend, request: MediaIds) -> Result<Nothing, ApiError> {
    upkeep::restore(backend, request).await?;
    Ok(Nothing {})
}

/// Find the file of a media again, where it was moved.
pub async fn find_file(backend: &Backend, request: FindFileRequest) -> Result<MediaDetail, ApiError> {
    let media_id = request.media_id.clone();
    upkeep::find_file(backend, request).await?;
    get(backend, MediaId { media_id }).await
}

/// Delete files that nothing refers to any more.
pub async fn sweep(backend: &Backend, _: Nothing) -> Result<Swept, ApiError> {
    upkeep::sweep(backend).await
}

/// Saved searches.
pub async fn searches(backend: &Backend, _: Nothing) -> Result<Page<SavedSearch>, ApiError> {
    let items = labels::searches(backend).await?;
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    Ok(Page { total: u64::from(count), limit: count, offset: 0, items })
}

/// Save a search under a name.
pub async fn save_search(backend: &Backend, request: SaveSearchRequest) -> Result<SavedSearch, ApiError> {
    labels::save_search(backend, request).await
}

/// Forget a saved search.
pub async fn forget_search(backend: &Backend, input: SearchId) -> Result<Nothing, ApiError> {
    labels::forget_search(backend, input.search_id).await?;
    Ok(Nothing {})
}
