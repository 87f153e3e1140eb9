//! The files of the uploads.

use backend::submit::uploads_folder;
use domain::{ApiError, ErrorCode};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::fs::{self, File};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

/// An unfinished upload goes when nothing came for this long.
const LIFE: Duration = Duration::from_secs(24 * 3600);

/// Unfinished uploads at once.
const MOST: usize = 1000;

/// Uploads that are being written just now.
pub(crate) type WritingNow = Arc<Mutex<HashSet<String>>>;

/// What was announced, kept beside the bytes.
#[derive(Serialize, Deserialize)]
struct Announced {
    length: u64,
    name: String,
    by: String,
}

/// An upload as it stands.
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) length: u64,
    pub(super) offset: u64,
    pub(super) name: String,
    touched: SystemTime,
}

impl Upload {
    /// When it goes if nothing more comes, as an HTTP date.
    pub(super) fn expires(&self) -> String {
        let at = jiff::Timestamp::try_from(self.touched + LIFE).unwrap_or_default();
        at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }
}

fn fault(what: &str, error: &std::io::Error) -> ApiError {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        _ => ErrorCode::StorageFault,
    };
    ApiError::new(code, format!("{what}: {error}."))
}

fn missing() -> ApiError {
    ApiError::new(ErrorCode::UploadNotFound, "There is no such upload.")
}

/// A file name without folders, control characters and anything a system gives a meaning to; never empty.
pub(crate) fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .filter(|each| !each.is_control() && !matches!(each, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .map(|each| if matches!(each, ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { each })
        .take(120)
        .collect();
    let plain = plain.trim().trim_matches('.').to_string();
    let stem = plain.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let reserved = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    match plain.is_empty() {
        true => "upload".into(),
        false if reserved || plain.starts_with('-') => format!("_{plain}"),
        false => plain,
    }
}

/// The folder of uploads.
pub(super) struct Uploads {
    folder: PathBuf,
    writing: WritingNow,
}

impl Uploads {
    pub(super) fn new(data_dir: &Path, writing: WritingNow) -> Self {
        Self { folder: uploads_folder(data_dir), writing }
    }

    fn place(&self, id: &str) -> Result<PathBuf, ApiError> {
        let plain = id.len() == 32 && id.bytes().all(|each| each.is_ascii_hexdigit());
        if plain { Ok(self.folder.join(id)) } else { Err(missing()) }
    }

    /// Begins an upload, after old ones were cleared away. An empty one is finished at once.
    pub(super) async fn create(&self, length: u64, name: &str, by: &str) -> Result<Upload, ApiError> {
        self.clear().await?;
        let bits: [u8; 16] = rand::random();
        let id: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = self.folder.join(&id);
        let cannot = |error: std::io::Error| fault("The upload cannot be stored", &error);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(&folder).await.map_err(cannot)?;
        let announced = Announced { length, name: name.into(), by: by.into() };
        let text = serde_json::to_vec(&announced).map_err(|error| ApiError::internal(error.to_string()))?;
        File::create(folder.join("part")).await.map_err(cannot)?;
        fs::write(folder.join("announced.json"), text).await.map_err(cannot)?;
        if length == 0 {
            self.finish(&folder, name).await?;
        }
        self.find(&id).await
    }

    /// An upload as it stands.
    pub(super) async fn find(&self, id: &str) -> Result<Upload, ApiError> {
        let folder = self.place(id)?;
        let text = fs::read(folder.join("announced.json")).await.map_err(|_| missing())?;
        let announced: Announced = serde_json::from_slice(&text).map_err(|_| missing())?;
        let done = folder.join("done").join(&announced.name);
        let there = match fs::metadata(&done).await {
            Ok(there) => there,
            Err(_) => fs::metadata(folder.join("part")).await.map_err(|_| missing())?,
        };
        Ok(Upload {
            id: id.into(),
            length: announced.length,
            offset: there.len(),
            name: announced.name,
            touched: there.modified().unwrap_or_else(|_| SystemTime::now()),
        })
    }

    /// Takes the right to write the piece that begins at `from`. `UPLOAD_CONFLICT` when it stands elsewhere, or
    /// another piece is being written.
    pub(super) async fn write_at(&self, id: &str, from: u64) -> Result<Writing, ApiError> {
        let conflict = |message: String| ApiError::new(ErrorCode::UploadConflict, message);
        let folder = self.place(id)?;
        let upload = self.find(id).await?;
        if !self.writing.lock().unwrap_or_else(PoisonError::into_inner).insert(id.into()) {
            return Err(conflict("Another piece of this upload is being written.".into()));
        }
        let held = Held { id: id.into(), writing: self.writing.clone() };
        // Asked again under the right: another piece may have ended in between.
        let upload = Upload { offset: self.find(id).await?.offset, ..upload };
        if upload.offset != from || upload.offset == upload.length && from != upload.length {
            return Err(conflict(format!("The upload stands at {}, not at {from}.", upload.offset)));
        }
        let file = if upload.offset == upload.length {
            None
        } else {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .open(folder.join("part"))
                .await
                .map_err(|error| fault("The upload cannot be written", &error))?;
            file.seek(SeekFrom::Start(from))
                .await
                .map_err(|error| fault("The upload cannot be written", &error))?;
            Some(file)
        };
        Ok(Writing {
            uploads: Self { folder: self.folder.clone(), writing: self.writing.clone() },
            folder,
            upload,
            file,
            from,
            _held: held,
        })
    }

    async fn finish(&self, folder: &Path, name: &str) -> Result<(), ApiError> {
        let cannot = |error: std::io::Error| fault("The upload cannot be finished", &error);
        let done = folder.join("done");
        fs::create_dir_all(&done).await.map_err(cannot)?;
        fs::rename(folder.join("part"), done.join(name)).await.map_err(cannot)
    }

    /// Forgets an upload. A finished one that a task may be reading is not ours to remove any more.
    pub(super) async fn remove(&self, id: &str) -> Result<(), ApiError> {
        let folder = self.place(id)?;
        self.find(id).await?;
        if folder.join("done").exists() {
            return Err(ApiError::new(
                ErrorCode::UploadConflict,
                "The upload is finished; its file may be in use.",
            ));
        }
        if self.writing.lock().unwrap_or_else(PoisonError::into_inner).contains(id) {
            return Err(ApiError::new(ErrorCode::UploadConflict, "A piece of this upload is being written."));
        }
        fs::remove_dir_all(&folder).await.map_err(|error| fault("The upload cannot be removed", &error))
    }

    /// Removes unfinished uploads to which nothing came for a day. `RATE_LIMITED` when too many are open.
    async fn clear(&self) -> Result<(), ApiError> {
        let Ok(mut entries) = fs::read_dir(&self.folder).await else { return Ok(()) };
        let mut open = 0;
        while let Ok(Some(entry)) = entries.next_entry().await {
            let Ok(part) = fs::metadata(entry.path().join("part")).await else { continue };
            let old = part.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > LIFE);
            let id = entry.file_name().to_string_lossy().into_owned();
            let busy = self.writing.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
            if old && !busy {
                if let Err(error) = fs::remove_dir_all(entry.path()).await {
                    tracing::warn!(%error, id, "an old upload could not be removed");
                }
            } else {
                open += 1;
            }
        }
        if open >= MOST {
            return Err(ApiError::new(
                ErrorCode::RateLimited,
                format!("{MOST} uploads are open; finish or remove some."),
            )
            .with_retry_after_ms(60_000));
        }
        Ok(())
    }
}

/// Gives the right to write back, however the writing ended.
struct Held {
    id: String,
    writing: WritingNow,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// One piece being written.
pub(super) struct Writing {
    uploads: Uploads,
    folder: PathBuf,
    upload: Upload,
    file: Option<File>,
    from: u64,
    _held: Held,
}

impl Writing {
    /// Writes what came next. `BODY_TOO_LARGE` beyond what was announced.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let after = self.upload.offset.saturating_add(bytes.len() as u64);
        if after > self.upload.length {
            return Err(ApiError::new(ErrorCode::BodyTooLarge, "More came than Upload-Length said."));
        }
        if let Some(file) = &mut self.file {
            file.write_all(bytes).await.map_err(|error| fault("The upload cannot be written", &error))?;
        }
        self.upload.offset = after;
        Ok(())
    }

    /// Puts what came on the disk; a piece whose checksum was wrong, or that was too long, is taken back whole.
    pub(super) async fn end(mut self, error: Option<&ApiError>) -> Result<Upload, ApiError> {
        let cannot = |error: std::io::Error| fault("The upload cannot be written", &error);
        if let Some(mut file) = self.file.take() {
            file.flush().await.map_err(cannot)?;
            let bad = error.is_some_and(|error| {
                matches!(error.code, ErrorCode::ChecksumMismatch | ErrorCode::BodyTooLarge)
            });
            if bad {
                file.set_len(self.from).await.map_err(cannot)?;
                self.upload.offset = self.from;
            }
            file.sync_all().await.map_err(cannot)?;
            drop(file);
            if self.upload.offset == self.upload.length {
                self.uploads.finish(&self.folder, &self.upload.name).await?;
            }
        }
        Ok(self.upload)
    }
}

impl Writing {
    /// Finishes an upload whose length was not known before; answers its id.
    pub(super) async fn finish_here(mut self) -> Result<String, ApiError> {
        let cannot = |error: std::io::Error| fault("The upload cannot be written", &error);
        if let Some(mut file) = self.file.take() {
            file.flush().await.map_err(cannot)?;
            file.sync_all().await.map_err(cannot)?;
        }
        self.uploads.finish(&self.folder, &self.upload.name).await?;
        let text = serde_json::to_vec(&Announced {
            length: self.upload.offset,
            name: self.upload.name.clone(),
            by: String::new(),
        })
        .map_err(|error| ApiError::internal(error.to_string()))?;
        fs::write(self.folder.join("announced.json"), text).await.map_err(cannot)?;
        Ok(self.upload.id)
    }

    /// Removes what has come: the request was wrong after all.
    pub(super) async fn forget(mut self) {
        self.file.take();
        if let Err(error) = fs::remove_dir_all(&self.folder).await {
            tracing::warn!(%error, "a refused upload could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::clean_name;

    #[test]
    fn item_6_names_never_leave_their_folder() {
        for (given, wanted) in [
            ("clip.mp4", "clip.mp4"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\x.mp4", "x.mp4"),
            ("..", "upload"),
            ("", "upload"),
            ("a\0b\n.mp4", "ab.mp4"),
            ("C:\\x:ads", "x_ads"),
            ("CON.mp4", "_CON.mp4"),
            ("nul", "_nul"),
            ("-i", "_-i"),
            ("evil\u{202e}4pm.exe", "evil4pm.exe"),
        ] {
            assert_eq!(clean_name(given), wanted, "{given:?}");
        }
        assert!(clean_name(&"x".repeat(5000)).len() <= 120);
    }
}
