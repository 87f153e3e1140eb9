//! How the window ends.
//!
//! Owns the way from the last window closed, or a signal, to the end of the process.
//! Invariant: the queue is at rest and the data folder let go before the process ends, however the end began.

use super::engine::Engine;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tauri::{AppHandle, ExitRequestApi, Manager};

/// How far the end has come.
#[derive(Default)]
pub(super) struct Lifetime {
    closing: bool,
    at_rest: Arc<AtomicBool>,
}

impl Lifetime {
    /// Holds the exit back until the engine has closed; asked again meanwhile, it goes on waiting.
    pub(super) fn exit_requested(&mut self, app: &AppHandle, code: Option<i32>, api: &ExitRequestApi) {
        if self.at_rest.load(Ordering::Acquire) {
            return;
        }
        api.prevent_exit();
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        let (app, at_rest) = (app.clone(), self.at_rest.clone());
        tauri::async_runtime::spawn(async move {
            app.state::<Engine>().close().await;
            at_rest.store(true, Ordering::Release);
            app.exit(code.unwrap_or_default());
        });
    }
}

/// Ctrl-C, a closed terminal and a session that ends close the window like its own button.
#[cfg(unix)]
pub(super) fn end_on_signals(app: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            match signal(kind) {
                Ok(mut signals) => {
                    while signals.recv().await.is_some() {
                        app.exit(0);
                    }
                }
                Err(error) => tracing::warn!(%error, "a signal will end the window at once"),
            }
        });
    }
}

#[cfg(not(unix))]
pub(super) fn end_on_signals(_app: AppHandle) {}
