//! Where the program's own log goes: `<data folder>/logs/bobina.log`, and standard error when `RUST_LOG` asks for it.
//!
//! Invariant: never to standard output; at most two files of [`MAX_SIZE`] each.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Bytes after which the log begins anew and the full one becomes `bobina.log.1`.
const MAX_SIZE: u64 = 8 * 1024 * 1024;

/// Begins to log. A folder that cannot be written is said by the command itself, so here it is only no log.
pub fn start(data_dir: &Path) {
    let file = RotatingFile::open(data_dir.join("logs")).ok().map(|file| {
        let filter = EnvFilter::new("info,hyper=warn,reqwest=warn");
        fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(filter)
    });
    let screen = std::env::var_os("RUST_LOG")
        .map(|_| fmt::layer().with_writer(std::io::stderr).with_filter(EnvFilter::from_default_env()));
    // Only a second start in one process could fail here.
    let _ = tracing_subscriber::registry().with(file).with(screen).try_init();
}

/// A log file that moves itself aside when it is full.
struct RotatingFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl RotatingFile {
    fn open(folder: PathBuf) -> std::io::Result<Self> {
        // The data folder may be made here, and is nobody else's business.
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        let path = folder.join("bobina.log");
        let file = open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size })
    }

    fn rotate(&mut self) -> std::io::Result<()> {
        std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if self.size >= MAX_SIZE {
            self.rotate()?;
        }
        let written = self.file.write(line)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_begins_anew_and_keeps_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RotatingFile::open(folder.path().join("logs")).unwrap();
        log.write_all(b"first\n").unwrap();
        log.size = MAX_SIZE;
        log.write_all(b"second\n").unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join("logs").join(name)).unwrap();
        assert_eq!((read("bobina.log.1").as_str(), read("bobina.log").as_str()), ("first\n", "second\n"));
    }
}
