//! Looks at a media: streams, poster, filmstrip, waveform and loudness.
//!
//! Owns the steps `probe`, `poster`, `filmstrip` and `waveform`; leaves reading the file to `media`.
//! Invariant: what a step made is an artifact or a row before the step counts as done; what is there is not made again.

use super::{Context, Done, Media, blocking, media_of};
use crate::queue::{JobRun, StepFailure, StepOutput};
use crate::store::artifacts::{self, Artifact};
use crate::store::media as media_rows;
use domain::Event;
use media::{pictures, waveform as sound};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Each grows when the same file would give another result: old artifacts stay, new requests make new ones.
const POSTER: &str = "poster:1";
const FILMSTRIP: &str = "filmstrip:1";
const WAVEFORM: &str = "waveform:1";

/// Reads streams and sizes.
pub(super) async fn probe(context: &Context, job: &JobRun) -> Done {
    let media = media_of(context, job).await?;
    if !job.again
        && let Some(info) = &media.info
    {
        return Ok(StepOutput { cached: true, duration: Some(info.duration), ..StepOutput::default() });
    }
    let tools = context.tools();
    let mut info = media::probe::probe(&tools, &media.path, &job.run).await?;
    if let Some(before) = &media.info {
        // Measured by the waveform step, which the probe does not know of.
        info.loudness = before.loudness;
        info.true_peak = before.true_peak;
    }
    let engine = tools.ffprobe().ok().map(|tool| format!("ffprobe {}", tool.version));
    let (duration, media_id, now) = (info.duration, media.media_id, context.clock.now());
    Ok(StepOutput {
        engine,
        duration: Some(duration),
        apply: Some(Box::new(move |tx| media_rows::set_info(tx, &media_id, &info, now))),
        ..StepOutput::default()
    })
}

/// One frame that says what the media is.
pub(super) async fn poster(context: &Context, job: &JobRun) -> Done {
    let media = media_of(context, job).await?;
    if made(context, job, &media, POSTER).await? {
        return Ok(StepOutput { cached: true, ..StepOutput::default() });
    }
    let out = job.run.scratch.join("poster.jpg");
    let tools = context.tools();
    let there = pictures::poster(&tools, &media.path, media.info()?, &out, &job.run).await?;
    keep(context, media, POSTER, there.then_some((out, "jpg")), None).await
}

/// Frames in a row, for skimming.
pub(super) async fn filmstrip(context: &Context, job: &JobRun) -> Done {
    let media = media_of(context, job).await?;
    if made(context, job, &media, FILMSTRIP).await? {
        return Ok(StepOutput { cached: true, ..StepOutput::default() });
    }
    let out = job.run.scratch.join("filmstrip.jpg");
    let tools = context.tools();
    let strip = pictures::filmstrip(&tools, &media.path, media.info()?, &out, &job.run).await?;
    let details = strip.as_ref().map(|s| json!({"count": s.count, "width": s.width, "height": s.height}));
    keep(context, media, FILMSTRIP, strip.map(|_| (out, "jpg")), details).await
}

/// Peaks to draw, and loudness, in one pass over the sound.
pub(super) async fn waveform(context: &Context, job: &JobRun) -> Done {
    let media = media_of(context, job).await?;
    if made(context, job, &media, WAVEFORM).await? {
        return Ok(StepOutput { cached: true, ..StepOutput::default() });
    }
    let out = job.run.scratch.join("waveform.json");
    let tools = context.tools();
    let loudness = sound::waveform(&tools, &media.path, media.info()?, &out, &job.run).await?;
    let Some(loudness) = loudness else {
        return keep(context, media, WAVEFORM, None, None).await;
    };
    let (media_id, now) = (media.media_id.clone(), context.clock.now());
    let mut output = keep(context, media, WAVEFORM, Some((out, "json")), None).await?;
    let store_artifact = output.apply.take();
    output.apply = Some(Box::new(move |tx| {
        if let Some(store_artifact) = store_artifact {
            store_artifact(tx)?;
        }
        if let Some(mut info) = media_rows::info(tx, &media_id)? {
            info.loudness = loudness.integrated;
            info.true_peak = loudness.true_peak;
            media_rows::set_info(tx, &media_id, &info, now)?;
        }
        Ok(())
    }));
    Ok(output)
}

/// Whether the artifact of that kind is there already, its file included.
async fn made(
    context: &Context,
    job: &JobRun,
    media: &Media,
    key: &'static str,
) -> Result<bool, StepFailure> {
    if job.again {
        return Ok(false);
    }
    let media_id = media.media_id.clone();
    let found = context.store.read(move |conn| artifacts::find(conn, &media_id, kind_of(key), key)).await?;
    Ok(found.is_some_and(|artifact| match &artifact.name {
        Some(name) => context.artifacts.path(name).is_some(),
        None => true,
    }))
}

/// `poster` of `poster:1`.
fn kind_of(key: &'static str) -> &'static str {
    key.split(':').next().unwrap_or(key)
}

/// Moves the file in and hands its row to the transaction of the step's success.
/// Without a file it is the knowledge that there is nothing to make.
async fn keep(
    context: &Context,
    media: Media,
    key: &'static str,
    file: Option<(PathBuf, &'static str)>,
    details: Option<Value>,
) -> Done {
    let adopted = match file {
        Some((path, extension)) => {
            let folder = context.artifacts.clone();
            Some(blocking(move || folder.adopt(&path, extension)).await?)
        }
        None => None,
    };
    let engine = context.tools().ffmpeg().map(|tool| format!("ffmpeg {}", tool.version)).unwrap_or_default();
    let artifact = Artifact {
        media_id: media.media_id,
        kind: kind_of(key).into(),
        key: key.into(),
        size: adopted.as_ref().map_or(0, |file| file.size),
        name: adopted.map(|file| file.name),
        engine: engine.clone(),
        details,
        created_at: context.clock.now(),
    };
    Ok(StepOutput {
        engine: Some(engine),
        events: vec![Event::LibraryChanged { media_id: artifact.media_id.clone() }],
        apply: Some(Box::new(move |tx| artifacts::put(tx, &artifact))),
        ..StepOutput::default()
    })
}
