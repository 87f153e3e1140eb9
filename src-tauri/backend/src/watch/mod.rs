//! Watched folders: what is put into them is added by itself.
//!
//! Owns noticing files, waiting until they are whole, and remembering which were taken. Leaves adding to the callback
//! it is given, and judging whether a file is media to whoever adds.
//! Invariants: a file in one state (size and time) is handed over at least once and, unless the program dies between
//! handing over and noting it, only once; nothing of the data folder is ever taken.

mod scan;
mod watcher;

use crate::api::types::{AddOutcome, AddRequest, WatchAddRequest, WatchedFolder};
use crate::store::watch::WatchRow;
use crate::store::{Store, watch as rows};
use domain::{ApiError, ErrorCode, Event, UtcTime};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

/// Adds files, as `tasks.add` does. An error means that nothing was added and the files are offered again later.
pub type Take = Arc<dyn Fn(AddRequest) -> BoxFuture<'static, Result<AddOutcome, ApiError>> + Send + Sync>;

/// What watching needs from outside.
#[derive(Clone)]
pub struct WatchOptions {
    pub store: Store,
    pub events: broadcast::Sender<Event>,
    /// Never taken from, even when a watched folder holds it.
    pub data_dir: PathBuf,
    /// The clock for the rows.
    pub now: Arc<dyn Fn() -> UtcTime + Send + Sync>,
    pub take: Take,
    /// A file whose size and time stand still this long is whole.
    pub settle: Duration,
    /// Every folder is read again this often, for what the operating system did not tell.
    pub rescan: Duration,
}

/// How long a file stands still in the product.
pub const SETTLE: Duration = Duration::from_secs(3);
/// How often a folder is read again in the product.
pub const RESCAN: Duration = Duration::from_secs(60);

/// The watched folders of a data folder.
#[derive(Clone)]
pub struct WatchHandle {
    shared: Arc<Shared>,
}

struct Shared {
    options: WatchOptions,
    /// Why a folder is not being watched just now, by its id.
    faults: Mutex<HashMap<String, ApiError>>,
    /// Folders were added or removed.
    changed: Notify,
    stop: CancellationToken,
}

impl WatchHandle {
    /// Watches the folders that the store knows, from now on and those added later. Needs a tokio runtime.
    pub fn start(options: WatchOptions) -> Self {
        let shared = Arc::new(Shared {
            options,
            faults: Mutex::default(),
            changed: Notify::new(),
            stop: CancellationToken::new(),
        });
        tokio::spawn(watcher::run(shared.clone()));
        Self { shared }
    }

    /// Watches a folder, or changes how it is watched. What is in it already is taken too.
    /// The recipe's name is the caller's to check. `INVALID_INPUT`, `FILE_NOT_FOUND`, `FILE_UNREADABLE`.
    pub async fn add(&self, request: &WatchAddRequest, recipe: &str) -> Result<WatchedFolder, ApiError> {
        let path = self.checked(&request.path).await?;
        let (recipe, subfolders, now) = (recipe.to_string(), request.subfolders, self.now());
        let row = self
            .shared
            .options
            .store
            .write(move |conn| rows::put(conn, &path, &recipe, subfolders, now))
            .await?;
        self.tell();
        Ok(self.item(row))
    }

    /// All, in the order they were added.
    pub async fn list(&self) -> Result<Vec<WatchedFolder>, ApiError> {
        let rows = self.shared.options.store.read(rows::list).await?;
        Ok(rows.into_iter().map(|row| self.item(row)).collect())
    }

    /// Stops watching a folder, named by its id or its path; what it brought stays. `WATCH_NOT_FOUND`.
    pub async fn remove(&self, watch: &str) -> Result<(), ApiError> {
        let wanted = normal(Path::new(watch)).to_string_lossy().into_owned();
        let watch = watch.to_string();
        let removed = self
            .shared
            .options
            .store
            .write(move |conn| {
                let found = match rows::find(conn, &watch)? {
                    Some(found) => Some(found),
                    None => rows::find(conn, &wanted)?,
                };
                match found {
                    Some(row) => rows::remove(conn, &row.watch_id).map(|_| Some(row.watch_id)),
                    None => Ok(None),
                }
            })
            .await?;
        let Some(watch_id) = removed else {
            return Err(ApiError::new(ErrorCode::WatchNotFound, "That folder is not being watched."));
        };
        self.shared.faults().remove(&watch_id);
        self.tell();
        Ok(())
    }

    /// Stops watching; the folders stay in the store for the next start.
    pub fn stop(&self) {
        self.shared.stop.cancel();
    }

    fn tell(&self) {
        self.shared.changed.notify_one();
        self.shared.announce();
    }

    fn now(&self) -> UtcTime {
        (self.shared.options.now)()
    }

    fn item(&self, row: WatchRow) -> WatchedFolder {
        let error = self.shared.faults().get(&row.watch_id).cloned();
        WatchedFolder {
            watch_id: row.watch_id,
            path: row.path,
            recipe: row.recipe,
            subfolders: row.subfolders,
            taken: row.taken,
            error,
            created_at: row.created_at,
        }
    }

    /// The folder's path without `.` and trailing slashes, once it is known to be a folder we may read.
    async fn checked(&self, path: &str) -> Result<String, ApiError> {
        let folder = normal(Path::new(path.trim_end_matches(['\n', '\r'])));
        if !folder.is_absolute() || folder.components().any(|part| part == Component::ParentDir) {
            return Err(ApiError::invalid("path is not the absolute path of a folder."));
        }
        let data_dir = self.shared.options.data_dir.clone();
        let read = folder.clone();
        tokio::task::spawn_blocking(move || {
            scan::readable(&read)?;
            let (real, ours) = (std::fs::canonicalize(&read), std::fs::canonicalize(&data_dir));
            if matches!((real, ours), (Ok(real), Ok(ours)) if real.starts_with(&ours)) {
                return Err(ApiError::invalid("Bobina's own data folder cannot be watched."));
            }
            Ok(())
        })
        .await
        .map_err(|_| ApiError::internal("reading the folder failed"))??;
        folder.into_os_string().into_string().map_err(|_| ApiError::invalid("path is not valid Unicode."))
    }
}

impl Shared {
    fn faults(&self) -> MutexGuard<'_, HashMap<String, ApiError>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes why a folder is not being watched, or that it is again; tells when that is news.
    fn set_fault(&self, watch_id: &str, fault: Option<ApiError>) {
        let news = {
            let mut faults = self.faults();
            let news = faults.get(watch_id) != fault.as_ref();
            match fault {
                Some(fault) => faults.insert(watch_id.to_string(), fault),
                None => faults.remove(watch_id),
            };
            news
        };
        if news {
            self.announce();
        }
    }

    fn announce(&self) {
        // Nobody listening is fine: the list can always be read.
        let _ = self.options.events.send(Event::WatchChanged);
    }
}

/// A path without `.` and doubled or trailing separators.
fn normal(path: &Path) -> PathBuf {
    path.components().collect()
}
