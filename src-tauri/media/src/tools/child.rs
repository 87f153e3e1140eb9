//! A running child and its group.
//!
//! Invariant: a group is signalled only while its leader has not been reaped, so a recycled process id is never hit;
//! every child is reaped, whether or not anybody waits for it.

use super::leftovers;
use super::spawner::{self, Order};
use crate::MediaError;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::watch;

/// The leader's process id, and whether it has been reaped.
#[derive(Debug)]
struct Group {
    pid: u32,
    reaped: Mutex<bool>,
}

impl Group {
    fn kill(&self) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            kill_group(self.pid);
        }
    }
}

fn kill_group(leader: u32) {
    // SAFETY: a plain system call; the leader is our unreaped child, so the id is its group's.
    unsafe { libc::killpg(leader as libc::pid_t, libc::SIGKILL) };
}

/// A running program with pipes. Dropping it kills its whole group.
#[derive(Debug)]
pub struct Child {
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
    pub pid: u32,
    group: Arc<Group>,
    ended: watch::Receiver<Option<i32>>,
}

impl Child {
    /// Must be called inside a tokio runtime (for the pipes).
    pub(super) fn start(order: Order) -> Result<Child, MediaError> {
        let mut child = spawner::start(order)?;
        let pid = child.id();
        let group = Arc::new(Group { pid, reaped: Mutex::new(false) });
        let record = leftovers::record(pid);
        let (tell, ended) = watch::channel(None);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let watched = group.clone();
        let waiter =
            std::thread::Builder::new().name("child".into()).stack_size(128 * 1024).spawn(move || {
                let code = reap(&watched, child);
                drop(record);
                tell.send_replace(Some(code));
            });
        if let Err(error) = waiter {
            // Nobody would reap it: the group ends here, and the system reaps the leader with us.
            kill_group(pid);
            return Err(MediaError::storage("Starting a thread", &error));
        }
        let unusable = |error: std::io::Error| {
            group.kill();
            MediaError::storage("Opening a pipe", &error)
        };
        Ok(Child {
            stdin: stdin.map(ChildStdin::from_std).transpose().map_err(unusable)?,
            stdout: stdout.map(ChildStdout::from_std).transpose().map_err(unusable)?,
            stderr: stderr.map(ChildStderr::from_std).transpose().map_err(unusable)?,
            pid,
            group: group.clone(),
            ended,
        })
    }

    /// Waits for its end: the exit code, or the negative number of the signal that ended it.
    /// By then what it left running in its group has been killed too. Cancel safe; may be called again.
    pub async fn wait(&mut self) -> i32 {
        match self.ended.wait_for(Option::is_some).await {
            Ok(code) => code.unwrap_or(-1),
            // The waiter always tells before it goes.
            Err(_) => -1,
        }
    }

    /// Kills the child and everything in its group, at once.
    pub fn kill(&self) {
        self.group.kill();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// Waits without reaping, ends what is left of the group while the leader still holds the id, then reaps.
fn reap(group: &Group, mut child: std::process::Child) -> i32 {
    loop {
        // SAFETY: `info` is plain data that the call fills; the id is our child's.
        let (result, error) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let result = libc::waitid(libc::P_PID, group.pid, &mut info, libc::WEXITED | libc::WNOWAIT);
            (result, std::io::Error::last_os_error())
        };
        if result == 0 || error.kind() != std::io::ErrorKind::Interrupted {
            break;
        }
    }
    let mut reaped = group.reaped.lock().unwrap_or_else(PoisonError::into_inner);
    kill_group(group.pid);
    let status = child.wait();
    *reaped = true;
    match status {
        Ok(status) => status.code().or(status.signal().map(|signal| -signal)).unwrap_or(-1),
        Err(_) => -1,
    }
}
