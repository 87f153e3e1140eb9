//! Opening a data folder: lock, store, settings, tools, queue, watched folders; and closing it again.
//!
//! Owns the order in which the parts start and stop.
//! Invariant: nothing runs on a data folder that another process owns; what an earlier owner left half done is
//! put right before anything new starts.

use crate::artifacts::{Artifacts, fault};
use crate::clock::SystemClock;
use crate::cloud::{Cloud, Ledger};
use crate::models::Downloads;
use crate::owner::{self, Claim, OwnerAddress, Ownership};
use crate::queue::{Clock, Limits, Queue};
use crate::schedule;
use crate::secrets::Secrets;
use crate::settings::SettingsHandle;
use crate::steps::{Context, StepRunner};
use crate::store::Store;
use crate::watch::{RESCAN, SETTLE, WatchHandle, WatchOptions};
use crate::webhooks::WebhookHandle;
use crate::webhooks::sender::Sender;
use domain::{ApiError, Event};
use futures::FutureExt;
use media::speech::SpeechHost;
use media::tools::{Leftovers, ToolPaths, Tools};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::sync::broadcast;

/// Events a slow listener may be behind before it is told to read everything again.
const EVENT_BACKLOG: usize = 4096;

/// How long running steps may take to stop when the program ends.
const DRAIN: Duration = Duration::from_secs(5);

/// The file in the data folder that remembers what the programs said of their versions.
const TOOL_VERSIONS: &str = "tools.json";

/// How to open a data folder.
#[derive(Clone, Debug)]
pub struct Options {
    pub data_dir: PathBuf,
    /// Our own program with the hidden `worker` subcommand.
    pub worker_program: PathBuf,
    /// Run the queue; without it tasks are only recorded.
    pub work: bool,
}

/// What came of opening.
pub enum Opened {
    Owner(Backend),
    /// Another process owns the folder and answers there.
    Taken(OwnerAddress),
}

/// The running engine over one data folder. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Backend {
    inner: Arc<Inner>,
}

/// The parts, for the modules of this crate.
pub struct Inner {
    pub(crate) store: Store,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) settings: SettingsHandle,
    pub(crate) secrets: Secrets,
    pub(crate) cloud: Cloud,
    pub(crate) ledger: Ledger,
    pub(crate) watch: WatchHandle,
    pub(crate) webhooks: WebhookHandle,
    pub(crate) queue: Queue,
    pub(crate) models: Downloads,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) downloads: Artifacts,
    pub(crate) artifacts: Artifacts,
    data_dir: PathBuf,
    tools: Arc<RwLock<Tools>>,
    speech: SpeechHost,
    media_url: RwLock<String>,
    ownership: Mutex<Option<Ownership>>,
    /// Open as long as children may be started: each is on record while it runs.
    _leftovers: Leftovers,
}

impl std::ops::Deref for Backend {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl From<Arc<Inner>> for Backend {
    fn from(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl Backend {
    /// Opens the data folder, or finds out who has it.
    pub async fn open(options: Options) -> Result<Opened, ApiError> {
        let ownership = match owner::claim(&options.data_dir).await? {
            Claim::Owned(ownership) => ownership,
            Claim::Taken(address) => return Ok(Opened::Taken(address)),
        };
        start(options, ownership).await.map(Opened::Owner)
    }

    /// What changes, from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    pub fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    /// Where Whisper models lie.
    pub fn models_dir(&self) -> PathBuf {
        self.inner.data_dir.join("models")
    }

    /// The programs found at the start or at the last change of their settings.
    pub fn tools(&self) -> Tools {
        self.inner.tools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for the programs again, after the settings named other paths or the user installed one.
    pub async fn find_tools(&self) {
        let memory = self.inner.data_dir.join(TOOL_VERSIONS);
        self.use_tools(Tools::find_remembered(&tool_paths(&self.settings), &memory).await);
    }

    /// As [`Backend::find_tools`], but asks each program whether it really runs.
    pub async fn check_tools(&self) {
        self.use_tools(Tools::find(&tool_paths(&self.settings)).await);
    }

    fn use_tools(&self, found: Tools) {
        self.inner.speech.set_tools(found.clone());
        *self.inner.tools.write().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Address under which media is served, without a slash at its end; empty before a server runs.
    pub fn media_url(&self) -> String {
        self.inner.media_url.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Told by the server once it listens.
    pub fn set_media_url(&self, url: String) {
        *self.inner.media_url.write().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// Publishes where this owner's server listens, for other processes of this user.
    pub fn set_owner_address(&self, port: u16, token: String) -> Result<(), ApiError> {
        let ownership = self.inner.ownership.lock().unwrap_or_else(PoisonError::into_inner);
        match ownership.as_ref() {
            Some(ownership) => ownership.publish(&OwnerAddress { pid: std::process::id(), port, token }),
            None => Err(ApiError::internal("The data folder is closed already.")),
        }
    }

    /// The file behind a path of the media server: `file/<media id>` or `artifact/<name>`; nothing else is served.
    pub async fn artifact_path(&self, path: &str) -> Result<Option<PathBuf>, ApiError> {
        if let Some(name) = path.strip_prefix("artifact/") {
            return Ok(self.artifacts.path(name));
        }
        let Some(media_id) = path.strip_prefix("file/").map(str::to_string) else { return Ok(None) };
        let found = self.store.read(move |conn| {
            let row = crate::store::media::find(conn, &media_id)?;
            Ok((row, crate::store::media::sources(conn, &media_id)?))
        });
        let (row, sources) = found.await?;
        Ok(row.and_then(|row| crate::library::locate(&self.downloads, row.stored.as_deref(), &sources)))
    }

    /// A new id with that prefix.
    pub(crate) fn new_id(&self, prefix: &str) -> String {
        crate::ids::id(prefix, rand::random())
    }

    /// Stops taking work, lets running steps stop within a few seconds, and lets go of the folder.
    /// What was cut off goes on at the next start without using up a try.
    pub async fn shutdown(&self) {
        self.watch.stop();
        self.webhooks.stop();
        self.models.stop();
        if let Err(error) = self.queue.shutdown(DRAIN).await {
            tracing::error!(%error, "the queue did not stop cleanly; the next start puts it right");
        }
        self.ledger.drain(DRAIN).await;
        let store = self.store.clone();
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the store did not close cleanly");
        }
        let ownership = self.inner.ownership.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(ownership);
    }
}

async fn start(options: Options, ownership: Ownership) -> Result<Backend, ApiError> {
    let data_dir = options.data_dir;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // Children of a dead owner may still write into the folders below.
    let leftovers = Leftovers::open(&data_dir)?;
    let killed = leftovers.kill_leftovers()?;
    if killed > 0 {
        tracing::warn!(killed, "processes of an earlier run were still there");
    }
    // First of all, so that the folder of a newer program is left as it is.
    let store = Store::open(&data_dir, clock.now())?;
    let scratch = data_dir.join("scratch");
    empty(&scratch)?;
    let settings = SettingsHandle::open(&data_dir)?;
    let found = Tools::find_remembered(&tool_paths(&settings), &data_dir.join(TOOL_VERSIONS)).await;
    let tools = Arc::new(RwLock::new(found));
    let speech_tools = tools.read().unwrap_or_else(PoisonError::into_inner).clone();
    let (events, _) = broadcast::channel(EVENT_BACKLOG);
    let secrets = Secrets::open();
    let cloud = Cloud::new(&data_dir, settings.clone(), secrets.clone())?;
    let ledger = Ledger::new(store.clone(), clock.clone());
    let context = Context {
        store: store.clone(),
        settings: settings.clone(),
        secrets: secrets.clone(),
        cloud: cloud.clone(),
        ledger: ledger.clone(),
        artifacts: Artifacts::open(data_dir.join("artifacts"))?,
        downloads: Artifacts::open(data_dir.join("media"))?,
        data_dir: data_dir.clone(),
        work_dir: data_dir.join("work"),
        models_dir: data_dir.join("models"),
        tools: tools.clone(),
        speech: SpeechHost::new(options.worker_program, speech_tools, scratch.clone()),
        events: events.clone(),
        clock: clock.clone(),
    };
    let (artifacts, downloads) = (context.artifacts.clone(), context.downloads.clone());
    let speech = context.speech.clone();
    let limits = Limits { work: options.work, ..limits(&settings) };
    let steps = Arc::new(StepRunner(context));
    let queue = Queue::start(store.clone(), clock.clone(), steps, limits, events.clone(), scratch).await?;
    let webhooks = WebhookHandle::default();
    if options.work {
        let (store, secrets, settings) = (store.clone(), secrets.clone(), settings.clone());
        webhooks.start(Sender::new(store, secrets, settings, clock.clone(), events.clone()));
    }
    let inner = Arc::new_cyclic(|this| Inner {
        watch: watch(this.clone(), &store, &events, &data_dir, &clock, options.work),
        webhooks,
        store,
        events,
        settings,
        secrets,
        cloud,
        ledger,
        queue,
        models: Downloads::default(),
        clock,
        downloads,
        artifacts,
        data_dir,
        tools,
        speech,
        media_url: RwLock::new(String::new()),
        ownership: Mutex::new(Some(ownership)),
        _leftovers: leftovers,
    });
    if options.work {
        tokio::spawn(schedule::keep(Arc::downgrade(&inner)));
    }
    Ok(Backend { inner })
}

/// Watched folders hand what they find to `tasks.add`, as any surface would.
fn watch(
    backend: Weak<Inner>,
    store: &Store,
    events: &broadcast::Sender<Event>,
    data_dir: &Path,
    clock: &Arc<dyn Clock>,
    work: bool,
) -> WatchHandle {
    let clock = clock.clone();
    let options = WatchOptions {
        store: store.clone(),
        events: events.clone(),
        data_dir: data_dir.to_path_buf(),
        now: Arc::new(move || clock.now()),
        take: Arc::new(move |request| {
            let backend = backend.upgrade();
            async move {
                match backend {
                    Some(inner) => crate::api::tasks::add(&Backend { inner }, request).await,
                    None => Err(ApiError::internal("The data folder is closed.")),
                }
            }
            .boxed()
        }),
        settle: SETTLE,
        rescan: RESCAN,
    };
    let handle = WatchHandle::start(options);
    if !work {
        // Whoever only records tasks is gone in a moment; the next worker reads the folders.
        handle.stop();
    }
    handle
}

fn tool_paths(settings: &SettingsHandle) -> ToolPaths {
    let settings = settings.get();
    let path = |text: String| (!text.is_empty()).then(|| PathBuf::from(text));
    ToolPaths {
        ffmpeg: path(settings.ffmpeg),
        ffprobe: path(settings.ffprobe),
        pocketsphinx: path(settings.pocketsphinx),
        yt_dlp: path(settings.yt_dlp),
    }
}

/// The queue's limits as the settings say.
pub(crate) fn limits(settings: &SettingsHandle) -> Limits {
    let settings = settings.get();
    Limits {
        net: settings.net_limit,
        cpu: settings.cpu_limit,
        model: settings.model_limit,
        max_attempts: settings.max_retries + 1,
        task_days: settings.task_days,
        ..Limits::default()
    }
}

/// Scratch files belong to jobs that ran when an earlier owner ended; none of them is complete.
fn empty(folder: &Path) -> Result<(), ApiError> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| fault("The scratch folder cannot be emptied", &e))?;
    }
    std::fs::create_dir_all(folder).map_err(|e| fault("The scratch folder cannot be made", &e))
}
