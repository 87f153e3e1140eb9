//! Watched folders on a real file system: whole files, once each, through restarts and vanishing folders.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use backend::api::types::{AddOutcome, AddRequest, WatchAddRequest, WatchedFolder};
use backend::store::Store;
use backend::watch::{WatchHandle, WatchOptions};
use domain::{ApiError, ErrorCode, Event, UtcTime};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

const NOW: UtcTime = UtcTime(1_795_000_000_000);
const SETTLE: Duration = Duration::from_millis(600);

struct House {
    root: tempfile::TempDir,
    store: Store,
    events: broadcast::Sender<Event>,
    taken: Arc<Mutex<Vec<AddRequest>>>,
    refusing: Arc<AtomicBool>,
}

impl House {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("data")).unwrap();
        std::fs::create_dir_all(root.path().join("in")).unwrap();
        let store = Store::open(&root.path().join("data"), NOW).unwrap();
        Self {
            root,
            store,
            events: broadcast::channel(256).0,
            taken: Arc::default(),
            refusing: Arc::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn watcher(&self) -> WatchHandle {
        let (taken, refusing) = (self.taken.clone(), self.refusing.clone());
        WatchHandle::start(WatchOptions {
            store: self.store.clone(),
            events: self.events.clone(),
            data_dir: self.path("data"),
            now: Arc::new(|| NOW),
            take: Arc::new(move |request| {
                let (taken, refusing) = (taken.clone(), refusing.clone());
                Box::pin(async move {
                    if refusing.load(Ordering::SeqCst) {
                        return Err(ApiError::internal("not now"));
                    }
                    taken.lock().unwrap().push(request);
                    Ok(AddOutcome { tasks: Vec::new(), refused: Vec::new() })
                })
            }),
            settle: SETTLE,
            rescan: Duration::from_secs(1),
        })
    }

    fn names(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let mut names: Vec<String> = taken
            .iter()
            .flat_map(|request| &request.sources)
            .map(|source| {
                Path::new(source).strip_prefix(self.root.path()).unwrap().to_string_lossy().into_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// Waits until exactly these were taken.
    async fn took(&self, names: &[&str]) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.names().len() < names.len() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.names(), names);
    }

    /// Waits long enough for anything more to be taken, and finds that nothing was.
    async fn stays(&self, names: &[&str]) {
        tokio::time::sleep(SETTLE * 3 + Duration::from_secs(1)).await;
        assert_eq!(self.names(), names);
    }
}

fn request(path: &Path, subfolders: bool) -> WatchAddRequest {
    WatchAddRequest { path: path.to_string_lossy().into_owned(), recipe: None, subfolders }
}

async fn only(watcher: &WatchHandle) -> WatchedFolder {
    let mut all = watcher.list().await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_there_and_what_comes_is_taken_once() {
    let house = House::new();
    let mut events = house.events.subscribe();
    house.write("in/already there.mp4", b"one");
    let watcher = house.watcher();
    let folder = watcher.add(&request(&house.path("in/"), false), "vsl").await.unwrap();
    assert_eq!((folder.recipe.as_str(), folder.path.ends_with("/in")), ("vsl", true));
    house.took(&["in/already there.mp4"]).await;
    assert_eq!(house.taken.lock().unwrap()[0].recipe.as_deref(), Some("vsl"));
    // A file that grows is not taken before it stands still.
    for part in 0..8 {
        let mut bytes = std::fs::read(house.path("in/growing.mkv")).unwrap_or_default();
        bytes.extend(vec![part; 1000]);
        house.write("in/growing.mkv", &bytes);
        tokio::time::sleep(SETTLE / 3).await;
        assert_eq!(house.names().len(), 1, "taken while it grew");
    }
    house.took(&["in/already there.mp4", "in/growing.mkv"]).await;
    // Partial names are not taken, the final one is; hidden and empty files never.
    for name in ["in/film.mp4.part", "in/film.mp4.crdownload", "in/.hidden.mp4", "in/~film.mp4"] {
        house.write(name, b"half");
    }
    house.write("in/empty.mp4", b"");
    std::fs::create_dir(house.path("in/sub")).unwrap();
    house.write("in/sub/not asked for.mp4", b"x");
    house.stays(&["in/already there.mp4", "in/growing.mkv"]).await;
    std::fs::rename(house.path("in/film.mp4.part"), house.path("in/film.mp4")).unwrap();
    house.took(&["in/already there.mp4", "in/film.mp4", "in/growing.mkv"]).await;
    // Another content under the name is another file.
    house.write("in/film.mp4", b"quite another content");
    house.took(&["in/already there.mp4", "in/film.mp4", "in/film.mp4", "in/growing.mkv"]).await;
    assert_eq!(only(&watcher).await.taken, 3);
    assert!(matches!(events.recv().await, Ok(Event::WatchChanged)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_takes_only_what_is_new() {
    let house = House::new();
    let watcher = house.watcher();
    watcher.add(&request(&house.path("in"), true), "transcribe").await.unwrap();
    house.write("in/a.mp4", b"a");
    std::fs::create_dir_all(house.path("in/deep/er")).unwrap();
    house.write("in/deep/er/b.mp4", b"b");
    house.took(&["in/a.mp4", "in/deep/er/b.mp4"]).await;
    watcher.stop();
    house.write("in/while away.mp4", b"c");
    let watcher = house.watcher();
    house.took(&["in/a.mp4", "in/deep/er/b.mp4", "in/while away.mp4"]).await;
    house.stays(&["in/a.mp4", "in/deep/er/b.mp4", "in/while away.mp4"]).await;
    let folder = only(&watcher).await;
    watcher.remove(&folder.path).await.unwrap();
    house.write("in/after.mp4", b"d");
    house.stays(&["in/a.mp4", "in/deep/er/b.mp4", "in/while away.mp4"]).await;
    assert_eq!(watcher.remove(&folder.watch_id).await.unwrap_err().code, ErrorCode::WatchNotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_vanishes_is_told_and_watched_again_when_it_is_back() {
    let house = House::new();
    let watcher = house.watcher();
    watcher.add(&request(&house.path("in"), false), "transcribe").await.unwrap();
    house.write("in/a.mp4", b"a");
    house.took(&["in/a.mp4"]).await;
    std::fs::rename(house.path("in"), house.path("away")).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while only(&watcher).await.error.is_none() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(only(&watcher).await.error.map(|error| error.code), Some(ErrorCode::FileNotFound));
    std::fs::create_dir(house.path("in")).unwrap();
    house.write("in/b.mp4", b"b");
    house.took(&["in/a.mp4", "in/b.mp4"]).await;
    assert_eq!(only(&watcher).await.error, None);
    house.write("in/c.mp4", b"c");
    house.took(&["in/a.mp4", "in/b.mp4", "in/c.mp4"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_folder_is_never_taken_from() {
    let house = House::new();
    let watcher = house.watcher();
    watcher.add(&request(house.root.path(), true), "transcribe").await.unwrap();
    house.write("data/poster.jpg", b"ours");
    house.write("in/a.mp4", b"a");
    house.took(&["in/a.mp4"]).await;
    house.stays(&["in/a.mp4"]).await;
    let error = watcher.add(&request(&house.path("data"), true), "transcribe").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_could_not_be_added_are_offered_again() {
    let house = House::new();
    house.refusing.store(true, Ordering::SeqCst);
    let watcher = house.watcher();
    watcher.add(&request(&house.path("in"), false), "transcribe").await.unwrap();
    house.write("in/a.mp4", b"a");
    house.stays(&[]).await;
    assert_eq!(only(&watcher).await.taken, 0);
    house.refusing.store(false, Ordering::SeqCst);
    house.took(&["in/a.mp4"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_folder_is_refused() {
    let house = House::new();
    let watcher = house.watcher();
    house.write("file.mp4", b"x");
    for (path, code) in [
        (PathBuf::from("in"), ErrorCode::InvalidInput),
        (house.path("in/../in"), ErrorCode::InvalidInput),
        (house.path("nowhere"), ErrorCode::FileNotFound),
        (house.path("file.mp4"), ErrorCode::InvalidInput),
        (PathBuf::from(""), ErrorCode::InvalidInput),
    ] {
        let error = watcher.add(&request(&path, false), "transcribe").await.unwrap_err();
        assert_eq!(error.code, code, "{}", path.display());
    }
    assert!(watcher.list().await.unwrap().is_empty());
}
