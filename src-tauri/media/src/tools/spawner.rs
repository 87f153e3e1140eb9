//! The one thread that starts processes.
//!
//! `PR_SET_PDEATHSIG` fires when the *thread* that started the child ends, not the process, so children are started
//! only from this thread, which lives as long as the process does.

use crate::MediaError;
use domain::ErrorCode;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel, sync_channel};

/// What to start, plain data that can cross threads.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub dir: PathBuf,
    pub stdin: bool,
    pub low_priority: bool,
    /// Bytes of address space the child may take.
    pub memory: Option<u64>,
}

type Task = Box<dyn FnOnce() + Send>;

static THREAD: OnceLock<Option<Sender<Task>>> = OnceLock::new();

fn thread() -> Option<&'static Sender<Task>> {
    THREAD
        .get_or_init(|| {
            let (tasks, inbox) = channel::<Task>();
            let started = std::thread::Builder::new().name("spawner".into()).spawn(move || {
                for task in inbox {
                    task();
                }
            });
            started.ok().map(|_| tasks)
        })
        .as_ref()
}

/// Starts the child on the spawner thread and waits until it has been executed.
/// `TOOL_MISSING` when there is no such program.
pub(super) fn start(order: Order) -> Result<std::process::Child, MediaError> {
    let gone = || MediaError::new(ErrorCode::Internal, "The thread that starts programs is gone.");
    let program = order.program.clone();
    let (reply, answer) = sync_channel(1);
    let task = Box::new(move || {
        // The caller waits below; it can only be gone when its thread was torn down.
        let _ = reply.send(command(&order).spawn());
    });
    thread().ok_or_else(gone)?.send(task).map_err(|_| gone())?;
    let started = answer.recv().map_err(|_| gone())?;
    started.map_err(|error| {
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                super::missing(&name).with_detail(format!("{}: {error}", program.display()))
            }
            // No more processes or memory: passing faults of the machine.
            _ => MediaError::storage(&format!("Starting {name}"), &error),
        }
    })
}

// The one place where processes start.
#[allow(clippy::disallowed_methods)]
fn command(order: &Order) -> Command {
    let mut command = Command::new(&order.program);
    command
        .args(&order.args)
        .env_clear()
        .envs(order.env.iter().map(|(key, value)| (key, value)))
        .current_dir(&order.dir)
        .stdin(if order.stdin { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let parent = std::process::id();
    let (low_priority, memory) = (order.low_priority, order.memory);
    let prepare = move || prepare(parent, low_priority, memory);
    // SAFETY: `prepare` makes only async-signal-safe system calls and allocates nothing.
    unsafe { command.pre_exec(prepare) };
    command
}

/// Runs in the child between fork and exec.
fn prepare(parent: u32, low_priority: bool, memory: Option<u64>) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: plain system calls on this process.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            // The parent may have died before the line above: then nobody would ever signal.
            if libc::getppid() as u32 != parent {
                libc::_exit(127);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    // SAFETY: plain system calls on this process, with structures on the stack.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        if let Some(bytes) = memory {
            let limit = libc::rlimit { rlim_cur: bytes as libc::rlim_t, rlim_max: bytes as libc::rlim_t };
            libc::setrlimit(libc::RLIMIT_AS, &limit);
        }
        if low_priority {
            libc::setpriority(libc::PRIO_PROCESS, 0, 10);
        }
    }
    Ok(())
}
