//! From an address on the web to a media file.
//!
//! Owns the network: direct files, HLS, web pages, and yt-dlp where it is there. Leaves what the file then is to
//! `probe`, and waiting between whole tries to the queue.
//! Invariants: nothing is reached that [`guard`] did not pass; nothing is written outside the request's folder;
//! ffmpeg sees only files we wrote.

mod base64;
mod client;
mod cookies;
mod direct;
mod gate;
mod guard;
mod headers;
mod hls;
mod meter;
mod name;
mod page;
mod policy;
mod sniff;
mod ytdlp;

pub use client::{Answer, Ask, Client, client};
pub use guard::check_url;
pub use headers::SourceHeaders;
pub use policy::{FetchRequest, Fetched, Method, NetPolicy};

use crate::tools::Tools;
use crate::{MediaError, Run};
use direct::{Direct, Got};
use domain::ErrorCode;
use std::path::Path;
use url::Url;

/// Fetches one source into `request.folder` and answers with the file.
///
/// What was got stays in the folder when the work fails or is cancelled, so the next call, of this process or
/// another, goes on from there; a call after success answers at once. The caller removes the folder.
///
/// Errors: `URL_INVALID`, `URL_SCHEME_UNSUPPORTED`, `HOST_BLOCKED`, `URL_NOT_FOUND`, `ACCESS_REFUSED`,
/// `RATE_LIMITED`, `SERVER_FAULT`, `NETWORK_LOST`, `NETWORK_TIMEOUT`, `TOO_MANY_REDIRECTS`, `DOWNLOAD_TOO_LARGE`,
/// `PLAYLIST_INVALID`, `PLAYLIST_PROTECTED`, `NO_VIDEO_ON_PAGE`, `FILE_EMPTY`, `FILE_TYPE_UNSUPPORTED`,
/// `TOOL_MISSING`, `DISK_FULL`, `STORAGE_FAULT`, `CANCELLED`.
pub async fn fetch(request: FetchRequest, tools: &Tools, run: &Run) -> Result<Fetched, MediaError> {
    tokio::select! {
        biased;
        () = run.cancel.cancelled() => Err(MediaError::cancelled()),
        fetched = fetch_all(request, tools, run) => fetched,
    }
}

/// What every way of fetching needs.
pub(crate) struct Fetch<'a> {
    client: Client,
    headers: SourceHeaders,
    folder: &'a Path,
    tools: &'a Tools,
    run: &'a Run,
}

async fn fetch_all(request: FetchRequest, tools: &Tools, run: &Run) -> Result<Fetched, MediaError> {
    let url = check_url(&request.url, &request.policy)?;
    std::fs::create_dir_all(&request.folder)
        .map_err(|e| MediaError::storage("Making the download's folder", &e))?;
    let result = request.folder.join("fetched.json");
    if let Some(done) = finished(&result) {
        return Ok(done);
    }
    let fetch = Fetch {
        client: client(&request.policy)?,
        headers: SourceHeaders::new(&url, &request.headers)?,
        folder: &request.folder,
        tools,
        run,
    };
    let fetched = fetch.source(&url).await?;
    direct::write_whole(&result, &serde_json::to_vec(&fetched).unwrap_or_default())?;
    Ok(fetched)
}

/// The result of an earlier call whose answer got lost.
fn finished(result: &Path) -> Option<Fetched> {
    let fetched: Fetched = serde_json::from_slice(&std::fs::read(result).ok()?).ok()?;
    std::fs::metadata(&fetched.path).is_ok_and(|m| m.is_file() && m.len() > 0).then_some(fetched)
}

impl Fetch<'_> {
    async fn source(&self, url: &Url) -> Result<Fetched, MediaError> {
        let direct =
            Direct { client: &self.client, headers: &self.headers, folder: self.folder, run: self.run };
        let got = match direct.get(url).await {
            Ok(got) => got,
            // Some sites turn away everything but browsers; yt-dlp knows their ways.
            Err(error) if error.code == ErrorCode::AccessRefused => return self.by_yt_dlp(url, error).await,
            Err(error) => return Err(error),
        };
        match got {
            Got::File { path, title, url } => {
                Ok(Fetched { path, title, final_url: url.into(), method: Method::Direct })
            }
            Got::Playlist { text, url } => Ok(Fetched {
                path: hls::fetch(self, &self.headers, &text, &url).await?,
                title: None,
                final_url: url.into(),
                method: Method::Hls,
            }),
            Got::Page { html, url: from } => match page::fetch(self, &html, &from).await {
                Err(error) if page::is_final(error.code) => self.by_yt_dlp(url, error).await,
                fetched => fetched,
            },
            Got::Dash => {
                let says = "This is a DASH manifest, which only yt-dlp can read; it is not installed.";
                self.by_yt_dlp(url, MediaError::new(ErrorCode::FileTypeUnsupported, says)).await
            }
        }
    }

    /// The last resort; without it, or when it finds nothing either, what stood before is the answer.
    async fn by_yt_dlp(&self, url: &Url, before: MediaError) -> Result<Fetched, MediaError> {
        match ytdlp::fetch(self, url).await {
            Err(error) if matches!(error.code, ErrorCode::ToolMissing | ErrorCode::NoVideoOnPage) => {
                Err(before)
            }
            fetched => fetched,
        }
    }
}
