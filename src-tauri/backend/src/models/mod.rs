//! Speech models as the surfaces see them: what there is, downloads in the background, imports, removal.
//!
//! Owns which downloads run and what became of the last try; leaves files and the network to `media::models`.
//! Invariant: one download of a model at a time; a model that arrives wakes the jobs that wait for one.

use crate::Backend;
use crate::api::types::{ModelImport, ModelItem, Page};
use domain::{ApiError, ErrorCode, Event};
use media::Run;
use media::download::NetPolicy;
use media::models::{self, Languages, ModelFile};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A download tells of itself when it has moved on by this share.
const STEP: f64 = 0.005;
/// How long a cancelled download may take to let go of its file.
const PATIENCE: Duration = Duration::from_secs(5);

/// The downloads of one data folder.
#[derive(Clone, Default)]
pub struct Downloads {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: HashMap<String, Running>,
    /// Why the last try failed, until the next one.
    failed: HashMap<String, ApiError>,
}

struct Running {
    /// 0 to 1.
    fraction: f64,
    cancel: CancellationToken,
    /// Cancelled once the download has ended.
    ended: CancellationToken,
}

impl Downloads {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops all downloads, for the end of the program; what has arrived is kept.
    pub fn stop(&self) {
        self.state().running.values().for_each(|running| running.cancel.cancel());
    }
}

/// All models: those of the catalogue, then those the user brought.
pub async fn list(backend: &Backend) -> Result<Page<ModelItem>, ApiError> {
    let dir = backend.models_dir();
    // Read before the folder: a download that ends meanwhile is still under way here, never neither there nor coming.
    let running: HashMap<String, f64> = backend
        .models
        .state()
        .running
        .iter()
        .map(|(name, running)| (name.clone(), running.fraction))
        .collect();
    let installed = tokio::task::spawn_blocking(move || models::installed(&dir))
        .await
        .map_err(|_| ApiError::internal("reading the models broke off"))??;
    let suggested = models::suggest(memory(), cores()).name;
    let state = backend.models.state();
    let mut items: Vec<ModelItem> = models::catalogue()
        .iter()
        .map(|entry| ModelItem {
            name: entry.name.into(),
            size: entry.bytes,
            memory: entry.memory(),
            languages: languages(&entry.languages()),
            installed: false,
            downloading: None,
            imported: false,
            suggested: entry.name == suggested,
            error: None,
        })
        .collect();
    for there in installed {
        let item = match items.iter_mut().position(|item| item.name == there.name) {
            Some(place) => &mut items[place],
            None => {
                items.push(imported(&there.name, there.bytes));
                let last = items.len() - 1;
                &mut items[last]
            }
        };
        match &there.model {
            Ok(model) => describe(item, model),
            Err(error) => item.error = Some(error.clone().into()),
        }
    }
    for item in &mut items {
        item.downloading = running.get(&item.name).copied().filter(|_| !item.installed);
        if let Some(error) = state.failed.get(&item.name) {
            // It has ended meanwhile.
            item.downloading = None;
            item.error = Some(error.clone());
        }
    }
    let total = items.len();
    Ok(Page { total: total as u64, limit: u32::try_from(total).unwrap_or(u32::MAX), offset: 0, items })
}

fn imported(name: &str, size: u64) -> ModelItem {
    ModelItem {
        name: name.into(),
        size,
        memory: 0,
        languages: String::new(),
        installed: false,
        downloading: None,
        imported: true,
        suggested: false,
        error: None,
    }
}

fn describe(item: &mut ModelItem, model: &ModelFile) {
    item.installed = true;
    item.size = model.bytes;
    item.memory = model.memory();
    item.languages = languages(&model.languages());
}

fn languages(languages: &Languages) -> String {
    match languages {
        Languages::Multilingual => "multilingual".into(),
        Languages::Only(codes) => codes.join(" "),
    }
}

/// One model of the list. `MODEL_UNKNOWN`.
async fn one(backend: &Backend, name: &str) -> Result<ModelItem, ApiError> {
    let found = list(backend).await?.items.into_iter().find(|item| item.name == name);
    found.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> ApiError {
    let shown: String = name.chars().take(80).collect();
    ApiError::new(ErrorCode::ModelUnknown, format!("There is no speech model \"{shown}\"."))
}

/// Starts a download in the background, or goes on with one; at once done when the model is there.
pub async fn download(backend: &Backend, name: &str) -> Result<ModelItem, ApiError> {
    let item = one(backend, name).await?;
    if item.installed || item.downloading.is_some() {
        return Ok(item);
    }
    if models::catalogue().iter().all(|entry| entry.name != name) {
        return Err(unknown(name));
    }
    let running =
        Running { fraction: 0.0, cancel: CancellationToken::new(), ended: CancellationToken::new() };
    let (cancel, ended) = (running.cancel.clone(), running.ended.clone());
    {
        let mut state = backend.models.state();
        if !state.running.contains_key(name) {
            state.failed.remove(name);
            state.running.insert(name.to_string(), running);
            tokio::spawn(fetch(backend.clone(), name.to_string(), cancel, ended));
        }
    }
    one(backend, name).await
}

async fn fetch(backend: Backend, name: String, cancel: CancellationToken, ended: CancellationToken) {
    let settings = backend.settings.get();
    let run =
        Run { cancel, progress: progress(&backend, &name), scratch: backend.data_dir().join("scratch") };
    let policy = NetPolicy {
        allow_hosts: allowed(&settings.model_mirror, settings.allow_hosts),
        ..NetPolicy::default()
    };
    let fetched = models::download(&backend.models_dir(), &name, &settings.model_mirror, &policy, &run).await;
    let installed = fetched.is_ok();
    {
        let mut state = backend.models.state();
        state.running.remove(&name);
        match fetched {
            Err(error) if error.code != ErrorCode::Cancelled => {
                tracing::warn!(model = name, %error, "the model was not downloaded");
                state.failed.insert(name.clone(), error.into());
            }
            _ => {}
        }
    }
    ended.cancel();
    if installed {
        arrived(&backend).await;
    }
    tell(&backend, name, installed, None);
}

/// Whoever set a mirror wants it reached, in a private range too.
fn allowed(mirror: &str, mut hosts: Vec<String>) -> Vec<String> {
    if let Ok(url) = url::Url::parse(mirror)
        && let Some(host) = url.host_str()
    {
        hosts.push(url.port().map_or(host.to_string(), |port| format!("{host}:{port}")));
    }
    hosts
}

fn progress(backend: &Backend, name: &str) -> media::run::ProgressFn {
    let (backend, name) = (backend.clone(), name.to_string());
    Arc::new(move |fraction, _| {
        let news = match backend.models.state().running.get_mut(&name) {
            Some(running)
                if fraction >= running.fraction + STEP || (fraction >= 1.0 && running.fraction < 1.0) =>
            {
                running.fraction = fraction;
                true
            }
            _ => false,
        };
        if news {
            tell(&backend, name.clone(), false, Some(fraction));
        }
    })
}

/// Stops a download; what has arrived is kept for the next try.
pub async fn cancel(backend: &Backend, name: &str) -> Result<ModelItem, ApiError> {
    stop(backend, name).await;
    one(backend, name).await
}

async fn stop(backend: &Backend, name: &str) {
    let ended = {
        let mut state = backend.models.state();
        state.failed.remove(name);
        state.running.get(name).map(|running| {
            running.cancel.cancel();
            running.ended.clone()
        })
    };
    if let Some(ended) = ended
        && tokio::time::timeout(PATIENCE, ended.cancelled()).await.is_err()
    {
        tracing::warn!(model = name, "the download takes its time to stop");
    }
}

/// Takes in a model file of the user's.
pub async fn import(backend: &Backend, request: ModelImport) -> Result<ModelItem, ApiError> {
    let path = PathBuf::from(&request.path);
    if !path.is_absolute() {
        return Err(ApiError::invalid("path is not the absolute path of a file."));
    }
    let dir = backend.models_dir();
    let model =
        blocking(move || models::import(&dir, &path, request.name.as_deref()).map_err(ApiError::from))
            .await?;
    arrived(backend).await;
    tell(backend, model.name.clone(), true, None);
    one(backend, &model.name).await
}

/// Removes a model, its download with it.
pub async fn remove(backend: &Backend, name: &str) -> Result<(), ApiError> {
    stop(backend, name).await;
    let (dir, model) = (backend.models_dir(), name.to_string());
    blocking(move || models::remove(&dir, &model).map_err(ApiError::from)).await?;
    tell(backend, name.to_string(), false, None);
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal("working on a model broke off"))?
}

/// Jobs that wait for a model look again.
async fn arrived(backend: &Backend) {
    if let Err(error) = backend.queue.wake(ErrorCode::ModelMissing).await {
        tracing::error!(%error, "the jobs that wait for a model were not woken; they look again by themselves");
    }
}

fn tell(backend: &Backend, name: String, installed: bool, fraction: Option<f64>) {
    // Nobody listening is fine: the list can always be read.
    let _ = backend.events.send(Event::ModelChanged { name, installed, fraction });
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Bytes of memory in all; 8 GB where the system does not say.
fn memory() -> u64 {
    const UNKNOWN: u64 = 8 << 30;
    let Ok(text) = std::fs::read_to_string(Path::new("/proc/meminfo")) else { return UNKNOWN };
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or(UNKNOWN, |kilobytes| kilobytes * 1024)
}
