//! What the user gave: a file or a URL.

use crate::{UtcTime, task::words};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A file of this machine or an address on the web.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Source {
    /// Absolute path, as the user gave it (not resolved through symbolic links).
    File {
        path: String,
    },
    Url {
        url: String,
    },
}

impl Source {
    /// The path or the URL.
    pub fn as_str(&self) -> &str {
        match self {
            Self::File { path } => path,
            Self::Url { url } => url,
        }
    }
}

words! {
    /// The life of a URL: it only moves forward, or to `failed` and from there back by a retry.
    UrlStatus {
        PendingIngest = "pending_ingest",
        Downloading = "downloading",
        Downloaded = "downloaded",
        Transcribed = "transcribed",
        Categorized = "categorized",
        Failed = "failed",
    }
}

/// A URL with its own life, one row however often it is added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct UrlItem {
    pub url_id: String,
    pub url: String,
    pub status: UrlStatus,
    pub media_id: Option<String>,
    /// The task that last worked on it.
    pub task_id: Option<String>,
    pub error: Option<crate::ApiError>,
    pub created_at: UtcTime,
    pub updated_at: UtcTime,
}

/// An HTTP header sent with the requests for one source. Values never appear in `Debug` output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Header {
    pub name: String,
    pub value: String,
}

impl Header {
    /// Cookie, Authorization and their like go to the key store, never into a row.
    pub fn is_secret(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        matches!(name.as_str(), "cookie" | "authorization" | "proxy-authorization" | "x-api-key")
            || name.contains("token")
            || name.contains("secret")
            || name.contains("auth")
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: …", self.name)
    }
}
