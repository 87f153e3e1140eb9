//! What programs said of their versions, remembered between starts.
//!
//! Invariant: a word counts only for the very file that said it: same path, size and time of change.

use super::Tool;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Versions(Vec<Known>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    path: PathBuf,
    size: u64,
    /// Nanoseconds since 1970.
    changed: u64,
    version: String,
}

impl Versions {
    /// What was remembered; nothing when the file is not there or not readable.
    pub(super) fn read(memory: &Path) -> Self {
        std::fs::read(memory).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Remembers. Where that fails the programs are asked again the next time.
    pub(super) fn write(&self, memory: &Path) {
        let new = memory.with_extension("new");
        let written = serde_json::to_vec(self)
            .map_err(std::io::Error::other)
            .and_then(|text| std::fs::write(&new, text))
            .and_then(|()| std::fs::rename(&new, memory));
        if let Err(error) = written {
            tracing::warn!(%error, "the programs' versions could not be remembered");
        }
    }

    /// The versions of programs that were just asked, or known before.
    pub(super) fn of<'a>(tools: impl Iterator<Item = &'a Tool>) -> Self {
        let known = |tool: &Tool| {
            let (size, changed) = stamp(&tool.path)?;
            Some(Known { path: tool.path.clone(), size, changed, version: tool.version.clone() })
        };
        Self(tools.filter_map(known).collect())
    }

    /// What that program said, when it has not changed since.
    pub(super) fn get(&self, path: &Path) -> Option<String> {
        let known = self.0.iter().find(|known| known.path == path)?;
        (stamp(path)? == (known.size, known.changed)).then(|| known.version.clone())
    }
}

/// Size and time of change of the file that a path leads to.
fn stamp(path: &Path) -> Option<(u64, u64)> {
    let there = std::fs::metadata(path).ok()?;
    let changed = there.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((there.len(), u64::try_from(changed.as_nanos()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_word_counts_only_for_the_file_that_said_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, memory) = (folder.path().join("ffmpeg"), folder.path().join("tools.json"));
        std::fs::write(&path, b"#!/bin/sh").unwrap();
        let tool = Tool { path: path.clone(), version: "5.1.9".into() };
        Versions::of([&tool].into_iter()).write(&memory);
        let known = Versions::read(&memory);
        assert_eq!(known.get(&path).as_deref(), Some("5.1.9"));
        assert_eq!(known.get(&folder.path().join("ffprobe")), None);
        let later = SystemTime::now() + Duration::from_secs(7);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert_eq!(known.get(&path), None, "it was replaced");
        std::fs::write(&memory, b"{torn").unwrap();
        assert_eq!(Versions::read(&memory), Versions::default());
    }
}
