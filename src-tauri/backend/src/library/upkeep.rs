//! Removing media and bringing them back, finding files that moved, sweeping what nothing refers to.
//!
//! Owns what happens to files; leaves rows to `store::removal`.
//! Invariants: a file of the user's is never touched; what Bobina fetched goes to the system's trash, never past it; a
//! file is swept only when no row names it and it has lain still for an hour, so that none is taken between its making
//! and its row.

use super::labels::{known, several, tell};
use crate::Backend;
use crate::api::library_types::{FindFileRequest, MediaIds, Removed, Swept};
use crate::artifacts::fault;
use crate::store::{StoreError, media, removal};
use domain::{ApiError, ErrorCode, Source, UtcTime};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a removed media can be brought back, in milliseconds.
const KEPT: i64 = 7 * 86_400_000;
/// How long a file lies still before it may be swept.
const STILL: Duration = Duration::from_secs(3600);

/// Removes media: hidden at once, their fetched files in the system's trash.
/// `MEDIA_NOT_FOUND`, `MEDIA_IN_USE`, `TRASH_UNAVAILABLE`; all of them or none.
pub async fn remove(backend: &Backend, request: MediaIds) -> Result<Removed, ApiError> {
    several(&request.media_ids)?;
    let (ids, now) = (request.media_ids.clone(), backend.clock.now());
    let rows = backend
        .store
        .write(move |tx| {
            let mut rows = Vec::with_capacity(ids.len());
            for media_id in &ids {
                let row = known(tx, media_id)?;
                if let Some(title) = removal::used_by(tx, media_id)? {
                    let message = format!("The task \"{title}\" works with {}.", row.title);
                    return Err(StoreError::answer(ErrorCode::MediaInUse, message));
                }
                removal::hide(tx, media_id, None, now)?;
                rows.push(row);
            }
            Ok(rows)
        })
        .await?;
    let files: Vec<(String, PathBuf)> = rows
        .iter()
        .filter_map(|row| Some((row.media_id.clone(), backend.downloads.path(row.stored.as_deref()?)?)))
        .collect();
    let (done, failed) = blocking(move || to_trash(files)).await?;
    if let Some(error) = failed {
        bring_back(backend, &request.media_ids, done).await?;
        return Err(error);
    }
    let trashed = u32::try_from(done.len()).unwrap_or(u32::MAX);
    let noted = move |tx: &rusqlite::Connection| {
        done.iter().try_for_each(|(id, path)| removal::hide(tx, id, Some(&path.to_string_lossy()), now))
    };
    backend.store.write(noted).await?;
    tell(backend, &request.media_ids);
    Ok(Removed { media_ids: request.media_ids, trashed })
}

/// Files that are in the trash now, and the error that stopped it there.
type Trashed = (Vec<(String, PathBuf)>, Option<ApiError>);

fn to_trash(files: Vec<(String, PathBuf)>) -> Trashed {
    let mut done = Vec::new();
    for (media_id, path) in files {
        if let Err(error) = trash::delete(&path) {
            let message = "The system's trash did not take the file; nothing was removed.";
            let error = ApiError::new(ErrorCode::TrashUnavailable, message).with_detail(error.to_string());
            return (done, Some(error));
        }
        done.push((media_id, path));
    }
    (done, None)
}

async fn bring_back(
    backend: &Backend,
    media_ids: &[String],
    files: Vec<(String, PathBuf)>,
) -> Result<(), ApiError> {
    blocking(move || files.iter().for_each(|(_, path)| out_of_trash(path))).await?;
    let (ids, now) = (media_ids.to_vec(), backend.clock.now());
    backend.store.write(move |tx| ids.iter().try_for_each(|id| removal::unhide(tx, id, now))).await?;
    Ok(())
}

/// Brings removed media back, with their files where the trash still has them.
/// `MEDIA_NOT_FOUND` for one that was not removed or is gone for good.
pub async fn restore(backend: &Backend, request: MediaIds) -> Result<(), ApiError> {
    several(&request.media_ids)?;
    let ids = request.media_ids.clone();
    let find = move |conn: &rusqlite::Connection| {
        let mut found = Vec::with_capacity(ids.len());
        for media_id in ids {
            let Some(path) = removal::trashed(conn, &media_id)? else {
                return Err(StoreError::answer(
                    ErrorCode::MediaNotFound,
                    "It cannot be brought back any more.",
                ));
            };
            found.extend(path.map(|path| (media_id, PathBuf::from(path))));
        }
        Ok(found)
    };
    let files = backend.store.read(find).await?;
    bring_back(backend, &request.media_ids, files).await?;
    tell(backend, &request.media_ids);
    Ok(())
}

/// Puts a file back from the trash. Where that cannot be done the media comes back all the same, marked as missing.
#[cfg(any(target_os = "windows", all(unix, not(target_os = "macos"))))]
fn out_of_trash(path: &Path) {
    let found = trash::os_limited::list().map(|items| {
        items.into_iter().filter(|item| item.original_path() == path).max_by_key(|item| item.time_deleted)
    });
    let done = match found {
        Ok(Some(item)) => trash::os_limited::restore_all([item]),
        Ok(None) => return tracing::warn!("a removed file is not in the trash any more"),
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        tracing::warn!(%error, "a removed file could not be brought back from the trash");
    }
}

#[cfg(target_os = "macos")]
fn out_of_trash(_: &Path) {
    tracing::warn!("this system brings nothing back from its trash for a program; the user can");
}

/// Finds the file of a media again, where it was moved: by its length, then by its hash.
/// `MEDIA_NOT_FOUND`, `FILE_NOT_FOUND` when no file of the folder is it, `FILE_DIFFERS` when the file is another one.
pub async fn find_file(backend: &Backend, request: FindFileRequest) -> Result<(), ApiError> {
    let FindFileRequest { media_id, path } = request;
    let id = media_id.clone();
    let row = backend.store.read(move |conn| known(conn, &id)).await?;
    let found = blocking(move || search(Path::new(&path), &row)).await??;
    let about = std::fs::metadata(&found).map_err(|e| fault("The file cannot be read", &e))?;
    let since =
        about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let (size, mtime) = (i64::try_from(about.len()).ok(), i64::try_from(since.as_nanos()).ok());
    let source = Source::File { path: found.to_string_lossy().into_owned() };
    let (id, now) = (media_id.clone(), backend.clock.now());
    backend.store.write(move |tx| media::put_source(tx, &id, &source, size, mtime, now)).await?;
    tell(backend, &[media_id]);
    Ok(())
}

fn search(path: &Path, wanted: &media::MediaRow) -> Result<PathBuf, ApiError> {
    let is_it = |file: &Path| -> bool {
        std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() == wanted.size)
            && hash_of(file).is_ok_and(|hash| hash == wanted.hash)
    };
    if !path.is_absolute() {
        return Err(ApiError::invalid("path is not absolute.".to_string()));
    }
    if path.is_dir() {
        let files = files_of(path)?;
        return files.into_iter().find(|file| is_it(file)).ok_or_else(|| {
            ApiError::new(ErrorCode::FileNotFound, "No file of this folder has the same content.")
        });
    }
    if !path.exists() {
        return Err(ApiError::new(ErrorCode::FileNotFound, "There is no such file."));
    }
    if is_it(path) {
        return Ok(path.to_path_buf());
    }
    Err(ApiError::new(ErrorCode::FileDiffers, "This file has other content than the one that is missed."))
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, ApiError> {
    let walked = ::media::intake::walk(folder, true).map_err(ApiError::from)?;
    Ok(walked.into_iter().filter(|(_, answer)| answer.is_ok()).map(|(path, _)| path).collect())
}

fn hash_of(file: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(file)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Forgets what was removed long ago and deletes the files that nothing refers to.
pub async fn sweep(backend: &Backend) -> Result<Swept, ApiError> {
    let before = UtcTime(backend.clock.now().0 - KEPT);
    let media = backend.store.write(move |tx| removal::purge(tx, before)).await?;
    let (mut files, mut bytes) = (0, 0);
    for (folder, stored) in [("artifacts", false), ("media", true)] {
        let folder = backend.data_dir().join(folder);
        for (name, path) in blocking(move || still(&folder)).await? {
            let named = backend.store.read(move |conn| removal::is_referenced(conn, &name, stored)).await?;
            let size = std::fs::metadata(&path).map_or(0, |about| about.len());
            if !named && std::fs::remove_file(&path).is_ok() {
                files += 1;
                bytes += size;
            }
        }
    }
    Ok(Swept { media, files, bytes })
}

/// Files of a content-addressed folder, by name, that have lain still for a while.
fn still(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for shelf in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(shelf.path()).into_iter().flatten().flatten() {
            let old = file.metadata().is_ok_and(|about| about.is_file() && is_still(&about));
            let (shelf, name) = (shelf.file_name(), file.file_name());
            if old {
                found.push((format!("{}/{}", shelf.to_string_lossy(), name.to_string_lossy()), file.path()));
            }
        }
    }
    found
}

/// When the file came to be where it is, moving included: its last change alone may be long before that.
#[cfg(unix)]
fn is_still(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let changed = UNIX_EPOCH + Duration::from_secs(about.ctime().unsigned_abs());
    SystemTime::now().duration_since(changed).is_ok_and(|age| age > STILL)
}

#[cfg(not(unix))]
fn is_still(about: &std::fs::Metadata) -> bool {
    let times = [about.created(), about.modified(), about.accessed()];
    times
        .into_iter()
        .flatten()
        .all(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > STILL))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal("a file operation broke off"))
}
