//! Scaffold of the commands; the bodies follow.

use super::types::*;
use crate::Backend;
use domain::source::UrlItem;
use domain::{ApiError, Task, Transcript};

/// One page of the media.
pub async fn list(_backend: &Backend, _input: LibraryQuery) -> Result<Page<MediaItem>, ApiError> {
    Err(ApiError::internal("library::list is not built yet"))
}

/// One media with its transcripts.
pub async fn get(_backend: &Backend, _input: MediaId) -> Result<MediaDetail, ApiError> {
    Err(ApiError::internal("library::get is not built yet"))
}

/// Find what was said.
pub async fn search(_backend: &Backend, _input: SearchQuery) -> Result<Page<SearchHit>, ApiError> {
    Err(ApiError::internal("library::search is not built yet"))
}

/// A transcript with segments and words.
pub async fn transcript(_backend: &Backend, _input: TranscriptId) -> Result<Transcript, ApiError> {
    Err(ApiError::internal("library::transcript is not built yet"))
}

/// A transcript as a file.
pub async fn export(_backend: &Backend, _input: ExportRequest) -> Result<Exported, ApiError> {
    Err(ApiError::internal("library::export is not built yet"))
}

/// URLs and where they stand.
pub async fn urls(_backend: &Backend, _input: UrlQuery) -> Result<Page<UrlItem>, ApiError> {
    Err(ApiError::internal("library::urls is not built yet"))
}
