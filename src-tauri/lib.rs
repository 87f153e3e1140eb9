//! The desktop shell: Bobina's window.
//!
//! Owns the window, its two commands, the forwarding of events, dialogs and the files given at the start.
//! Leaves every decision about media and tasks to `backend`, reached through `server`.
//! Invariant: holds no logic of the product; what the window can do, the command line can do.

mod window;

use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Runs the program: the window until it has closed and the queue has come to rest, or the hidden `worker` that hears
/// speech for it in a child process and needs no display.
pub fn run() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == "worker") {
        std::process::exit(media::speech::worker::serve());
    }
    let filter = EnvFilter::try_from_env("BOBINA_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    window::open()
}
