//! Why a command ended without doing what it was asked.

use domain::{ApiError, ErrorCode};

/// An error with the exit code it means.
#[derive(Debug)]
pub struct Failure {
    pub error: ApiError,
    /// 1, or 2 for wrong use.
    pub code: u8,
}

impl Failure {
    /// Wrong use, found by the command line itself.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { error: ApiError::invalid(message), code: 2 }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let is_wrong_use = matches!(
            error.code,
            ErrorCode::InvalidInput | ErrorCode::CommandUnknown | ErrorCode::EngineUnknown
        );
        Self { error, code: if is_wrong_use { 2 } else { 1 } }
    }
}
