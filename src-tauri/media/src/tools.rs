//! Other people's programs: where they are, how they are started, and that none outlives us.
//!
//! Owns finding ffmpeg, ffprobe, PocketSphinx and yt-dlp, and every start of a process.
//! Leaves what they are asked to do to the modules that ask.
//! Invariant: each child is the leader of a process group of its own, dies with this process, and its whole group
//! is dead before a call that was cancelled or timed out returns.

mod child;
pub(crate) mod ffmpeg;
pub mod leftovers;
mod locate;
mod open;
mod program;
mod spawner;
mod versions;

#[cfg(test)]
mod tests;

pub use child::Child;
pub use leftovers::Leftovers;
pub use open::open_address;
pub use program::{Finished, Program};

use crate::{MediaError, Run};
use domain::ErrorCode;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use versions::Versions;

/// Where the user says the programs are; what is not said is looked for beside our own program, then on `PATH`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolPaths {
    pub ffmpeg: Option<PathBuf>,
    pub ffprobe: Option<PathBuf>,
    /// `pocketsphinx_batch`
    pub pocketsphinx: Option<PathBuf>,
    pub yt_dlp: Option<PathBuf>,
}

/// A program that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    pub path: PathBuf,
    /// Its own word on its version, such as `5.1.9-0+deb12u1`; empty where asking is slow or not possible
    /// (yt-dlp, PocketSphinx).
    pub version: String,
}

#[derive(Debug)]
struct Found {
    ffmpeg: Result<Tool, MediaError>,
    ffprobe: Result<Tool, MediaError>,
    pocketsphinx: Result<Tool, MediaError>,
    yt_dlp: Result<Tool, MediaError>,
}

/// The programs of this machine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tools {
    found: Arc<Found>,
}

impl Tools {
    /// Looks for every program and asks ffmpeg and ffprobe for their versions, side by side.
    /// A program that is not there, or does not run, answers later with `TOOL_MISSING`.
    pub async fn find(paths: &ToolPaths) -> Tools {
        Self::find_with(paths, &Versions::default()).await.0
    }

    /// As [`Tools::find`], but a program that has not changed since it was asked the last time is not asked again,
    /// so that a start waits for none. `memory` is the file that remembers.
    pub async fn find_remembered(paths: &ToolPaths, memory: &Path) -> Tools {
        let known = Versions::read(memory);
        let (tools, versions) = Self::find_with(paths, &known).await;
        if versions != known {
            versions.write(memory);
        }
        tools
    }

    async fn find_with(paths: &ToolPaths, known: &Versions) -> (Tools, Versions) {
        let (ffmpeg, ffprobe) = tokio::join!(
            locate::with_version("ffmpeg", paths.ffmpeg.as_deref(), known),
            locate::with_version("ffprobe", paths.ffprobe.as_deref(), known),
        );
        let versions = Versions::of([&ffmpeg, &ffprobe].into_iter().flatten());
        let unversioned = |name: &str, chosen: Option<&Path>| {
            locate::locate(name, chosen).map(|path| Tool { path, version: String::new() })
        };
        let found = Found {
            ffmpeg,
            ffprobe,
            pocketsphinx: unversioned("pocketsphinx_batch", paths.pocketsphinx.as_deref()),
            yt_dlp: unversioned("yt-dlp", paths.yt_dlp.as_deref()),
        };
        (Tools { found: Arc::new(found) }, versions)
    }

    /// `TOOL_MISSING` when it is not there.
    pub fn ffmpeg(&self) -> Result<&Tool, MediaError> {
        self.found.ffmpeg.as_ref().map_err(Clone::clone)
    }

    /// `TOOL_MISSING` when it is not there.
    pub fn ffprobe(&self) -> Result<&Tool, MediaError> {
        self.found.ffprobe.as_ref().map_err(Clone::clone)
    }

    /// `pocketsphinx_batch`; `TOOL_MISSING` when it is not there.
    pub fn pocketsphinx(&self) -> Result<&Tool, MediaError> {
        self.found.pocketsphinx.as_ref().map_err(Clone::clone)
    }

    /// `TOOL_MISSING` when it is not there.
    pub fn yt_dlp(&self) -> Result<&Tool, MediaError> {
        self.found.yt_dlp.as_ref().map_err(Clone::clone)
    }

    /// Asks yt-dlp for its version; it is a Python program and takes about a second to say.
    pub async fn yt_dlp_version(&self) -> Result<String, MediaError> {
        let scratch = std::env::temp_dir();
        let asked = Program::new(&self.yt_dlp()?.path)
            .args(["--ignore-config", "--version"])
            .output(&Run::quiet(scratch), Duration::from_secs(20))
            .await?;
        asked
            .succeeded("yt-dlp --version")
            .map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }
}

pub(crate) fn missing(name: &str) -> MediaError {
    MediaError::new(
        ErrorCode::ToolMissing,
        format!("{name} is not installed, or not where it is looked for."),
    )
}
