//! What can go wrong with the database, and its code.

use domain::{ApiError, ErrorCode};
use rusqlite::ffi;

/// A fault of the store, or an answer that a piece of work inside a transaction gave instead of a value.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "this data folder was written by a newer Bobina (schema {found}; this one knows {known}). Update Bobina."
    )]
    DataNewer { found: u32, known: u32 },
    #[error("SQLite {0} is too old: 3.51.3 is the first without a fault that corrupts databases")]
    SqliteTooOld(&'static str),
    #[error("a stored value cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a stored value cannot be read: {0}")]
    Damaged(String),
    /// What others wrote in the same transaction could not be committed.
    #[error("the transaction failed: {message}")]
    Commit { code: ErrorCode, message: String },
    #[error("the writer could not be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the store is closed")]
    Closed,
    #[error("a fault of ours while working on the database")]
    Panicked,
    /// The work itself answered with an error; its transaction was undone.
    #[error("{0}")]
    Answer(ApiError),
}

impl StoreError {
    /// The closed code it crosses the boundary with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Sqlite(error) => sqlite_code(error),
            Self::DataNewer { .. } => ErrorCode::DataNewer,
            Self::Commit { code, .. } => *code,
            Self::Answer(error) => error.code,
            Self::SqliteTooOld(_) | Self::Panicked => ErrorCode::Internal,
            Self::Json(_) | Self::Damaged(_) | Self::Thread(_) | Self::Closed => ErrorCode::StorageFault,
        }
    }

    /// An answer of the work inside a transaction: undoes it and reaches the caller as it is.
    pub fn answer(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Answer(ApiError::new(code, message))
    }

    /// The disk is full or failing: the same work may succeed later.
    pub fn is_storage(&self) -> bool {
        matches!(self.code(), ErrorCode::DiskFull | ErrorCode::StorageFault)
    }

    /// The same fault, for another caller of the same transaction.
    pub(super) fn shared(&self) -> Self {
        Self::Commit { code: self.code(), message: self.to_string() }
    }
}

fn sqlite_code(error: &rusqlite::Error) -> ErrorCode {
    let Some(code) = error.sqlite_error() else { return ErrorCode::Internal };
    match code.extended_code & 0xff {
        ffi::SQLITE_FULL => ErrorCode::DiskFull,
        ffi::SQLITE_IOERR
        | ffi::SQLITE_CORRUPT
        | ffi::SQLITE_NOTADB
        | ffi::SQLITE_CANTOPEN
        | ffi::SQLITE_READONLY
        | ffi::SQLITE_PERM
        | ffi::SQLITE_BUSY
        | ffi::SQLITE_LOCKED
        | ffi::SQLITE_PROTOCOL
        | ffi::SQLITE_NOMEM
        | ffi::SQLITE_INTERRUPT => ErrorCode::StorageFault,
        _ => ErrorCode::Internal,
    }
}

impl From<ApiError> for StoreError {
    fn from(error: ApiError) -> Self {
        Self::Answer(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let code = error.code();
        match (error, code) {
            (StoreError::Answer(answer), _) => answer,
            (error, ErrorCode::DiskFull) => {
                ApiError::new(code, "The disk of the data folder is full.").with_detail(error.to_string())
            }
            (error, ErrorCode::StorageFault) => {
                ApiError::new(code, "Reading or writing the data folder failed.")
                    .with_detail(error.to_string())
            }
            (error, ErrorCode::DataNewer) => ApiError::new(code, error.to_string()),
            (error, _) => {
                ApiError::new(code, "A fault of ours in the database.").with_detail(error.to_string())
            }
        }
    }
}
