//! Turns speech into segments at a cloud service: the same windows, bought one by one, several at once.
//!
//! Owns cutting, buying and placing windows. Leaves what a purchase is to [`crate::cloud::Ledger`].
//! Invariant: silence is never sent; a window is bought once and stored in the transaction that settles it.

use super::transcribe::{self, EXTRACTED, End};
use super::{Context, Done, Media, blocking};
use crate::cloud::{Bought, Chosen, Keep, Ledger, Wish, Work};
use crate::queue::{Clock, JobRun, StepFailure};
use crate::store::transcripts;
use domain::{ApiError, ErrorCode, Event, Segment};
use futures::{FutureExt, StreamExt, TryStreamExt};
use media::speech::{Window, window_wav, windows_of};
use providers::{Capability, Heard, ProviderError, Service, TranscribeRequest};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The longest a window may take, waiting at the service included.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How often a window is looked for that an earlier try was still buying.
const LOOKS: usize = 3;

/// What every window of a recording shares.
struct Order<'a> {
    context: &'a Context,
    job: &'a JobRun,
    chosen: &'a Chosen,
    service: Service,
    wav: &'a Path,
    media_id: &'a str,
    transcript_id: String,
    language: Option<String>,
    speakers: bool,
}

pub(super) async fn hear(
    context: &Context,
    job: &JobRun,
    media: Media,
    chosen: Chosen,
    language: Option<String>,
    key: String,
) -> Done {
    let service = context.cloud.service(&chosen.provider).await?;
    let wav = transcribe::speech_wav(context, job, &media).await?;
    let longest = chosen.model.limits().window_seconds;
    let (windows, speech) = windows_of(&wav, longest, &job.run.part(EXTRACTED, EXTRACTED)).await?;
    let (transcript_id, heard, _) =
        transcribe::begin(context, &media, &chosen.engine(), language.as_deref(), key).await?;
    let left: Vec<Window> =
        windows.iter().filter(|window| !heard.contains(&(window.index as u32))).copied().collect();
    let order = Order {
        context,
        job,
        chosen: &chosen,
        service,
        wav: &wav,
        media_id: &media.media_id,
        transcript_id: transcript_id.clone(),
        language,
        // Who "A" is in one window says nothing about the next.
        speakers: chosen.model.speakers && windows.len() == 1,
    };
    let mut done = windows.len() - left.len();
    let run = job.run.part(EXTRACTED, 1.0);
    run.report(done as f64 / windows.len().max(1) as f64, None);
    let mut hearing = futures::stream::iter(left)
        .map(|window| order.window(window))
        .buffer_unordered(chosen.provider.at_once.clamp(1, 64));
    let bought = loop {
        match hearing.try_next().await {
            Ok(None) => break Ok(()),
            Ok(Some(())) => {
                done += 1;
                let detail = format!("{done}/{}", windows.len());
                run.report(done as f64 / windows.len() as f64, Some(&detail));
            }
            Err(error) => break Err(error),
        }
    };
    drop(hearing);
    if let Err(error) = bought {
        let told = (error.code == ErrorCode::OutcomeUnknown).then(|| Ledger::told(&job.task_id));
        return Err(StepFailure { error, snooze: None, apply: told });
    }
    let id = transcript_id.clone();
    let row = context.store.read(move |conn| transcripts::find(conn, &id)).await?;
    let (language, segments) = row.map_or_else(|| ("und".into(), 0), |row| (row.language, row.segments));
    let end = End {
        transcript_id,
        engine: chosen.engine(),
        language,
        windows: windows.len() as u32,
        no_speech: speech == 0.0 || segments == 0,
    };
    transcribe::finish(context, job, media, &wav, end)
}

impl Order<'_> {
    /// Buys one window, or waits for the purchase of an earlier try.
    async fn window(&self, window: Window) -> Result<(), ApiError> {
        let seconds = window.end - window.start;
        for _ in 0..LOOKS {
            let wish = Wish {
                text: format!("{}:{}", self.transcript_id, window.index),
                task_id: self.job.task_id.clone(),
                capability: Capability::Transcribe,
                estimate: self.chosen.model.price.and_then(|price| price.estimate_sound(seconds)),
                decision: Some(format!("{} was asked for.", self.chosen.engine())),
                patience: PATIENCE,
            };
            let (work, keep) = (self.work(window), self.keep(window));
            let bought = self.context.ledger.buy(wish, self.chosen, &self.job.run.cancel, work, keep).await?;
            if bought == Bought::Now || self.is_heard(window).await? {
                self.context.tell(Event::TranscriptChanged {
                    transcript_id: self.transcript_id.clone(),
                    media_id: self.media_id.to_string(),
                    complete: false,
                    revision: 0,
                });
                return Ok(());
            }
        }
        Err(ApiError::new(ErrorCode::ServerFault, "An earlier try of this window did not end well."))
    }

    async fn is_heard(&self, window: Window) -> Result<bool, ApiError> {
        let id = self.transcript_id.clone();
        let heard = self.context.store.read(move |conn| transcripts::windows_heard(conn, &id)).await?;
        Ok(heard.contains(&(window.index as u32)))
    }

    fn work(&self, window: Window) -> Work<Heard> {
        let (wav, chosen, service) = (self.wav.to_path_buf(), self.chosen.clone(), self.service.clone());
        let (language, speakers) = (self.language.clone(), self.speakers);
        Box::new(move |call| {
            async move {
                let sound = cut(wav, window, &service.name).await?;
                let request = TranscribeRequest {
                    seconds: window.end - window.start,
                    wav: sound.into(),
                    language,
                    speakers,
                };
                let ear = chosen.provider.transcriber(&chosen.model, service)?;
                let heard = ear.transcribe(&call, &request).await?;
                let usage = heard.usage;
                Ok((heard, usage))
            }
            .boxed()
        })
    }

    fn keep(&self, window: Window) -> Keep<Heard> {
        let (id, clock): (String, Arc<dyn Clock>) = (self.transcript_id.clone(), self.context.clock.clone());
        let speakers = self.speakers;
        Box::new(move |heard| {
            Box::new(move |tx| {
                let segments: Vec<Segment> =
                    heard.segments.into_iter().map(|each| placed(each, window, speakers)).collect();
                let language = heard.language.unwrap_or_else(|| "und".into());
                let number = window.index as u32;
                transcripts::append_window(tx, &id, number, &segments, &language, None, clock.now()).map(drop)
            })
        })
    }
}

/// The window's sound as a file of its own.
async fn cut(wav: PathBuf, window: Window, provider: &str) -> Result<Vec<u8>, ProviderError> {
    let sound = blocking(move || Ok(window_wav(&wav, window.start, window.end)?)).await;
    sound.map_err(|failure| ProviderError::new(failure.error.code, provider, failure.error.message))
}

/// From the window's seconds to the recording's.
fn placed(mut segment: Segment, window: Window, speakers: bool) -> Segment {
    let place = |second: f64| ((second + window.start).min(window.end) * 1000.0).round() / 1000.0;
    (segment.start, segment.end) = (place(segment.start), place(segment.end));
    for word in &mut segment.words {
        (word.start, word.end) = (place(word.start), place(word.end));
    }
    if !speakers {
        segment.speaker = None;
    }
    segment
}
