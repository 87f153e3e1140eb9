//! How the process before this one ended, as far as it can be known.
//!
//! Owns one small file in the data folder. Its first line says which start of the machine it belongs to and how many
//! processes had been killed for want of memory by then; a fault of our own adds a byte, from the signal's handler.
//! Invariant: a kill from outside, a lost battery or a closed lid is never held against a job.

use super::ledger::Death;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

const FILE_NAME: &str = "running";

/// Reads what the last process left, and begins to watch this one.
pub(super) fn watch(folder: &Path) -> std::io::Result<Death> {
    let path = folder.join(FILE_NAME);
    let mut left = String::new();
    match File::open(&path) {
        Ok(mut file) => drop(file.read_to_string(&mut left)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let now = (boot(), out_of_memory_kills());
    let death = judge(&left, &now.0, now.1);
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&path)?;
    writeln!(file, "{} {}", now.0, now.1)?;
    faults::mark_in(file);
    Ok(death)
}

/// The process ends as it should: nothing is held against it.
pub(super) fn ended(folder: &Path) {
    let path = folder.join(FILE_NAME);
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the mark of a running process could not be removed");
    }
}

fn judge(left: &str, boot: &str, kills: u64) -> Death {
    let Some((line, faults)) = left.split_once('\n') else { return Death::Outside };
    if !faults.is_empty() {
        return Death::Fault;
    }
    match line.split_once(' ') {
        // A process was killed for want of memory while the last one ran: it was probably that one.
        Some((its_boot, count))
            if its_boot == boot && count.parse().is_ok_and(|before: u64| kills > before) =>
        {
            Death::Fault
        }
        _ => Death::Outside,
    }
}

/// Which start of the machine this is.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "-".into(), |id| id.trim().to_string())
}

/// Processes killed for want of memory since the machine started; 0 where that is not told.
fn out_of_memory_kills() -> u64 {
    std::fs::read_to_string("/proc/vmstat")
        .ok()
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok()))
        .unwrap_or(0)
}

#[cfg(unix)]
mod faults {
    //! Handlers of the signals by which a process dies of its own fault.

    use std::fs::File;
    use std::os::fd::IntoRawFd;
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::sync::{Once, OnceLock};

    const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGABRT];

    static MARK: AtomicI32 = AtomicI32::new(-1);
    static BEFORE: [OnceLock<libc::sigaction>; 4] = [const { OnceLock::new() }; 4];

    /// From now on a fault adds a byte to `file`, which stays open as long as the process.
    pub(super) fn mark_in(file: File) {
        let before = MARK.swap(file.into_raw_fd(), Ordering::SeqCst);
        if before >= 0 {
            // SAFETY: the descriptor came from `into_raw_fd` above, nobody else owns it.
            unsafe { libc::close(before) };
        }
        static INSTALL: Once = Once::new();
        INSTALL.call_once(install);
    }

    fn install() {
        for (signal, before) in SIGNALS.iter().zip(&BEFORE) {
            // SAFETY: all-zero is a valid sigaction; the handler has the signature that SA_SIGINFO asks for, and does
            // only what a handler may: atomic loads, write, fsync, sigaction.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_fault as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                let mut old: libc::sigaction = std::mem::zeroed();
                if libc::sigaction(*signal, std::ptr::null(), &mut old) == 0 && before.set(old).is_ok() {
                    libc::sigaction(*signal, &action, std::ptr::null_mut());
                }
            }
        }
    }

    /// Leaves the mark, then lets the earlier handler have the signal: the faulting instruction runs again.
    extern "C" fn on_fault(signal: libc::c_int, _info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
        let mark = MARK.load(Ordering::SeqCst);
        let place = SIGNALS.iter().position(|known| *known == signal);
        // SAFETY: see `install`; the byte lives for the whole call.
        unsafe {
            if mark >= 0 {
                libc::write(mark, b"!".as_ptr().cast(), 1);
                libc::fsync(mark);
            }
            if let Some(before) = place.and_then(|place| BEFORE[place].get()) {
                libc::sigaction(signal, before, std::ptr::null_mut());
            }
        }
    }
}

#[cfg(not(unix))]
mod faults {
    /// Nothing is known here about how a process ended.
    pub(super) fn mark_in(_file: std::fs::File) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_faults_and_want_of_memory_are_held_against_jobs() {
        assert_eq!(judge("", "b", 0), Death::Outside);
        assert_eq!(judge("b 4\n", "b", 4), Death::Outside);
        assert_eq!(judge("b 4\n!", "b", 4), Death::Fault);
        assert_eq!(judge("b 4\n", "b", 5), Death::Fault);
        assert_eq!(judge("other 4\n", "b", 5), Death::Outside);
        assert_eq!(judge("torn", "b", 5), Death::Outside);
    }

    #[test]
    fn a_second_start_sees_what_the_first_left() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(watch(folder.path()).unwrap(), Death::Outside);
        assert_eq!(watch(folder.path()).unwrap(), Death::Outside);
        let path = folder.path().join(FILE_NAME);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"!").unwrap();
        assert_eq!(watch(folder.path()).unwrap(), Death::Fault);
        ended(folder.path());
        assert_eq!(watch(folder.path()).unwrap(), Death::Outside);
    }
}
