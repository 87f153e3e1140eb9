//! What can go wrong, said in closed codes.
//!
//! Owns the codes and the one table that maps a code to HTTP status, to retrying and to its cure.
//! The sentences for people stand in `assets/messages/errors.json`, keyed by code, in every language.
//! Invariant: a code never changes its meaning; an error crosses a boundary only as [`ApiError`].

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What happens to a job that failed with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryClass {
    /// A passing fault: tried again by itself along the backoff schedule.
    Passing,
    /// The same input would fail the same way: straight to the dead letters.
    Permanent,
    /// Waits for something with a known end or a user's act; uses up no attempt.
    Waiting,
}

/// The one action that cures an error; the UI shows it as a button, the command line as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Cure {
    Retry,
    ChooseAnotherFile,
    GiveDirectLink,
    GiveAccess,
    AllowHost,
    CheckNetwork,
    InstallTool,
    DownloadModel,
    ChooseEngine,
    FreeDisk,
    FixInput,
    UpdateBobina,
    ReportBug,
}

macro_rules! codes {
    ($( $(#[$doc:meta])* $name:ident = $wire:literal, $status:literal, $class:ident, $cure:ident; )*) => {
        /// Every error Bobina can answer with. Closed: a client may switch over it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        pub enum ErrorCode { $( $(#[$doc])* #[serde(rename = $wire)] $name, )* }

        impl ErrorCode {
            /// All codes, in the order of their table.
            pub const ALL: &'static [ErrorCode] = &[ $( ErrorCode::$name, )* ];

            /// The code as it stands in JSON, SQL and the message catalogues.
            pub fn as_str(self) -> &'static str { match self { $( ErrorCode::$name => $wire, )* } }

            /// The HTTP status the code is answered with.
            pub fn http_status(self) -> u16 { match self { $( ErrorCode::$name => $status, )* } }

            /// Whether and how a job that failed with the code is tried again.
            pub fn retry_class(self) -> RetryClass { match self { $( ErrorCode::$name => RetryClass::$class, )* } }

            /// The action that cures it.
            pub fn cure(self) -> Cure { match self { $( ErrorCode::$name => Cure::$cure, )* } }
        }
    };
}

codes! {
    /// A value in the request is wrong; the message names it.
    InvalidInput = "INVALID_INPUT", 400, Permanent, FixInput;
    /// No command of that name.
    CommandUnknown = "COMMAND_UNKNOWN", 404, Permanent, FixInput;
    TaskNotFound = "TASK_NOT_FOUND", 404, Permanent, FixInput;
    /// The API's answer for an old task has expired; its media and transcripts stay.
    TaskExpired = "TASK_EXPIRED", 410, Permanent, FixInput;
    /// The task has ended already, so it cannot be cancelled or paused.
    TaskFinished = "TASK_FINISHED", 409, Permanent, FixInput;
    /// The task has not ended, so it cannot be tried again.
    TaskActive = "TASK_ACTIVE", 409, Permanent, FixInput;
    MediaNotFound = "MEDIA_NOT_FOUND", 404, Permanent, FixInput;
    TranscriptNotFound = "TRANSCRIPT_NOT_FOUND", 404, Permanent, FixInput;
    /// Somebody else edited it since it was read.
    TranscriptChanged = "TRANSCRIPT_CHANGED", 409, Permanent, Retry;
    /// It is still being heard, so it cannot be edited.
    TranscriptUnfinished = "TRANSCRIPT_UNFINISHED", 409, Permanent, Retry;
    /// A task works with the media, so it cannot be removed.
    MediaInUse = "MEDIA_IN_USE", 409, Permanent, Retry;
    /// The file given holds other content than the media that is missed.
    FileDiffers = "FILE_DIFFERS", 409, Permanent, ChooseAnotherFile;
    /// The system's trash did not take the file.
    TrashUnavailable = "TRASH_UNAVAILABLE", 503, Permanent, GiveAccess;
    RecipeNotFound = "RECIPE_NOT_FOUND", 404, Permanent, FixInput;
    RecipeInvalid = "RECIPE_INVALID", 422, Permanent, FixInput;
    WatchNotFound = "WATCH_NOT_FOUND", 404, Permanent, FixInput;
    /// The kind of task does not exist yet in this version.
    KindUnavailable = "KIND_UNAVAILABLE", 422, Permanent, UpdateBobina;

    FileNotFound = "FILE_NOT_FOUND", 404, Permanent, ChooseAnotherFile;
    FileEmpty = "FILE_EMPTY", 422, Permanent, ChooseAnotherFile;
    /// The operating system does not let us read it.
    FileUnreadable = "FILE_UNREADABLE", 403, Permanent, GiveAccess;
    /// A pipe, socket or device, not a regular file.
    NotAFile = "NOT_A_FILE", 422, Permanent, ChooseAnotherFile;
    /// Nothing ffmpeg knows as media.
    FileTypeUnsupported = "FILE_TYPE_UNSUPPORTED", 415, Permanent, ChooseAnotherFile;
    /// A playlist given as a local file; it may name other files, so it is never opened.
    PlaylistLocal = "PLAYLIST_LOCAL", 422, Permanent, ChooseAnotherFile;
    /// It began as media but could not be decoded.
    MediaDamaged = "MEDIA_DAMAGED", 422, Permanent, ChooseAnotherFile;
    /// Beyond the limits on pixels, streams or length.
    MediaTooLarge = "MEDIA_TOO_LARGE", 413, Permanent, ChooseAnotherFile;
    /// The file changed while it was read.
    FileChanged = "FILE_CHANGED", 409, Passing, Retry;

    UrlInvalid = "URL_INVALID", 400, Permanent, FixInput;
    /// Not http or https.
    UrlSchemeUnsupported = "URL_SCHEME_UNSUPPORTED", 400, Permanent, FixInput;
    /// The address lies in a private, loopback, link-local or metadata range and was not allowed.
    HostBlocked = "HOST_BLOCKED", 403, Permanent, AllowHost;
    /// The server says there is no such thing (404, 410).
    UrlNotFound = "URL_NOT_FOUND", 404, Permanent, FixInput;
    /// The server refuses access (401, 403).
    AccessRefused = "ACCESS_REFUSED", 403, Permanent, GiveAccess;
    RateLimited = "RATE_LIMITED", 429, Waiting, Retry;
    /// The server failed (5xx) or broke its own protocol.
    ServerFault = "SERVER_FAULT", 502, Passing, Retry;
    /// No connection: name not found, refused, reset, cut.
    NetworkLost = "NETWORK_LOST", 503, Passing, CheckNetwork;
    NetworkTimeout = "NETWORK_TIMEOUT", 504, Passing, CheckNetwork;
    TooManyRedirects = "TOO_MANY_REDIRECTS", 502, Permanent, GiveDirectLink;
    DownloadTooLarge = "DOWNLOAD_TOO_LARGE", 413, Permanent, GiveDirectLink;
    PlaylistInvalid = "PLAYLIST_INVALID", 422, Permanent, GiveDirectLink;
    /// Protected by a key system we cannot and will not open (DRM).
    PlaylistProtected = "PLAYLIST_PROTECTED", 422, Permanent, GiveDirectLink;
    NoVideoOnPage = "NO_VIDEO_ON_PAGE", 422, Permanent, GiveDirectLink;

    /// ffmpeg, ffprobe, pocketsphinx or yt-dlp is not installed.
    ToolMissing = "TOOL_MISSING", 424, Waiting, InstallTool;
    ToolFailed = "TOOL_FAILED", 500, Permanent, ReportBug;
    /// The speech model the task wants is not installed.
    ModelMissing = "MODEL_MISSING", 424, Waiting, DownloadModel;
    ModelUnknown = "MODEL_UNKNOWN", 404, Permanent, ChooseEngine;
    /// Truncated, foreign or altered model file.
    ModelInvalid = "MODEL_INVALID", 422, Permanent, DownloadModel;
    /// The model needs more memory than there is.
    OutOfMemory = "OUT_OF_MEMORY", 507, Permanent, ChooseEngine;
    EngineUnknown = "ENGINE_UNKNOWN", 400, Permanent, ChooseEngine;
    /// The engine cannot hear that language.
    LanguageUnsupported = "LANGUAGE_UNSUPPORTED", 422, Permanent, ChooseEngine;
    /// The worker child ended without an answer.
    EngineCrashed = "ENGINE_CRASHED", 500, Passing, ChooseEngine;

    /// A step ran longer than its limit.
    ProcessingTimeout = "PROCESSING_TIMEOUT", 504, Passing, Retry;
    /// A step showed no sign of life.
    StepStuck = "STEP_STUCK", 504, Passing, Retry;
    /// The same job brought the program down three times.
    Crashed = "CRASHED", 500, Permanent, ReportBug;
    Cancelled = "CANCELLED", 409, Permanent, Retry;
    DiskFull = "DISK_FULL", 507, Passing, FreeDisk;
    /// Reading or writing the data folder failed.
    StorageFault = "STORAGE_FAULT", 500, Passing, Retry;
    /// The data folder was written by a newer Bobina.
    DataNewer = "DATA_NEWER", 409, Permanent, UpdateBobina;
    /// Another process owns the data folder and does not answer.
    DataLocked = "DATA_LOCKED", 423, Passing, Retry;
    PortTaken = "PORT_TAKEN", 409, Permanent, FixInput;
    /// The operating system's key store is not there or locked.
    SecretStoreUnavailable = "SECRET_STORE_UNAVAILABLE", 503, Permanent, GiveAccess;

    /// No key was given for the cloud service.
    KeyMissing = "KEY_MISSING", 424, Permanent, GiveAccess;
    /// The cloud service refuses the key, or what the key may do.
    KeyRefused = "KEY_REFUSED", 424, Permanent, GiveAccess;
    /// The account at the cloud service has no credit or allowance left.
    QuotaExhausted = "QUOTA_EXHAUSTED", 402, Permanent, GiveAccess;
    /// The cloud service's rules, or the user's own, refuse the content.
    ContentRefused = "CONTENT_REFUSED", 422, Permanent, FixInput;
    /// A paid request was sent and its answer lost: it may have been charged, so only the user may send it again.
    OutcomeUnknown = "OUTCOME_UNKNOWN", 409, Permanent, Retry;
    /// The result was not fetched before the cloud service removed it.
    ResultExpired = "RESULT_EXPIRED", 410, Permanent, Retry;
    /// The user's own spending cap is reached.
    CapReached = "CAP_REACHED", 402, Waiting, GiveAccess;
    /// The user's settings keep everything on this machine.
    LocalOnly = "LOCAL_ONLY", 403, Permanent, ChooseEngine;
    /// No service that has a key and is allowed can do it.
    NoProvider = "NO_PROVIDER", 424, Permanent, ChooseEngine;
    /// Faces and voices of people are changed only with the user's statement of consent.
    ConsentMissing = "CONSENT_MISSING", 422, Permanent, FixInput;

    /// The same Idempotency-Key came before with another request.
    IdempotencyConflict = "IDEMPOTENCY_CONFLICT", 422, Permanent, FixInput;
    /// Another one has that name already.
    NameTaken = "NAME_TAKEN", 409, Permanent, FixInput;
    TokenNotFound = "TOKEN_NOT_FOUND", 404, Permanent, FixInput;
    BatchNotFound = "BATCH_NOT_FOUND", 404, Permanent, FixInput;
    /// No URL of that id was ever added.
    UrlUnknown = "URL_UNKNOWN", 404, Permanent, FixInput;
    WebhookNotFound = "WEBHOOK_NOT_FOUND", 404, Permanent, FixInput;
    DeliveryNotFound = "DELIVERY_NOT_FOUND", 404, Permanent, FixInput;
    UploadNotFound = "UPLOAD_NOT_FOUND", 404, Permanent, FixInput;
    /// The piece does not begin where the upload stands, or another piece is being written.
    UploadConflict = "UPLOAD_CONFLICT", 409, Permanent, FixInput;
    /// What arrived does not have the checksum that was announced (460: the status of the tus protocol).
    ChecksumMismatch = "CHECKSUM_MISMATCH", 460, Passing, Retry;
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, Permanent, FixInput;

    Unauthorized = "UNAUTHORIZED", 401, Permanent, GiveAccess;
    Forbidden = "FORBIDDEN", 403, Permanent, GiveAccess;
    BodyTooLarge = "BODY_TOO_LARGE", 413, Permanent, FixInput;
    /// A fault of ours.
    Internal = "INTERNAL", 500, Permanent, ReportBug;
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ErrorCode {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
    }
}

/// A text that is none of a closed set's words; the message names them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownWord(pub String);

/// An error as it crosses the boundary and as a failed job stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    pub code: ErrorCode,
    /// One English sentence that names what is wrong; never a secret, never a stack.
    pub message: String,
    /// Technical detail for the curious, such as the last lines of a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub detail: Option<String>,
    /// When trying again makes sense, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub retry_after_ms: Option<u64>,
    pub cure: Cure,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, retry_after_ms: None, cure: code.cure() }
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn with_retry_after_ms(mut self, millis: u64) -> Self {
        self.retry_after_ms = Some(millis);
        self
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_wire_name_that_reads_back() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} stands twice");
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
