//! The desktop shell: Bobina's window.
//!
//! Owns the window, its one command, the forwarding of events, dialogs and the files given at the start.
//! Leaves every decision about media and tasks to `backend`, reached through `server`.
//! Invariant: holds no logic of the product; what the window can do, the command line can do.

mod window;

use std::process::ExitCode;

/// Runs the program until the window has closed and the queue has come to rest.
pub fn run() -> ExitCode {
    window::open()
}
