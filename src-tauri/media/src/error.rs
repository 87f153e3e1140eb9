//! What can go wrong with media, as a code with a sentence.

use domain::{ApiError, ErrorCode};
use std::time::Duration;

/// A fault while working on media. The message is one English sentence for people; `detail` is for the curious.
/// Neither ever holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct MediaError {
    pub code: ErrorCode,
    pub message: String,
    pub detail: Option<String>,
    /// The server's own word on when to come back.
    pub retry_after: Option<Duration>,
}

impl MediaError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, retry_after: None }
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "Cancelled.")
    }

    /// An I/O fault of our own files: full disks and missing permissions have codes of their own.
    pub fn storage(doing: &str, error: &std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
            _ => ErrorCode::StorageFault,
        };
        Self::new(code, format!("{doing}: {error}"))
    }
}

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        let mut api = ApiError::new(error.code, error.message);
        api.detail = error.detail;
        api.retry_after_ms = error.retry_after.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        api
    }
}
