//! Hears a recording: finds the voice, cuts windows, asks the engine, hands on each window as it is heard.
//!
//! Owns the order of work, the rules of language, and the life of worker children. Leaves the engines' ways to
//! [`super::child`] and [`super::basic`].
//! Invariant: a window is handed on once, whole, in order; a child that failed is never asked again.

use super::child::{Worker, memory_left};
use super::protocol::{Answer, Hear, Order};
use super::voice::{self, Voice};
use super::windows::{self, Shape, Window};
use super::{Engine, SpeechDone, SpeechJob, WindowHeard, basic};
use crate::models::{Languages, ModelFile, base_language};
use crate::tools::Tools;
use crate::{MediaError, Run};
use domain::transcript::Gap;
use domain::{ErrorCode, Segment};
use futures::future::BoxFuture;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// A child with nothing to do keeps its model this long.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// The share of the progress that finding the voice takes.
const VOICE_SHARE: f64 = 0.03;
/// Windows that tell the language, where it is not known.
const LANGUAGE_WINDOWS: usize = 3;

/// Told of each window as soon as it is heard; its error ends the work.
pub type OnWindow<'a> = dyn FnMut(WindowHeard) -> BoxFuture<'a, Result<(), MediaError>> + Send + 'a;

/// Hears recordings. Cheap to clone; all clones share the worker children.
#[derive(Clone)]
pub struct SpeechHost {
    inner: Arc<Inner>,
}

struct Inner {
    worker_program: PathBuf,
    tools: RwLock<Tools>,
    scratch: PathBuf,
    idle_limit: Duration,
    idle: Mutex<Vec<(Instant, Worker)>>,
}

/// What an engine is asked to do with the windows that are left.
pub(super) struct Hearing<'j> {
    pub job: &'j SpeechJob,
    pub run: &'j Run,
    pub windows: Vec<Window>,
    /// Those not heard yet.
    pub left: Vec<Window>,
}

impl Hearing<'_> {
    pub fn heard(
        &self,
        window: Window,
        segments: Vec<Segment>,
        language: &str,
        gap: Option<Gap>,
    ) -> WindowHeard {
        WindowHeard { window, windows: self.windows.len(), segments, language: language.to_owned(), gap }
    }

    /// Reports that everything before `window` and a fraction of it are done, by seconds.
    pub fn report(&self, window: Window, fraction: f64) {
        let seconds = |w: &Window| w.end - w.start;
        // whisper.cpp counts in steps of 30 s and so passes the end of a shorter window.
        let fraction = fraction.clamp(0.0, 1.0);
        let total: f64 = self.windows.iter().map(seconds).sum();
        let later: f64 = self.left.iter().filter(|w| w.index > window.index).map(seconds).sum();
        let done = (total - later - seconds(&window) * (1.0 - fraction)) / total.max(0.001);
        let detail = format!("{}/{}", window.index + 1, self.windows.len());
        self.run.report(VOICE_SHARE + (1.0 - VOICE_SHARE) * done, Some(&detail));
    }
}

impl SpeechHost {
    /// `worker_program` is our own binary, which serves as `worker_program worker`; `scratch` a folder that stays.
    pub fn new(worker_program: PathBuf, tools: Tools, scratch: PathBuf) -> Self {
        Self::with_idle_limit(worker_program, tools, scratch, IDLE)
    }

    /// As [`SpeechHost::new`], with another time after which an idle child ends.
    pub fn with_idle_limit(
        worker_program: PathBuf,
        tools: Tools,
        scratch: PathBuf,
        idle_limit: Duration,
    ) -> Self {
        let tools = RwLock::new(tools);
        let inner = Inner { worker_program, tools, scratch, idle_limit, idle: Mutex::new(Vec::new()) };
        Self { inner: Arc::new(inner) }
    }

    /// Takes over programs that were looked for again.
    pub fn set_tools(&self, tools: Tools) {
        *self.inner.tools.write().unwrap_or_else(PoisonError::into_inner) = tools;
    }

    fn tools(&self) -> Tools {
        self.inner.tools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Process ids of the children that wait for work.
    pub fn idle_workers(&self) -> Vec<u32> {
        self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, w)| w.pid()).collect()
    }

    /// Hears a recording.
    ///
    /// Errors: `LANGUAGE_UNSUPPORTED`, `MODEL_INVALID`, `OUT_OF_MEMORY`, `ENGINE_CRASHED`, `TOOL_MISSING` (basic
    /// engine), `MEDIA_DAMAGED` (another kind of WAV), `CANCELLED`, and what `on_window` answers.
    pub async fn transcribe<'w>(
        &self,
        job: SpeechJob,
        run: &Run,
        on_window: &mut OnWindow<'w>,
    ) -> Result<SpeechDone, MediaError> {
        let wanted = job.language.as_deref().or(job.known_language.as_deref()).map(base_language);
        let language = language_rule(&job.engine, wanted)?;
        let voice = find_voice(&job, run).await?;
        let windows = windows::cut(&voice, shape(&job.engine));
        let left: Vec<_> = windows.iter().filter(|w| !job.heard.contains(&w.index)).copied().collect();
        let mut done = SpeechDone {
            language: language.clone().unwrap_or_else(|| "und".into()),
            windows: windows.len(),
            speech_seconds: voice.seconds(),
        };
        if left.is_empty() {
            run.report(1.0, None);
            return Ok(done);
        }
        let mut any_words = !job.heard.is_empty();
        let mut note = |heard: WindowHeard| {
            any_words |= !heard.segments.is_empty();
            on_window(heard)
        };
        let hearing = Hearing { job: &job, run, windows, left };
        match &job.engine {
            Engine::Basic => basic::hear(&hearing, &self.tools(), &mut note).await?,
            Engine::Whisper(model) => done.language = self.hear(&hearing, model, language, &mut note).await?,
        }
        if !any_words {
            done.speech_seconds = 0.0; // a voice-like sound, but no words in it
        }
        Ok(done)
    }

    async fn hear<'w>(
        &self,
        hearing: &Hearing<'_>,
        model: &ModelFile,
        language: Option<String>,
        on_window: &mut (dyn FnMut(WindowHeard) -> BoxFuture<'w, Result<(), MediaError>> + Send),
    ) -> Result<String, MediaError> {
        let mut worker = self.take(model)?;
        let run = hearing.run;
        if worker.model.as_deref() != Some(&model.path) {
            enough_memory(model)?;
            run.report(VOICE_SHARE, Some("loading the model"));
            worker.ask(Order::Load { model: model.path.clone() }, run, |_| ()).await?;
            worker.model = Some(model.path.clone());
        }
        let language = match language {
            Some(language) => language,
            None => detect(&mut worker, hearing).await?,
        };
        for &window in &hearing.left {
            let order = Order::Hear(Hear {
                wav: hearing.job.wav.clone(),
                start: window.start,
                end: window.end,
                language: language.clone(),
                threads: useful_threads(model, hearing.job.threads),
                audio_ctx: model.manifest.audio_ctx,
                single: model.manifest.one_voice_per_window,
            });
            hearing.report(window, 0.0);
            let answer = worker.ask(order, run, |fraction| hearing.report(window, fraction)).await?;
            let Answer::Heard { segments, gap } = answer else { return Err(confused()) };
            let gap = gap.map(|(start, end, reason)| Gap {
                start: start + window.start,
                end: end + window.start,
                reason,
            });
            let segments = segments.into_iter().map(|s| moved(s, window)).collect();
            hearing.report(window, 1.0);
            on_window(hearing.heard(window, segments, &language, gap)).await?;
        }
        self.put_back(worker);
        Ok(language)
    }

    /// An idle child, best one with this model; or a new one.
    fn take(&self, model: &ModelFile) -> Result<Worker, MediaError> {
        let mut idle = self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = idle
            .iter()
            .position(|(_, w)| w.model.as_ref() == Some(&model.path))
            .or(idle.len().checked_sub(1));
        if let Some(index) = fitting {
            return Ok(idle.swap_remove(index).1);
        }
        drop(idle);
        std::fs::create_dir_all(&self.inner.scratch)
            .map_err(|error| MediaError::storage("Making the worker's folder", &error))?;
        Worker::start(&self.inner.worker_program, &self.inner.scratch)
    }

    fn put_back(&self, worker: Worker) {
        self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), worker));
        let (weak, limit) = (Arc::downgrade(&self.inner), self.inner.idle_limit);
        tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            if let Some(inner) = weak.upgrade() {
                let mut idle = inner.idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.retain(|(since, _)| since.elapsed() < limit); // dropping a child ends it
            }
        });
    }
}

fn confused() -> MediaError {
    MediaError::new(ErrorCode::EngineCrashed, "The speech engine answered something else.")
}

/// The language to hear in, where it is settled: the wanted one, the only one, or `None` to detect it.
fn language_rule(engine: &Engine, wanted: Option<String>) -> Result<Option<String>, MediaError> {
    let (languages, name) = match engine {
        Engine::Basic => (Languages::Only(vec!["en".into()]), "The basic engine".to_owned()),
        Engine::Whisper(model) => (model.languages(), format!("The model {}", model.name)),
    };
    let wanted = wanted.filter(|w| w != "und" && w != "auto");
    match (wanted, languages) {
        (Some(wanted), languages) if languages.hears(&wanted) => Ok(Some(wanted)),
        (Some(wanted), languages) => {
            let what = match languages {
                Languages::Multilingual => String::new(),
                only => format!(", only {only}"),
            };
            let message = format!("{name} does not hear the language “{wanted}”{what}.");
            Err(MediaError::new(ErrorCode::LanguageUnsupported, message))
        }
        (None, Languages::Only(list)) if list.len() == 1 => Ok(list.into_iter().next()),
        (None, _) => Ok(None),
    }
}

fn shape(engine: &Engine) -> Shape {
    match engine {
        Engine::Basic => Shape { longest: 30.0, single: false },
        Engine::Whisper(model) => Shape {
            longest: model
                .manifest
                .audio_ctx
                .map_or(30.0, |positions| (f64::from(positions) * 0.02).clamp(1.0, 30.0)),
            single: model.manifest.one_voice_per_window,
        },
    }
}

async fn find_voice(job: &SpeechJob, run: &Run) -> Result<Voice, MediaError> {
    run.report(0.0, Some("finding speech"));
    let (wav, run) = (job.wav.clone(), run.clone());
    tokio::task::spawn_blocking(move || voice::find(&wav, &run))
        .await
        .map_err(|error| MediaError::new(ErrorCode::Internal, format!("Finding speech: {error}")))?
}

/// A model narrower than the smallest Whisper has too little work in each step to share: its threads would only wait for
/// each other, for minutes on a busy machine.
fn useful_threads(model: &ModelFile, threads: usize) -> usize {
    const SMALLEST_WHISPER: i32 = 384;
    if model.header.audio_width < SMALLEST_WHISPER { 1 } else { threads.max(1) }
}

/// A clear word beforehand instead of a kill in the middle.
fn enough_memory(model: &ModelFile) -> Result<(), MediaError> {
    match memory_left() {
        Some(left) if left < model.bytes => {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            let message = format!(
                "The model {} needs {:.1} GiB of memory, and {:.1} GiB are free; choose a smaller one.",
                model.name,
                gib(model.memory()),
                gib(left)
            );
            Err(MediaError::new(ErrorCode::OutOfMemory, message))
        }
        _ => Ok(()),
    }
}

/// The likeliest language over the first windows.
async fn detect(worker: &mut Worker, hearing: &Hearing<'_>) -> Result<String, MediaError> {
    let mut sums: std::collections::BTreeMap<String, f32> = std::collections::BTreeMap::new();
    for window in hearing.windows.iter().take(LANGUAGE_WINDOWS) {
        let (wav, threads) = (hearing.job.wav.clone(), hearing.job.threads);
        let order = Order::Detect { wav, start: window.start, end: window.end, threads };
        let Answer::Detected { languages } = worker.ask(order, hearing.run, |_| ()).await? else {
            return Err(confused());
        };
        for (language, probability) in languages {
            // A longer window knows more.
            *sums.entry(language).or_default() += probability * (window.end - window.start) as f32;
        }
    }
    let best = sums.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    best.map(|(language, _)| language).ok_or_else(confused)
}

/// From the window's seconds to the recording's.
fn moved(mut segment: Segment, window: Window) -> Segment {
    let place = |second: f64| ((second + window.start).min(window.end) * 1000.0).round() / 1000.0;
    (segment.start, segment.end) = (place(segment.start), place(segment.end));
    for word in &mut segment.words {
        (word.start, word.end) = (place(word.start), place(word.end));
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basic_engine_hears_english_only() {
        for (wanted, right) in [(Some("en"), true), (None, true), (Some("pt"), false), (Some("auto"), true)] {
            let ruled = language_rule(&Engine::Basic, wanted.map(str::to_owned));
            assert_eq!(ruled.is_ok(), right, "{wanted:?}");
            if right {
                assert_eq!(ruled.unwrap().as_deref(), Some("en"));
            } else {
                let error = ruled.unwrap_err();
                assert_eq!(error.code, ErrorCode::LanguageUnsupported);
                assert!(error.message.contains("pt") && error.message.contains("only en"), "{error}");
            }
        }
    }
}
