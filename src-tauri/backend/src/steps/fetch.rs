//! Brings a source into the library: a file is hashed where it lies, a URL is downloaded into the data folder.
//!
//! Owns the step `fetch`; leaves the network to `media::download`.
//! Invariant: the same content is one media, however many paths and URLs lead to it.

use super::{Context, Done, blocking, partial};
use crate::artifacts::fault;
use crate::library::locate;
use crate::queue::{JobRun, StepFailure, StepOutput};
use crate::store::media::{self as media_rows, MediaRow, NewMedia};
use crate::store::urls;
use domain::{ApiError, ErrorCode, Event, Header, MediaKind, Source, UrlStatus};
use media::download::{FetchRequest, Fetched, NetPolicy};
use media::intake::ContentHash;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The id of the media with that content hash (BLAKE3, hexadecimal): short, and the same on every machine.
pub fn media_id(hash: &str) -> String {
    format!("m_{}", &hash[..20])
}

pub(super) async fn run(context: &Context, job: &JobRun) -> Done {
    match &job.input.source {
        Source::File { path } => take_file(context, job, path).await,
        Source::Url { url } => take_url(context, job, url).await,
    }
}

async fn take_file(context: &Context, job: &JobRun, place: &str) -> Done {
    let path = PathBuf::from(place);
    let examined = path.clone();
    blocking(move || media::intake::examine(&examined).map_err(ApiError::from)).await?;
    let (size, mtime) = stamp(&path)?;
    let known = {
        let place = place.to_string();
        let read = context.store.read(move |conn| match media_rows::by_path(conn, &place, size, mtime)? {
            Some(media_id) => media_rows::find(conn, &media_id),
            None => Ok(None),
        });
        read.await?
    };
    if let (Some(media), false) = (known, job.input.again || job.again) {
        return Ok(there_already(media));
    }
    let hash = media::intake::hash(&path, &job.run).await?;
    let title = title_of(&path);
    taken(context, job, hash, title, Some(mtime), None).await
}

/// Size in bytes and time of the last change in nanoseconds since 1970.
fn stamp(path: &Path) -> Result<(u64, i64), StepFailure> {
    let read = |e: std::io::Error| {
        let code = match e.kind() {
            std::io::ErrorKind::NotFound => ErrorCode::FileNotFound,
            std::io::ErrorKind::PermissionDenied => ErrorCode::FileUnreadable,
            _ => ErrorCode::StorageFault,
        };
        StepFailure::from(ApiError::new(code, format!("The file cannot be read: {e}.")))
    };
    let there = std::fs::metadata(path).map_err(read)?;
    let since = there.modified().map_err(read)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((there.len(), i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)))
}

/// A file's name without its extension.
fn title_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}

async fn take_url(context: &Context, job: &JobRun, url: &str) -> Done {
    if !(job.input.again || job.again)
        && let Some(media) = downloaded(context, url).await?
    {
        return Ok(there_already(media));
    }
    let now = context.clock.now();
    let address = url.to_string();
    let mark = move |tx: &rusqlite::Connection| {
        urls::set_status(tx, &address, UrlStatus::Downloading, None, now).map(drop)
    };
    context.store.write(mark).await?;
    context.tell(Event::UrlsChanged);
    let folder = partial::download_folder(&context.work_dir, url);
    let request = FetchRequest {
        url: url.into(),
        headers: headers(context, job).await?,
        policy: policy(context, job),
        folder: folder.clone(),
    };
    let Fetched { path, title, method, .. } =
        media::download::fetch(request, &context.tools(), &job.run).await?;
    job.handle.set_engine(&format!("{method:?}").to_lowercase());
    let examined = path.clone();
    blocking(move || media::intake::examine(&examined).map_err(ApiError::from)).await?;
    let hash = media::intake::hash(&path, &job.run).await?;
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (downloads, content) = (context.downloads.clone(), hash.hash.clone());
    let adopted = blocking(move || {
        let adopted = downloads.adopt_as(&path, &content, &extension)?;
        std::fs::remove_dir_all(&folder).map_err(|e| fault("A download's folder cannot be removed", &e))?;
        Ok(adopted)
    })
    .await?;
    let title = title.filter(|t| !t.trim().is_empty()).unwrap_or_else(|| title_of_url(url));
    taken(context, job, hash, title, None, Some(adopted.name)).await
}

/// The source is known and its media is in the library: nothing is read, nothing is loaded.
fn there_already(media: MediaRow) -> StepOutput {
    StepOutput {
        cached: true,
        media_id: Some(media.media_id),
        title: Some(media.title),
        size: Some(media.size),
        ..StepOutput::default()
    }
}

/// The media a URL turned out to be, if its bytes are still here.
async fn downloaded(context: &Context, url: &str) -> Result<Option<MediaRow>, StepFailure> {
    let address = url.to_string();
    let found = context
        .store
        .read(move |conn| {
            let Some(media_id) = urls::media_of(conn, &address)? else { return Ok(None) };
            let Some(row) = media_rows::find(conn, &media_id)? else { return Ok(None) };
            Ok(Some((row, media_rows::sources(conn, &media_id)?)))
        })
        .await?;
    Ok(found
        .and_then(|(row, sources)| locate(&context.downloads, row.stored.as_deref(), &sources).map(|_| row)))
}

/// The task's own headers, and the secret ones from the key store.
async fn headers(context: &Context, job: &JobRun) -> Result<Vec<Header>, StepFailure> {
    let mut headers = job.input.headers.clone();
    if let Some(name) = &job.input.secret_headers {
        let text = context.secrets.need(name).await?;
        let secret: Vec<Header> = serde_json::from_str(text.expose()).map_err(|_| {
            StepFailure::from(ApiError::internal("The stored headers of this link are unreadable."))
        })?;
        headers.extend(secret);
    }
    Ok(headers)
}

fn policy(context: &Context, job: &JobRun) -> NetPolicy {
    let settings = context.settings.get();
    let mut policy = NetPolicy {
        allow_hosts: settings.allow_hosts,
        max_bytes: settings.max_download_bytes,
        max_live_seconds: settings.max_live_seconds,
        ..NetPolicy::default()
    };
    policy.allow_hosts.extend(job.input.allow_hosts.iter().cloned());
    policy
}

/// The last part of the path that says something, else the host.
fn title_of_url(url: &str) -> String {
    let Ok(parsed) = url::Url::parse(url) else { return url.into() };
    let name = parsed
        .path_segments()
        .and_then(|mut parts| parts.rfind(|part| !part.is_empty()).map(str::to_string))
        .map(|part| percent_encoding::percent_decode_str(&part).decode_utf8_lossy().into_owned());
    match name {
        Some(name) => title_of(Path::new(&name)),
        None => parsed.host_str().unwrap_or(url).to_string(),
    }
}

/// The content is known: its row and its source, written with the step's success.
async fn taken(
    context: &Context,
    job: &JobRun,
    content: ContentHash,
    title: String,
    mtime: Option<i64>,
    stored: Option<String>,
) -> Done {
    let ContentHash { hash, size } = content;
    let new = NewMedia {
        media_id: media_id(&hash),
        hash,
        title: title.clone(),
        source: job.input.source.clone(),
        size,
        mtime,
        stored,
        kind: MediaKind::Video,
    };
    let (media_id, now) = (new.media_id.clone(), context.clock.now());
    let known = {
        let media_id = media_id.clone();
        context.store.read(move |conn| media_rows::find(conn, &media_id)).await?
    };
    Ok(StepOutput {
        events: vec![Event::LibraryChanged { media_id: media_id.clone() }, Event::UrlsChanged],
        media_id: Some(media_id),
        title: Some(title),
        size: Some(size),
        cached: known.is_some() && matches!(new.source, Source::File { .. }),
        apply: Some(Box::new(move |tx| {
            let media_id = media_rows::put(tx, &new, now)?;
            if let Source::Url { url } = &new.source {
                urls::set_media(tx, url, &media_id, now)?;
                urls::set_status(tx, url, UrlStatus::Downloaded, None, now)?;
            }
            Ok(())
        })),
        ..StepOutput::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_come_from_names() {
        assert_eq!(title_of(Path::new("/a/My talk.final.mp4")), "My talk.final");
        assert_eq!(title_of_url("https://a.example/v/My%20talk.mp4?x=1"), "My talk");
        assert_eq!(title_of_url("https://a.example/"), "a.example");
    }
}
