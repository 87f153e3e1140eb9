//! Web pages that contain a video.
//!
//! Owns the search: the page, its frames two deep, its players' scripts; then the candidates, best first, until one
//! is media. Leaves reading documents to [`find`], fetching to `direct` and `hls`, and sites with their own ways to
//! `ytdlp`.
//! Invariant: a search asks at most [`MOST_DOCUMENTS`] documents and [`MOST_TRIED`] candidates.

mod find;
mod text;

use super::direct::{Direct, Got};
use super::sniff::{self, Kind};
use super::{Ask, Fetch, Fetched, Method, hls};
use crate::MediaError;
use domain::ErrorCode;
use find::{Candidate, Document};
use futures::future::join_all;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use std::collections::{HashSet, VecDeque};
use url::Url;

/// Pages, frames and scripts read for one source.
const MOST_DOCUMENTS: usize = 16;
/// Candidates looked at before one is chosen, and tried in the end.
const MOST_TRIED: usize = 10;
/// Frames within frames.
const DEEPEST: usize = 2;
/// One page, frame or script.
const MOST_TEXT: usize = 8 << 20;
/// A film below this size is a sample, a loop or an error.
const SMALL: u64 = 300_000;

/// Fetches the video of a page that has been read from `url`.
///
/// Errors: `NO_VIDEO_ON_PAGE` when nothing on it is one; else what the best candidate failed with.
pub(super) async fn fetch(fetch: &Fetch<'_>, html: &str, url: &Url) -> Result<Fetched, MediaError> {
    let found = search(fetch, html, url).await?;
    let mut failure = found.refused.clone();
    for candidate in rank(fetch, found.candidates).await {
        match take(fetch, &candidate).await {
            Ok(Some((path, final_url))) => {
                return Ok(Fetched {
                    path,
                    title: found.title,
                    final_url: final_url.into(),
                    method: Method::Page,
                });
            }
            Ok(None) => {}
            Err(error) if is_ours(error.code) => return Err(error),
            Err(error) => {
                tracing::debug!(code = %error.code, "a candidate of the page failed");
                failure = Some(graver(failure, error));
            }
        }
    }
    Err(failure.filter(|e| is_telling(e.code)).unwrap_or_else(|| {
        MediaError::new(
            ErrorCode::NoVideoOnPage,
            "No video was found on this page. Give the direct link of the video; with yt-dlp installed, many more sites work.",
        )
    }))
}

/// Faults of this machine, which another candidate would meet as well.
fn is_ours(code: ErrorCode) -> bool {
    use ErrorCode::{Cancelled, DiskFull, Internal, ProcessingTimeout, StorageFault, ToolMissing};
    matches!(code, Cancelled | DiskFull | Internal | ProcessingTimeout | StorageFault | ToolMissing)
}

/// Failures of a page after which another way to its video is worth trying.
pub(super) fn is_final(code: ErrorCode) -> bool {
    use ErrorCode::{AccessRefused, MediaDamaged, NoVideoOnPage, PlaylistProtected, UrlNotFound};
    matches!(code, AccessRefused | MediaDamaged | NoVideoOnPage | PlaylistProtected | UrlNotFound)
}

/// Failures that say more than that there was no video.
fn is_telling(code: ErrorCode) -> bool {
    use ErrorCode::{
        AccessRefused, DownloadTooLarge, HostBlocked, MediaDamaged, NetworkLost, NetworkTimeout,
        PlaylistProtected, RateLimited, ServerFault, UrlNotFound,
    };
    matches!(
        code,
        AccessRefused
            | DownloadTooLarge
            | HostBlocked
            | MediaDamaged
            | NetworkLost
            | NetworkTimeout
            | PlaylistProtected
            | RateLimited
            | ServerFault
            | UrlNotFound
    )
}

/// A fault that may pass outweighs one that will not: the whole is worth another try.
fn graver(first: Option<MediaError>, second: MediaError) -> MediaError {
    let passing = |e: &MediaError| e.code.retry_class() != domain::error::RetryClass::Permanent;
    match first {
        Some(first) if is_telling(first.code) && (passing(&first) || !passing(&second)) => first,
        _ => second,
    }
}

/// Reads the page and what it is made of.
async fn search(fetch: &Fetch<'_>, html: &str, url: &Url) -> Result<Document, MediaError> {
    let policy = fetch.client.policy();
    let mut all = find::read(html, url, policy);
    let mut waiting: VecDeque<(Url, Url, usize, bool)> = VecDeque::new();
    let mut seen = HashSet::from([url.clone()]);
    let mut enqueue = |waiting: &mut VecDeque<_>, document: &mut Document, page: &Url, depth: usize| {
        let scripts = std::mem::take(&mut document.scripts).into_iter().map(|u| (u, false));
        let frames = std::mem::take(&mut document.frames).into_iter().map(|u| (u, true));
        for (url, is_frame) in scripts.chain(frames) {
            if (depth < DEEPEST || !is_frame) && seen.insert(url.clone()) {
                waiting.push_back((url, page.clone(), depth + usize::from(is_frame), is_frame));
            }
        }
    };
    enqueue(&mut waiting, &mut all, url, 0);
    let mut read = 1;
    while let Some((next, page, depth, is_frame)) = waiting.pop_front() {
        if read >= MOST_DOCUMENTS {
            break;
        }
        read += 1;
        let headers = fetch.headers.found_on(&page);
        let (text, from) = match fetch.client.text(&Ask::new(&next, &headers), MOST_TEXT).await {
            Ok((Some(text), from)) => (text, from),
            Ok((None, _)) => continue,
            Err(error) => {
                tracing::debug!(code = %error.code, "a frame or script of the page cannot be had");
                continue;
            }
        };
        let mut document = if is_frame {
            if text.trim_start_matches('\u{feff}').trim_start().starts_with("#EXTM3U") {
                all.candidates.push(Candidate { url: next, page, weight: 75 });
                continue;
            }
            find::read(&text, &from, policy)
        } else {
            find::read_script(&text, &from, &page, policy)
        };
        let referer = if is_frame { &from } else { &page };
        enqueue(&mut waiting, &mut document, referer, depth);
        // What stands in a frame is as good as what stands in the page; the page's title names it.
        all.candidates.append(&mut document.candidates);
        all.title = all.title.take().or(document.title);
        all.refused = all.refused.take().or(document.refused);
    }
    let mut seen = HashSet::new();
    all.candidates.sort_by_key(|c| std::cmp::Reverse(c.weight));
    all.candidates.retain(|c| seen.insert(c.url.clone()));
    all.candidates.truncate(MOST_TRIED);
    Ok(all)
}

/// Looks at the first bytes of each candidate and puts what is most likely the film first.
async fn rank(fetch: &Fetch<'_>, candidates: Vec<Candidate>) -> Vec<Candidate> {
    if candidates.len() < 2 {
        return candidates;
    }
    let mut ranked: Vec<(i32, Candidate)> = join_all(candidates.into_iter().map(|candidate| async move {
        let bonus = match look(fetch, &candidate).await {
            Ok((Kind::Playlist, _)) => 24,
            Ok((Kind::Media(_), Some(size))) if size < SMALL => -40,
            // Ten times the size is worth three steps of quality in the name.
            Ok((Kind::Media(_), size)) => size.map_or(15, |s| (s as f64).log10().mul_add(6.0, -24.0) as i32),
            Ok(_) => -200,
            Err(_) => -100,
        };
        (candidate.weight + bonus, candidate)
    }))
    .await;
    ranked.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// What a candidate is and how large, by its first bytes.
async fn look(fetch: &Fetch<'_>, candidate: &Candidate) -> Result<(Kind, Option<u64>), MediaError> {
    let headers = fetch.headers.found_on(&candidate.page);
    let range = format!("bytes=0-{}", sniff::ENOUGH - 1);
    let ask = Ask::new(&candidate.url, &headers).unpacked().with(RANGE, range);
    let mut answer = fetch.client.get(&ask).await?;
    let size = match answer.status().as_u16() {
        206 => {
            answer.header(CONTENT_RANGE).and_then(super::direct::content_range).and_then(|(_, total)| total)
        }
        _ => answer.length(),
    };
    let mut head = Vec::new();
    while head.len() < sniff::ENOUGH {
        match answer.next().await? {
            Some(piece) => head.extend_from_slice(&piece),
            None => break,
        }
    }
    head.truncate(sniff::ENOUGH);
    Ok((sniff::sniff(&head, answer.header(CONTENT_TYPE)), size))
}

/// Fetches a candidate; `None` when it is no media after all.
async fn take(
    fetch: &Fetch<'_>,
    candidate: &Candidate,
) -> Result<Option<(std::path::PathBuf, Url)>, MediaError> {
    let headers = fetch.headers.found_on(&candidate.page);
    let direct = Direct { client: &fetch.client, headers: &headers, folder: fetch.folder, run: fetch.run };
    match direct.get(&candidate.url).await? {
        Got::File { path, url, .. } => Ok(Some((path, url))),
        Got::Playlist { text, url } => {
            let path = hls::fetch(fetch, &headers, &text, &url).await?;
            Ok(Some((path, url)))
        }
        Got::Page { .. } | Got::Dash => Ok(None),
    }
}
