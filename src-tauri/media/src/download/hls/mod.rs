//! HLS (RFC 8216): from a playlist to one media file.
//!
//! Owns the choice of a variant and the recording of its tracks. The lines are read by [`mend`] and `m3u8-rs`, given
//! meaning by [`list`], fetched by [`segment`], kept by [`part`], ordered by [`track`], made one by [`join`].
//! Invariant: ffmpeg never sees a playlist, only media we fetched and checked.

mod join;
mod list;
mod mend;
mod part;
mod segment;
mod track;

use super::Fetch;
use super::headers::SourceHeaders;
use super::meter::Meter;
use crate::MediaError;
use domain::ErrorCode;
use join::Recorded;
use list::{MediaList, Variant};
use segment::Pieces;
use std::path::PathBuf;
use track::{Overall, Track};
use url::Url;

/// Of the progress, what fetching takes; the rest is joining.
const FETCHING: f64 = 0.97;
/// How many variants are tried when lists cannot be had.
const MOST_VARIANTS: usize = 4;

/// What one variant holds, its lists read.
struct Loaded {
    url: Url,
    main: MediaList,
    sound: Option<(Url, MediaList)>,
}

/// Fetches the film behind a playlist that has been read from `url` into the folder's `media.mp4`.
///
/// Errors: `PLAYLIST_INVALID`, `PLAYLIST_PROTECTED`, those of the guard and of fetching, those of [`join::join`].
pub(super) async fn fetch(
    fetch: &Fetch<'_>,
    headers: &SourceHeaders,
    text: &str,
    url: &Url,
) -> Result<PathBuf, MediaError> {
    // Known before an hour is downloaded, not after.
    fetch.tools.ffmpeg()?;
    let policy = fetch.client.policy();
    let pieces = Pieces::new(fetch.client.clone(), headers.clone(), Meter::new(fetch.run, policy.max_bytes));
    let loaded = if mend::is_master(text) {
        first_that_loads(&pieces, list::read_master(text, url, policy)?).await?
    } else {
        Loaded { url: url.clone(), main: list::read_media(text, url, policy)?, sound: None }
    };
    let folder = fetch.folder.join("hls");
    let overall = Overall::default();
    let track = |url, name: &str| Track {
        pieces: &pieces,
        url,
        folder: folder.join(name),
        overall: overall.clone(),
        share: FETCHING,
    };
    let main_track = track(&loaded.url, "main");
    let (main, sound) = match &loaded.sound {
        None => (main_track.record(loaded.main).await?, None),
        Some((sound_url, list)) => {
            let sound_track = track(sound_url, "sound");
            let (main, sound) =
                tokio::try_join!(main_track.record(loaded.main), sound_track.record(list.clone()))?;
            (main, Some(Recorded { folder: sound_track.folder.clone(), parts: sound.parts }))
        }
    };
    pieces.meter.done(FETCHING);
    let main = Recorded { folder: main_track.folder.clone(), parts: main.parts };
    let path = join::join(&main, sound.as_ref(), fetch.folder, fetch.tools, fetch.run).await?;
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!(%error, "the download's parts could not be removed");
    }
    Ok(path)
}

/// The best variant whose lists can be had; what is wrong with the best one is the error when none can.
async fn first_that_loads(pieces: &Pieces, variants: Vec<Variant>) -> Result<Loaded, MediaError> {
    let mut first = None;
    for variant in variants.into_iter().take(MOST_VARIANTS) {
        match load(pieces, &variant).await {
            Ok(loaded) => return Ok(loaded),
            Err(error) => {
                tracing::debug!(code = %error.code, "a variant cannot be had");
                first = first.or(Some(error));
            }
        }
    }
    Err(first
        .unwrap_or_else(|| MediaError::new(ErrorCode::PlaylistInvalid, "The playlist lists no variants.")))
}

async fn load(pieces: &Pieces, variant: &Variant) -> Result<Loaded, MediaError> {
    let sound = async {
        match &variant.audio {
            // A sound that is the variant itself is no separate one.
            Some(url) if *url != variant.url => track::load(pieces, url).await.map(Some),
            _ => Ok(None),
        }
    };
    let ((main, url), sound) = tokio::try_join!(track::load(pieces, &variant.url), sound)?;
    Ok(Loaded { url, main, sound: sound.map(|(list, url)| (url, list)) })
}
