//! Media made by ffmpeg at run time, for the tests of formats and of bad input.
#![allow(dead_code)] // each test binary uses its part

use media::tools::{ToolPaths, Tools};
use media::{MediaError, Run};
use std::path::{Path, PathBuf};

/// A temporary folder, the programs, and work in a scratch folder of its own.
pub struct Room {
    pub folder: tempfile::TempDir,
    pub tools: Tools,
    pub run: Run,
}

impl Room {
    pub async fn new() -> Room {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scratch")).unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        let tools = Tools::find(&ToolPaths::default()).await;
        let run = Run::quiet(folder.path().join("scratch"));
        Room { folder, tools, run }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// Names of what lies in the scratch folder.
    pub fn left_in_scratch(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.run.scratch).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    pub async fn probe(&self, path: &Path) -> Result<domain::MediaInfo, MediaError> {
        media::probe::probe(&self.tools, path, &self.run).await
    }
}

/// Runs a program of the harness; its standard output.
#[allow(clippy::disallowed_methods)] // the harness makes its own files, not through the code under test
pub fn command(program: &str, args: &[&str], dir: &Path) -> Vec<u8> {
    let done = std::process::Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(done.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Runs ffmpeg in `dir` with arguments given as one line (no blanks inside an argument).
pub fn ffmpeg(line: &str, dir: &Path) {
    let args: Vec<&str> =
        ["-v", "error", "-nostdin", "-y"].into_iter().chain(line.split_whitespace()).collect();
    command("ffmpeg", &args, dir);
}

/// The samples of a WAV of 16 kHz mono s16le with the plain header.
pub fn samples(wav: &Path) -> Vec<i16> {
    let bytes = std::fs::read(wav).unwrap();
    assert_eq!(&bytes[..4], b"RIFF");
    assert_eq!(&bytes[8..16], b"WAVEfmt ");
    assert_eq!(
        bytes[20..36],
        [1, 0, 1, 0, 0x80, 0x3e, 0, 0, 0, 0x7d, 0, 0, 2, 0, 16, 0],
        "16 kHz mono s16le"
    );
    assert_eq!(&bytes[36..40], b"data");
    assert_eq!(u32::from_le_bytes(bytes[40..44].try_into().unwrap()) as usize, bytes.len() - 44);
    bytes[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Second of the first sample that is loud.
pub fn first_loud(samples: &[i16]) -> Option<f64> {
    samples.iter().position(|sample| sample.unsigned_abs() > 1500).map(|at| at as f64 / 16_000.0)
}
