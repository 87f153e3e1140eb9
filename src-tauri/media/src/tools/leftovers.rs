//! Children that outlived a crash of ours, found again and ended.
//!
//! Each running child has a small file in every open record: its process id and start time, and those of this
//! process. All our children carry a mark in their environment, which their own children inherit.
//! Invariant: only a process whose id and start time, or whose mark, stand in a record of a dead owner is killed.

use crate::MediaError;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The variable that marks our children.
const MARK: &str = "BOBINA_CHILD";

static RECORDS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A process, told apart from a later one with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    pid: u32,
    /// Clock ticks between the machine's start and the process's.
    started: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    child: Identity,
    owner: Identity,
    mark: String,
}

/// The record of running children in one data folder. While it is open, every child of this process is written to it.
#[derive(Debug)]
pub struct Leftovers {
    folder: PathBuf,
}

impl Leftovers {
    /// Opens the record `children` in the data folder (made when missing). Call [`Leftovers::kill_leftovers`] before
    /// starting work.
    pub fn open(data_dir: &Path) -> Result<Leftovers, MediaError> {
        let folder = data_dir.join("children");
        std::fs::create_dir_all(&folder)
            .map_err(|error| MediaError::storage("Making the record of children", &error))?;
        RECORDS.lock().unwrap_or_else(PoisonError::into_inner).push(folder.clone());
        Ok(Leftovers { folder })
    }

    /// Kills what a dead process of ours left running and forgets it; the number of processes killed.
    /// Children of a process that still lives are left alone.
    pub fn kill_leftovers(&self) -> Result<usize, MediaError> {
        let listed = std::fs::read_dir(&self.folder)
            .map_err(|error| MediaError::storage("Reading the record of children", &error))?;
        let mut killed = 0;
        for path in listed.flatten().map(|file| file.path()) {
            if path.extension().is_none_or(|extension| extension != "child") {
                continue;
            }
            let entry =
                std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Entry>(&text).ok());
            match entry {
                Some(entry) if start_time(entry.owner.pid) == Some(entry.owner.started) => continue,
                Some(entry) => killed += kill_entry(&entry),
                // Cut short by the crash: it says nothing that could be acted on.
                None => (),
            }
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, file = %path.display(), "an old record of a child stays");
            }
        }
        Ok(killed)
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = records.iter().position(|folder| *folder == self.folder) {
            records.swap_remove(index);
        }
    }
}

/// The files that say a child runs; removed when it has been reaped.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    files: Vec<PathBuf>,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Writes a fresh child down in every open record. A record that cannot be written is no reason to stop working.
pub(super) fn record(pid: u32) -> Recorded {
    let folders = RECORDS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (Some(started), Some(owner), false) = (start_time(pid), own_identity(), folders.is_empty()) else {
        return Recorded::default();
    };
    let entry = Entry { child: Identity { pid, started }, owner, mark: own_mark().to_owned() };
    let Ok(text) = serde_json::to_vec(&entry) else { return Recorded::default() };
    let files = folders.into_iter().map(|folder| folder.join(format!("{}-{pid}.child", owner.pid)));
    let written = files.filter(|file| match std::fs::write(file, &text) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, file = %file.display(), "a running child could not be recorded");
            false
        }
    });
    Recorded { files: written.collect() }
}

/// The variable and value every child of this process carries.
pub(super) fn mark() -> (OsString, OsString) {
    (MARK.into(), own_mark().into())
}

fn own_mark() -> &'static str {
    static OWN: OnceLock<String> = OnceLock::new();
    OWN.get_or_init(|| {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let own = own_identity().unwrap_or(Identity { pid: std::process::id(), started: 0 });
        format!("{}-{}-{}", own.pid, own.started, boot.trim())
    })
}

fn own_identity() -> Option<Identity> {
    let pid = std::process::id();
    start_time(pid).map(|started| Identity { pid, started })
}

/// Field 22 of `/proc/<pid>/stat`; none when there is no such process (or it is a zombie), or no `/proc`.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold blanks and brackets; the last bracket ends it.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn kill_entry(entry: &Entry) -> usize {
    let marked = format!("{MARK}={}", entry.mark);
    let running = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = running.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut killed = 0;
    for pid in pids {
        let is_child = pid == entry.child.pid && start_time(pid) == Some(entry.child.started);
        if is_child || carries(pid, marked.as_bytes()) {
            tracing::info!(pid, "ending a program left over from a crash");
            // SAFETY: a plain system call; the process was just recognised as ours.
            killed += usize::from(unsafe { libc::kill(pid as libc::pid_t, libc::SIGKILL) } == 0);
        }
    }
    killed
}

fn carries(pid: u32, marked: &[u8]) -> bool {
    start_time(pid).is_some()
        && std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|variable| variable == marked))
}
