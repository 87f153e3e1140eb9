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
    /// What a person typed in the folder `folder`: an address when it begins with a scheme and `://`, else a path.
    /// A relative path becomes absolute; nothing is looked up, so the path may not exist and the address may be refused.
    pub fn typed(text: &str, folder: &std::path::Path) -> Self {
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.chars().all(|each| each.is_ascii_alphanumeric() || "+.-".contains(each))
        };
        match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => Self::Url { url: text.to_string() },
            _ => Self::File { path: folder.join(text).to_string_lossy().into_owned() },
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn typed(text: &str) -> String {
        match Source::typed(text, Path::new("/home/ana")) {
            Source::File { path } => format!("file {path}"),
            Source::Url { url } => format!("url {url}"),
        }
    }

    #[test]
    fn a_scheme_makes_an_address() {
        assert_eq!(typed("https://example.org/a.mp4"), "url https://example.org/a.mp4");
        assert_eq!(typed("s3+x://bucket/key"), "url s3+x://bucket/key");
    }

    #[test]
    fn anything_else_is_a_path_from_the_folder() {
        assert_eq!(typed("clip.mp4"), "file /home/ana/clip.mp4");
        assert_eq!(typed("/media/clip.mp4"), "file /media/clip.mp4");
        assert_eq!(typed("-i"), "file /home/ana/-i");
        assert_eq!(typed("a: b://c.mp4"), "file /home/ana/a: b://c.mp4");
        assert_eq!(typed("://x"), "file /home/ana/://x");
    }
}
