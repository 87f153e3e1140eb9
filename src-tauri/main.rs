//! The window's program.
//!
//! Owns the choice between its two lives: the window, or the hidden `worker` that hears speech for it in a child process.
//! Leaves the window to the library beside it and the worker to `media`.
//! Invariant: a worker never starts Tauri, and so needs no display.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    bobina_desktop::run()
}
