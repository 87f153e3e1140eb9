//! What can go wrong at a cloud service, in the closed codes of `domain`.
//!
//! Invariant: holds no secret; every text of a service passes [`crate::ApiKey::removed_from`] before it comes here.

use domain::{ApiError, ErrorCode};
use std::time::Duration;

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    pub code: ErrorCode,
    /// Name of the service in the registry.
    pub provider: String,
    /// One English sentence.
    pub message: String,
    /// What the service said, shortened.
    pub detail: Option<String>,
    /// When the service will take the next request.
    pub retry_after: Option<Duration>,
    /// The HTTP status it answered with, if it answered.
    pub status: Option<u16>,
    /// The service says that the job itself is over: there is nothing left to collect.
    pub job_over: bool,
}

impl ProviderError {
    pub fn new(code: ErrorCode, provider: &str, message: impl Into<String>) -> Self {
        let (provider, message) = (provider.to_string(), message.into());
        Self { code, provider, message, detail: None, retry_after: None, status: None, job_over: false }
    }

    pub(crate) fn cancelled(provider: &str) -> Self {
        Self::new(ErrorCode::Cancelled, provider, "The call was stopped.")
    }

    /// The service's answer is not what its own rules say.
    pub(crate) fn odd(provider: &str, title: &str, what: &str) -> Self {
        Self::new(
            ErrorCode::ServerFault,
            provider,
            format!("{title} answered something that cannot be read: {what}."),
        )
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        let mut api = ApiError::new(error.code, error.message);
        api.detail = error.detail;
        api.retry_after_ms =
            error.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        api
    }
}
