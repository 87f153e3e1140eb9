//! The name of a file's content.

use super::{open, said};
use crate::{MediaError, Run};
use domain::ErrorCode;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

/// Bytes read at a time: large enough for BLAKE3 to use its widest lanes, small enough to stop at once.
const BLOCK: usize = 1 << 20;

/// A file's content by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentHash {
    /// BLAKE3, 64 hexadecimal digits.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

/// Reads the whole file on a thread of its own and names its content.
///
/// Errors: those of [`super::examine`] about the file itself, `FILE_CHANGED` when its size or time of change moved
/// meanwhile, `CANCELLED`.
pub async fn hash(path: &Path, run: &Run) -> Result<ContentHash, MediaError> {
    let (path, run) = (path.to_path_buf(), run.clone());
    let reading = tokio::task::spawn_blocking(move || read(&path, &run));
    reading.await.map_err(|error| {
        MediaError::new(ErrorCode::Internal, "The thread that reads a file broke.")
            .with_detail(error.to_string())
    })?
}

fn read(path: &Path, run: &Run) -> Result<ContentHash, MediaError> {
    let fault = |error: std::io::Error| MediaError::storage(&format!("Reading {}", said(path)), &error);
    let mut file = open(path)?;
    let before = file.metadata().map_err(fault)?;
    let expected = before.len();
    if expected == 0 {
        return Err(MediaError::new(ErrorCode::FileEmpty, format!("{} is empty.", said(path))));
    }
    advise(&file);
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; BLOCK];
    let mut size = 0_u64;
    loop {
        run.check()?;
        let count = match file.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fault(error)),
        };
        hasher.update(&block[..count]);
        size += count as u64;
        if size > expected {
            return Err(changed(path));
        }
        run.report(size as f64 / expected as f64, None);
    }
    let after = file.metadata().map_err(fault)?;
    let same_name = std::fs::metadata(path).is_ok_and(|now| alike(&now, &before));
    if size != expected || !alike(&after, &before) || !same_name {
        return Err(changed(path));
    }
    Ok(ContentHash { hash: hasher.finalize().to_hex().to_string(), size })
}

fn alike(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len() && one.modified().ok() == other.modified().ok()
}

fn changed(path: &Path) -> MediaError {
    MediaError::new(ErrorCode::FileChanged, format!("{} changed while it was read.", said(path)))
}

/// Tells the system that the file is read once from start to end. Only advice: a refusal changes nothing.
fn advise(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;

    #[tokio::test]
    async fn content_has_one_name_and_progress_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let content = vec![7; 3 * BLOCK + 5];
        std::fs::write(&path, &content).unwrap();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut run = Run::quiet(folder.path());
        let heard = told.clone();
        run.progress = Arc::new(move |fraction, _| heard.lock().unwrap().push(fraction));
        let named = hash(&path, &run).await.unwrap();
        assert_eq!(
            (named.hash, named.size),
            (blake3::hash(&content).to_hex().to_string(), content.len() as u64)
        );
        assert_eq!(told.lock().unwrap().last(), Some(&1.0));
    }

    #[tokio::test]
    async fn a_file_that_changes_or_work_that_is_cancelled_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, vec![7; 3 * BLOCK]).unwrap();
        let mut run = Run::quiet(folder.path());
        let growing = path.clone();
        run.progress = Arc::new(move |_, _| {
            std::fs::OpenOptions::new().append(true).open(&growing).unwrap().write_all(b"more").unwrap();
        });
        assert_eq!(hash(&path, &run).await.unwrap_err().code, ErrorCode::FileChanged);
        let run = Run::quiet(folder.path());
        run.cancel.cancel();
        assert_eq!(hash(&path, &run).await.unwrap_err().code, ErrorCode::Cancelled);
    }
}
