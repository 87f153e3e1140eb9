//! Turns the speech of a media into segments, saved window by window.
//!
//! Owns the step `transcribe`: which engine, what is heard already, where it is stored.
//! Leaves hearing here to `media::speech`, hearing elsewhere to [`super::transcribe_cloud`].
//! Invariant: a window is stored once; a killed transcription goes on after its last stored window.

use super::engine::{self, Choice};
use super::{Context, Done, Media, media_of, partial, transcribe_cloud};
use crate::artifacts::fault;
use crate::cloud::Chosen;
use crate::queue::{JobRun, StepFailure, StepOutput};
use crate::store::{transcripts, urls};
use domain::{ApiError, Event, Source, UrlStatus};
use futures::FutureExt;
use futures::future::BoxFuture;
use media::MediaError;
use media::speech::{SpeechJob, WindowHeard};
use providers::Capability;
use std::path::{Path, PathBuf};

/// Grows when the same sound would be heard differently; old transcripts stay, new requests are heard anew.
const VERSION: u32 = 1;

/// The share of the step's progress that taking the sound out of the media has.
pub(super) const EXTRACTED: f64 = 0.05;

pub(super) async fn run(context: &Context, job: &JobRun) -> Done {
    let media = media_of(context, job).await?;
    if !media.info()?.has_audio {
        return Ok(StepOutput {
            note: Some("no_audio".into()),
            skip_dependents: true,
            apply: url_status(context, job),
            ..StepOutput::default()
        });
    }
    let ear = choose(context, job)?;
    job.handle.set_engine(&ear.name());
    let key = key(&ear);
    if !(job.again || job.input.again) {
        let (media_id, key) = (media.media_id.clone(), key.clone());
        let found = context.store.read(move |conn| transcripts::find_complete(conn, &media_id, &key)).await;
        if let Some(row) = found? {
            return Ok(StepOutput {
                cached: true,
                engine: Some(row.engine),
                note: (row.segments == 0).then(|| "no_speech".into()),
                transcript_id: Some(row.transcript_id),
                apply: url_status(context, job),
                ..StepOutput::default()
            });
        }
    }
    match ear {
        Ear::Here(choice) => hear(context, job, media, choice, key).await,
        Ear::There(chosen, language) => {
            transcribe_cloud::hear(context, job, media, *chosen, language, key).await
        }
    }
}

/// What hears.
enum Ear {
    Here(Choice),
    /// A cloud service, and the language that was asked for.
    There(Box<Chosen>, Option<String>),
}

impl Ear {
    fn name(&self) -> String {
        match self {
            Self::Here(choice) => choice.engine.name(),
            Self::There(chosen, _) => chosen.engine(),
        }
    }

    fn language(&self) -> Option<&str> {
        match self {
            Self::Here(choice) => choice.language.as_deref(),
            Self::There(_, language) => language.as_deref(),
        }
    }
}

/// A recipe may fix engine and language; otherwise the task says.
fn choose(context: &Context, job: &JobRun) -> Result<Ear, StepFailure> {
    let option = |name: &str| job.step.options.get(name).and_then(|value| value.as_str());
    let engine = option("engine").unwrap_or(&job.input.engine);
    let language = option("language").unwrap_or(&job.input.language);
    if engine::is_cloud(engine) {
        let chosen = context.cloud.choose(engine, Capability::Transcribe, context.clock.now())?;
        return Ok(Ear::There(Box::new(chosen), (language != "auto").then(|| language.to_string())));
    }
    let english = engine::is_english(&context.settings.get().ui_language, |name| std::env::var(name).ok());
    Ok(Ear::Here(engine::choose(&context.models_dir, engine, language, english)?))
}

/// Engine and parameters: the same key over the same media gives the same transcript.
fn key(ear: &Ear) -> String {
    format!("{}|{}|v{VERSION}", ear.name(), ear.language().unwrap_or("auto"))
}

async fn hear(context: &Context, job: &JobRun, media: Media, choice: Choice, key: String) -> Done {
    let wav = speech_wav(context, job, &media).await?;
    let engine = choice.engine.name();
    let (transcript_id, heard, known_language) =
        begin(context, &media, &engine, choice.language.as_deref(), key).await?;
    let speech = SpeechJob {
        wav: wav.clone(),
        engine: choice.engine,
        language: choice.language.clone(),
        heard: heard.iter().map(|index| *index as usize).collect(),
        threads: threads(),
        known_language,
    };
    let (id, media_id) = (transcript_id.clone(), media.media_id.clone());
    let mut store_window = move |window: WindowHeard| store_window(context, &id, &media_id, window);
    let done = context.speech.transcribe(speech, &job.run.part(EXTRACTED, 1.0), &mut store_window).await?;
    let end = End {
        transcript_id,
        engine,
        language: done.language,
        windows: done.windows as u32,
        no_speech: done.speech_seconds == 0.0,
    };
    finish(context, job, media, &wav, end)
}

/// A transcript of which every window is stored.
pub(super) struct End {
    pub transcript_id: String,
    pub engine: String,
    pub language: String,
    pub windows: u32,
    pub no_speech: bool,
}

/// Removes the sound and hands the transcript on as complete.
pub(super) fn finish(context: &Context, job: &JobRun, media: Media, wav: &Path, end: End) -> Done {
    std::fs::remove_file(wav)
        .map_err(|e| StepFailure::from(fault("The speech file cannot be removed", &e)))?;
    let (now, status) = (context.clock.now(), url_status(context, job));
    let complete = Event::TranscriptChanged {
        transcript_id: end.transcript_id.clone(),
        media_id: media.media_id.clone(),
        complete: true,
        revision: 0,
    };
    Ok(StepOutput {
        engine: Some(end.engine),
        note: end.no_speech.then(|| "no_speech".into()),
        transcript_id: Some(end.transcript_id.clone()),
        apply: Some(Box::new(move |tx| {
            transcripts::finish(tx, &end.transcript_id, &end.language, end.windows, now)?;
            if let Some(status) = status {
                status(tx)?;
            }
            Ok(())
        })),
        events: vec![complete, Event::LibraryChanged { media_id: media.media_id }, Event::UrlsChanged],
        ..StepOutput::default()
    })
}

/// The media's sound as the engines want it; kept between tries, so that a resumed one need not make it again.
pub(super) async fn speech_wav(
    context: &Context,
    job: &JobRun,
    media: &Media,
) -> Result<PathBuf, StepFailure> {
    let wav = partial::speech_file(&context.work_dir, &job.task_id, &job.step.name);
    let store = |e: std::io::Error| StepFailure::from(fault("The speech file cannot be written", &e));
    if let Some(folder) = wav.parent() {
        std::fs::create_dir_all(folder).map_err(store)?;
    }
    if wav.is_file() {
        return Ok(wav);
    }
    let made = job.run.scratch.join("speech.wav");
    let tools = context.tools();
    media::audio::speech_wav(&tools, &media.path, media.info()?, &made, &job.run.part(0.0, EXTRACTED))
        .await?;
    std::fs::rename(&made, &wav).map_err(store)?;
    Ok(wav)
}

/// Begins or takes up the transcript: its id, the windows it holds and the language they were in.
pub(super) async fn begin(
    context: &Context,
    media: &Media,
    engine: &str,
    language: Option<&str>,
    key: String,
) -> Result<(String, Vec<u32>, Option<String>), StepFailure> {
    let (media_id, engine, now) = (media.media_id.clone(), engine.to_string(), context.clock.now());
    let language = language.unwrap_or("und").to_string();
    context
        .store
        .write(move |tx| {
            let id = transcripts::begin(tx, &media_id, &engine, &key, &language, 0, now)?;
            let heard = transcripts::windows_heard(tx, &id)?;
            let known = transcripts::find(tx, &id)?.map(|row| row.language).filter(|code| code != "und");
            Ok((id, heard, known))
        })
        .await
        .map_err(StepFailure::from)
}

fn store_window<'a>(
    context: &'a Context,
    transcript_id: &str,
    media_id: &str,
    window: WindowHeard,
) -> BoxFuture<'a, Result<(), MediaError>> {
    let (transcript_id, media_id) = (transcript_id.to_string(), media_id.to_string());
    async move {
        let (id, now) = (transcript_id.clone(), context.clock.now());
        let stored = context.store.write(move |tx| {
            let number = window.window.index as u32;
            transcripts::append_window(
                tx,
                &id,
                number,
                &window.segments,
                &window.language,
                window.gap.as_ref(),
                now,
            )
        });
        stored.await.map_err(|error| {
            let error = ApiError::from(error);
            MediaError::new(error.code, error.message)
        })?;
        context.tell(Event::TranscriptChanged { transcript_id, media_id, complete: false, revision: 0 });
        Ok(())
    }
    .boxed()
}

/// Moves the task's URL on, when it came from one.
fn url_status(context: &Context, job: &JobRun) -> Option<crate::queue::Apply> {
    let Source::Url { url } = &job.input.source else { return None };
    let (url, now) = (url.clone(), context.clock.now());
    Some(Box::new(move |tx| urls::set_status(tx, &url, UrlStatus::Transcribed, None, now).map(drop)))
}

/// Threads an engine may use: all cores but one on larger machines, so that the desktop stays usable.
fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores > 2 { cores - 1 } else { cores }
}
