//! The task that watches: it listens to the operating system, reads folders now and then, and waits for files to be
//! whole.

use super::scan::{self, FileState};
use super::{Shared, rows};
use crate::api::types::AddRequest;
use crate::store::watch::WatchRow;
use domain::{ApiError, Priority};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Files handed over at once.
const TOGETHER: usize = 50;
/// More told paths than these between two looks: the folders are read instead.
const MOST_TOLD: usize = 10_000;

/// What the operating system told since the last look.
#[derive(Default)]
struct Told {
    paths: HashSet<PathBuf>,
    /// Paths were lost, or not files: read the folders.
    read_all: bool,
}

/// A folder as it is being watched.
struct Folder {
    row: WatchRow,
    path: PathBuf,
    /// What the path led to when it was last looked at; another folder under the name is listened to anew.
    identity: Option<u64>,
    listening: bool,
    next_scan: Instant,
}

/// A file that is not known to be whole.
struct Pending {
    watch_id: String,
    state: FileState,
    since: Instant,
}

struct Watcher {
    shared: Arc<Shared>,
    folders: Vec<Folder>,
    pending: HashMap<PathBuf, Pending>,
    exclude: HashSet<PathBuf>,
    told: Arc<Mutex<Told>>,
    wake: Arc<Notify>,
    listener: Option<RecommendedWatcher>,
}

/// Watches until it is stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let (told, wake) = (Arc::<Mutex<Told>>::default(), Arc::new(Notify::new()));
    let listener = listener(told.clone(), wake.clone());
    let exclude = excluded(&shared.options.data_dir);
    let (stop, tick) = (shared.stop.clone(), (shared.options.settle / 3).max(Duration::from_millis(20)));
    let mut watcher =
        Watcher { shared, folders: Vec::new(), pending: HashMap::new(), exclude, told, wake, listener };
    let mut reload = true;
    loop {
        if reload {
            watcher.reload().await;
        }
        watcher.look().await;
        watcher.take_whole().await;
        let pause = watcher.pause(tick);
        reload = tokio::select! {
            () = stop.cancelled() => return,
            () = watcher.shared.changed.notified() => true,
            () = watcher.wake.notified() => {
                // Files are written in many small steps: hear them out before looking.
                tokio::time::sleep(tick).await;
                false
            }
            () = tokio::time::sleep(pause) => false,
        };
    }
}

/// The data folder by both its names.
fn excluded(data_dir: &Path) -> HashSet<PathBuf> {
    let mut exclude = HashSet::from([data_dir.to_path_buf()]);
    exclude.extend(std::fs::canonicalize(data_dir).ok());
    exclude
}

fn listener(told: Arc<Mutex<Told>>, wake: Arc<Notify>) -> Option<RecommendedWatcher> {
    let heard = move |event: notify::Result<notify::Event>| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(event) if event.kind.is_access() => return,
            Ok(event) if !event.need_rescan() && told.paths.len() < MOST_TOLD => {
                told.paths.extend(event.paths)
            }
            _ => told.read_all = true,
        }
        drop(told);
        wake.notify_one();
    };
    match notify::recommended_watcher(heard) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%error, "the operating system tells nothing of changes; watched folders are read instead");
            None
        }
    }
}

impl Watcher {
    /// Takes over the folders as the store has them.
    async fn reload(&mut self) {
        let rows = match self.shared.options.store.read(rows::list).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "the watched folders cannot be read");
                return;
            }
        };
        let mut old: HashMap<String, Folder> =
            self.folders.drain(..).map(|folder| (folder.row.watch_id.clone(), folder)).collect();
        for row in rows {
            let kept = old.remove(&row.watch_id).filter(|folder| folder.row.subfolders == row.subfolders);
            let folder = match kept {
                Some(folder) => Folder { row, ..folder },
                None => Folder {
                    path: PathBuf::from(&row.path),
                    identity: None,
                    listening: false,
                    next_scan: Instant::now(),
                    row,
                },
            };
            self.folders.push(folder);
        }
        for gone in old.into_values().filter(|folder| folder.listening) {
            self.unlisten(&gone.path);
        }
        let known: HashSet<&str> = self.folders.iter().map(|folder| folder.row.watch_id.as_str()).collect();
        self.pending.retain(|_, pending| known.contains(pending.watch_id.as_str()));
        // One folder's listener may have gone with another's: listen to all of them again.
        for folder in &mut self.folders {
            folder.identity = None;
            folder.next_scan = Instant::now();
        }
    }

    fn unlisten(&mut self, path: &Path) {
        if let Some(listener) = &mut self.listener
            && let Err(error) = listener.unwatch(path)
        {
            tracing::debug!(%error, path = %path.display(), "was not being listened to");
        }
    }

    /// Looks after every folder, reads those that are due, and notes files that may be new.
    async fn look(&mut self) {
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        let mut strange = told.read_all;
        for path in told.paths {
            let mut known = false;
            for index in 0..self.folders.len() {
                let folder = &self.folders[index];
                if scan::belongs(&path, &folder.path, folder.row.subfolders, &self.exclude) {
                    known = true;
                    let watch_id = folder.row.watch_id.clone();
                    match scan::state(&path) {
                        Some(state) => self.note(path.clone(), state, watch_id).await,
                        // A folder moved in whole brings files that nobody tells of.
                        None if path.is_dir() => self.folders[index].next_scan = Instant::now(),
                        None => {}
                    }
                }
            }
            strange |= !known && !scan::is_ignored(&path) && !self.is_ours(&path);
        }
        for index in 0..self.folders.len() {
            if strange {
                self.folders[index].next_scan = Instant::now();
            }
            self.visit(index).await;
        }
    }

    /// A path inside a watched folder that is left out on purpose.
    fn is_ours(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(&folder.path) && path != folder.path)
    }

    /// Looks whether the folder is there, listens to it when it is new, reads it when it is due.
    async fn visit(&mut self, index: usize) {
        let folder = &mut self.folders[index];
        let path = folder.path.clone();
        let checked =
            tokio::task::spawn_blocking(move || scan::readable(&path).map(|()| identity(&path))).await;
        let fault = match checked {
            Ok(Ok(identity)) if folder.identity == Some(identity) => None,
            Ok(Ok(identity)) => {
                folder.identity = Some(identity);
                folder.next_scan = Instant::now();
                self.listen(index);
                None
            }
            Ok(Err(fault)) => Some(fault),
            Err(_) => Some(ApiError::internal("reading the folder failed")),
        };
        let folder = &mut self.folders[index];
        let watch_id = folder.row.watch_id.clone();
        if fault.is_some() {
            folder.identity = None;
        } else if folder.next_scan <= Instant::now() {
            let every = self.shared.options.rescan;
            folder.next_scan =
                Instant::now() + if folder.listening { every } else { every.min(Duration::from_secs(10)) };
            let (path, subfolders) = (folder.path.clone(), folder.row.subfolders);
            let exclude = self.exclude.clone();
            let found = tokio::task::spawn_blocking(move || scan::files(&path, subfolders, &exclude)).await;
            for (path, state) in found.unwrap_or_default() {
                self.note(path, state, watch_id.clone()).await;
            }
        }
        self.shared.set_fault(&watch_id, fault);
    }

    fn listen(&mut self, index: usize) {
        let folder = &mut self.folders[index];
        let Some(listener) = &mut self.listener else { return };
        let mode = if folder.row.subfolders { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        // Under the same name may be another folder now.
        let _ = listener.unwatch(&folder.path);
        folder.listening = match listener.watch(&folder.path, mode) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, folder = folder.row.path, "changes are not told; the folder is read instead");
                false
            }
        };
    }

    /// Starts waiting for a file to be whole, unless it was taken in this state.
    async fn note(&mut self, path: PathBuf, state: FileState, watch_id: String) {
        if self.pending.contains_key(&path) {
            return;
        }
        let Some(name) = path.to_str().map(str::to_string) else {
            tracing::warn!(path = %path.display(), "a file in a watched folder has a name that is not Unicode; left out");
            return;
        };
        let id = watch_id.clone();
        let taken = self
            .shared
            .options
            .store
            .read(move |conn| rows::was_taken(conn, &id, &name, state.size, state.mtime))
            .await;
        match taken {
            Ok(true) => {}
            Ok(false) => {
                self.pending.insert(path, Pending { watch_id, state, since: Instant::now() });
            }
            Err(error) => tracing::error!(%error, "the watched files cannot be read"),
        }
    }

    /// Hands over the files that have stood still long enough.
    async fn take_whole(&mut self) {
        let mut whole: HashMap<String, Vec<(String, FileState)>> = HashMap::new();
        let settle = self.shared.options.settle;
        let now = Instant::now();
        self.pending.retain(|path, pending| match scan::state(path) {
            None => false,
            Some(state) if state != pending.state => {
                (pending.state, pending.since) = (state, now);
                true
            }
            Some(_) if now.duration_since(pending.since) < settle => true,
            Some(state) => {
                let name = path.to_string_lossy().into_owned();
                whole.entry(pending.watch_id.clone()).or_default().push((name, state));
                false
            }
        });
        for (watch_id, mut files) in whole {
            files.sort_by(|a, b| a.0.cmp(&b.0));
            for files in files.chunks(TOGETHER) {
                self.hand_over(&watch_id, files).await;
            }
        }
    }

    async fn hand_over(&mut self, watch_id: &str, files: &[(String, FileState)]) {
        let Some(folder) = self.folders.iter_mut().find(|folder| folder.row.watch_id == watch_id) else {
            return;
        };
        let request = AddRequest {
            sources: files.iter().map(|(path, _)| path.clone()).collect(),
            recipe: Some(folder.row.recipe.clone()),
            language: "auto".into(),
            engine: "auto".into(),
            priority: Priority::Medium,
            headers: Vec::new(),
            allow_hosts: Vec::new(),
            not_before: None,
            again: false,
        };
        match (self.shared.options.take)(request).await {
            Ok(outcome) => {
                for refused in &outcome.refused {
                    tracing::info!(source = refused.source, error = %refused.error, "left out of a watched folder");
                }
            }
            Err(error) => {
                tracing::warn!(%error, folder = folder.row.path, "files of a watched folder were not added; tried again later");
                folder.next_scan = Instant::now() + self.shared.options.rescan.min(Duration::from_secs(10));
                return;
            }
        }
        let now = (self.shared.options.now)();
        let (id, files) = (watch_id.to_string(), files.to_vec());
        let noted = self
            .shared
            .options
            .store
            .write(move |conn| {
                files.iter().try_for_each(|(path, state)| {
                    rows::set_taken(conn, &id, path, state.size, state.mtime, now)
                })
            })
            .await;
        if let Err(error) = noted {
            tracing::error!(%error, "what was taken from a watched folder could not be noted");
        }
        self.shared.announce();
    }

    /// How long there is nothing to do.
    fn pause(&self, tick: Duration) -> Duration {
        if !self.pending.is_empty() {
            return tick;
        }
        // Folders that vanish or come back are noticed within two seconds.
        let nearest = self
            .folders
            .iter()
            .map(|folder| folder.next_scan.saturating_duration_since(Instant::now()))
            .min();
        nearest.map_or(Duration::from_secs(3600), |nearest| {
            nearest.clamp(tick, Duration::from_secs(2).max(tick))
        })
    }
}

/// Which folder a path leads to; the same number while it is the same folder.
#[cfg(unix)]
fn identity(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map_or(0, |there| there.dev().rotate_left(32) ^ there.ino())
}

#[cfg(not(unix))]
fn identity(_: &Path) -> u64 {
    1
}
