//! Partial results that outlive a try: half a download, the sound that is being heard.
//!
//! Owns their names below `<data folder>/work`; leaves filling them to the steps.
//! Invariant: they go with the task they belong to: when it is cancelled, and when its step has succeeded.

use domain::{Source, TaskInput};
use std::path::{Path, PathBuf};

/// Where a URL's download is kept between tries.
pub(crate) fn download_folder(work_dir: &Path, url: &str) -> PathBuf {
    work_dir.join("fetch").join(&blake3::hash(url.as_bytes()).to_hex()[..32])
}

/// Where a task's sound is kept while it is being heard.
pub(crate) fn speech_file(work_dir: &Path, task_id: &str, step: &str) -> PathBuf {
    work_dir.join("speech").join(format!("{task_id}.{step}.wav"))
}

/// Removes what a cancelled task left. Blocking.
pub(crate) fn remove(work_dir: &Path, task_id: &str, input: &TaskInput) {
    if let Source::Url { url } = &input.source {
        gone(&download_folder(work_dir, url), std::fs::remove_dir_all(download_folder(work_dir, url)));
    }
    let Ok(entries) = std::fs::read_dir(work_dir.join("speech")) else { return };
    let prefix = format!("{task_id}.");
    for entry in entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with(&prefix)) {
        gone(&entry.path(), std::fs::remove_file(entry.path()));
    }
}

fn gone(path: &Path, removed: std::io::Result<()>) {
    match removed {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, path = %path.display(), "a partial file could not be removed"),
    }
}
