//! The limits of a download, and what is asked for and got.
//!
//! Owns the words of the boundary; leaves their keeping to the modules beside it.

use domain::Header;
use std::path::PathBuf;
use std::time::Duration;

/// How far a download may go.
#[derive(Clone, Debug)]
pub struct NetPolicy {
    /// Hosts that may lie in private ranges: `nas.local`, `192.168.1.5`, `127.0.0.1:8080`, `[::1]:8080`.
    /// A name without a port opens every ordinary port of that host; with a port, that one only (any port at all).
    pub allow_hosts: Vec<String>,
    /// The most bytes one source may bring.
    pub max_bytes: u64,
    /// A live playlist is recorded at most this many seconds of media.
    pub max_live_seconds: u64,
    /// How long one connection may take to open.
    pub connect_timeout: Duration,
    /// How long a server may stay silent, before its answer and between two pieces of it.
    pub idle_timeout: Duration,
    /// How many redirects in a row are followed.
    pub max_redirects: u32,
    /// A live playlist that brings nothing new for this long (and for three target durations) has ended.
    pub live_stall: Duration,
}

impl Default for NetPolicy {
    fn default() -> Self {
        Self {
            allow_hosts: Vec::new(),
            max_bytes: 50 << 30,
            max_live_seconds: 6 * 3600,
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            max_redirects: 10,
            live_stall: Duration::from_secs(30),
        }
    }
}

/// One source to fetch.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    pub url: String,
    /// The user's own headers; secret ones go to the origin of `url` alone.
    pub headers: Vec<Header>,
    pub policy: NetPolicy,
    /// Kept between tries: what was got so far lies here, and the result. Nobody else writes into it.
    pub folder: PathBuf,
}

/// How a source was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A media file behind the URL itself.
    Direct,
    /// An HLS playlist behind the URL itself.
    Hls,
    /// A video found on a web page.
    Page,
    /// A site that yt-dlp knows.
    YtDlp,
}

/// What was got.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Fetched {
    /// The media file, inside the request's folder.
    pub path: PathBuf,
    /// The page's title or the file's name, for people.
    pub title: Option<String>,
    /// Where the media lay in the end, redirects followed.
    pub final_url: String,
    pub method: Method,
}
