//! Commands over what the library costs and what helps when something is wrong.
//!
//! Leaves the checks to `crate::doctor`.
//! Invariant: a report names no file, link, host or key of the user's: codes, counts and versions only, and of the log
//! what is left when all that could be one is taken out.

use super::types::*;
use crate::{Backend, doctor};
use domain::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ts_rs::TS;

/// What one kind of content takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StoragePart {
    /// `media`, `artifacts`, `models`, `work`, `database`, `logs` or `other`.
    pub name: String,
    pub path: String,
    pub bytes: u64,
}

/// What the data folder takes, largest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StorageReport {
    pub parts: Vec<StoragePart>,
    /// Bytes free on its disk, where that can be told.
    pub free: Option<u64>,
}

/// Last lines of the log that a report holds.
const LOG_LINES: usize = 400;

/// Counts what the data folder takes.
pub async fn storage(backend: &Backend, _: Nothing) -> Result<StorageReport, ApiError> {
    let folder = backend.data_dir().to_path_buf();
    let free = doctor::free_space(&folder);
    let parts = tokio::task::spawn_blocking(move || parts(&folder))
        .await
        .map_err(|error| ApiError::internal(format!("counting broke off: {error}")))?;
    Ok(StorageReport { parts, free })
}

fn parts(folder: &Path) -> Vec<StoragePart> {
    let mut sums: BTreeMap<&str, (PathBuf, u64)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let part = match name.as_str() {
            "media" => "media",
            "artifacts" => "artifacts",
            "models" => "models",
            "work" | "scratch" => "work",
            "logs" => "logs",
            name if name.starts_with("bobina.") || name.contains(".db") || name.contains(".sqlite") => {
                "database"
            }
            _ => "other",
        };
        let path = if matches!(part, "other" | "database") { folder.to_path_buf() } else { entry.path() };
        sums.entry(part).or_insert((path, 0)).1 += size(&entry.path());
    }
    let mut parts: Vec<StoragePart> = sums
        .into_iter()
        .map(|(name, (path, bytes))| StoragePart {
            name: name.into(),
            path: path.display().to_string(),
            bytes,
        })
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    parts
}

/// Bytes of a file or of all files below a folder; links are not followed, what vanishes meanwhile counts nothing.
fn size(path: &Path) -> u64 {
    let Ok(about) = std::fs::symlink_metadata(path) else { return 0 };
    if !about.is_dir() {
        return about.len();
    }
    std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
}

/// A report for whoever helps, without secrets.
pub async fn support(backend: &Backend, _: Nothing) -> Result<Exported, ApiError> {
    let report = doctor::run(backend).await?;
    let letters = backend.queue.dead_letters(PageQuery { limit: Some(500), offset: None }).await?;
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for letter in letters.items {
        *reasons.entry(format!("{} in {}", letter.error.code.as_str(), letter.step)).or_default() += 1;
    }
    let settings = backend.settings.get();
    let checks: Vec<Value> = report
        .checks
        .iter()
        .map(|c| json!({ "name": c.name, "state": c.state, "version": c.version }))
        .collect();
    let log = backend.data_dir().join("logs").join("bobina.log");
    let lines = tokio::task::spawn_blocking(move || log_lines(&log)).await.unwrap_or_default();
    let document = json!({
        "bobina": report.version,
        "made_at": backend.clock.now(),
        "system": { "os": std::env::consts::OS, "arch": std::env::consts::ARCH, "cores": std::thread::available_parallelism().map_or(0, |n| n.get()) },
        "checks": checks,
        "queue": backend.queue.status().await?,
        "dead_letters": reasons,
        "settings": {
            "recipe_is_built_in": matches!(settings.recipe.as_str(), "download" | "transcribe" | "vsl"),
            "ui_language": settings.ui_language,
            "max_retries": settings.max_retries,
            "limits": [settings.net_limit, settings.cpu_limit, settings.model_limit],
            "allowed_hosts": settings.allow_hosts.len(),
            "own_mirror": !settings.model_mirror.is_empty(),
            "night_only": settings.night_only,
            "mains_only": settings.mains_only,
        },
        "settings_problems": backend.settings.problems().len(),
        "log": lines,
    });
    let content = serde_json::to_string_pretty(&document)
        .map_err(|error| ApiError::internal(format!("the report is not encodable: {error}")))?;
    Ok(Exported { file_name: "bobina-report.json".into(), mime: "application/json".into(), content })
}

fn log_lines(path: &Path) -> Vec<String> {
    let text =
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| without_names(line)).collect()
}

/// A line of the log without quoted texts, paths, addresses and long tokens.
fn without_names(line: &str) -> String {
    let mut quoted = false;
    let bare: String = line
        .chars()
        .filter(|c| {
            if *c == '"' {
                quoted = !quoted;
            }
            !quoted || *c == '"'
        })
        .collect();
    let word = |word: &str| {
        let time = word.len() <= 32
            && word.starts_with(|c: char| c.is_ascii_digit())
            && word.contains(':')
            && !word.contains('/');
        let name = word.contains(['/', '\\', '@']) || word.contains("://") || word.len() > 40;
        let dotted =
            word.contains('.') && !word.contains("::") && word.chars().any(|c| c.is_ascii_alphabetic());
        if !time && (name || dotted) { "…".to_string() } else { word.to_string() }
    };
    bare.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_no_names() {
        let line = r#"2026-11-21T10:00:00.123Z  WARN backend::queue::runner: job=12 "My secret talk.mp4" /home/ana/x.mp4 https://example.org/a?token=b nas.local ana@example.org failed"#;
        let kept = without_names(line);
        for name in ["secret", "ana", "example", "token", "nas", "mp4"] {
            assert!(!kept.contains(name), "{name} in {kept}");
        }
        for word in ["2026-11-21T10:00:00.123Z", "WARN", "backend::queue::runner:", "job=12", "failed"] {
            assert!(kept.contains(word), "{word} not in {kept}");
        }
    }

    #[test]
    fn the_folder_is_counted_by_kind() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("models/deep")).unwrap();
        std::fs::write(folder.path().join("models/deep/a.bin"), vec![0; 3000]).unwrap();
        std::fs::write(folder.path().join("settings.json"), "{}").unwrap();
        let counted: Vec<_> = parts(folder.path()).into_iter().map(|part| (part.name, part.bytes)).collect();
        assert_eq!(counted, [("models".to_string(), 3000), ("other".to_string(), 2)]);
        assert!(parts(&folder.path().join("nowhere")).is_empty());
    }
}
