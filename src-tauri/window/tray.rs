//! The icon in the tray: what runs, a pause for all of it, the window, the end.
//!
//! Invariant: a system without a tray (no appindicator library) has none, and everything else works the same.

use super::engine::Engine;
use super::words::Language;
use backend::api::types::QueueStatus;
use serde_json::json;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Wry};

/// The icon and what changes in its menu.
pub(super) struct Tray {
    icon: TrayIcon<Wry>,
    state: MenuItem<Wry>,
    pause: MenuItem<Wry>,
    show: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

/// Makes the icon; none where the system has no place for it.
pub(super) fn make(app: &AppHandle) -> Option<Tray> {
    // The library behind it is looked for when it is first used, and its absence is a panic.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| build(app))) {
        Ok(Ok(tray)) => Some(tray),
        Ok(Err(error)) => {
            tracing::warn!(%error, "there is no tray");
            None
        }
        Err(_) => {
            tracing::warn!("there is no tray: the appindicator library is missing");
            None
        }
    }
}

fn build(app: &AppHandle) -> tauri::Result<Tray> {
    let language = Language::of("system");
    let item =
        |id: &str, enabled: bool| MenuItem::with_id(app, id, language.say(id, &[]), enabled, None::<&str>);
    let state = item("tray.idle", false)?;
    let (show, pause, quit) = (item("tray.show", true)?, item("tray.pause", true)?, item("tray.quit", true)?);
    let lines = (PredefinedMenuItem::separator(app)?, PredefinedMenuItem::separator(app)?);
    let menu = Menu::with_items(app, &[&state, &lines.0, &show, &pause, &lines.1, &quit])?;
    let mut builder = TrayIconBuilder::with_id("main").menu(&menu).on_menu_event(chosen).tooltip("Bobina");
    if let Some(icon) = app.default_window_icon() {
        builder = builder.icon(icon.clone());
    }
    Ok(Tray { icon: builder.build(app)?, state, pause, show, quit })
}

fn chosen(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        "tray.show" => super::bring_to_front(app),
        "tray.quit" => app.exit(0),
        "tray.pause" => {
            let engine = app.state::<Engine>().inner().clone();
            tauri::async_runtime::spawn(async move {
                if let Err(error) = toggle(&engine).await {
                    tracing::warn!(%error, "the pause of the tray was not done");
                }
            });
        }
        _ => {}
    }
}

/// Pauses everything, or lets it go on.
async fn toggle(engine: &Engine) -> Result<(), domain::ApiError> {
    let status = engine.call("queue.status", json!({})).await?;
    let name = if status["paused"] == true { "tasks.resume" } else { "tasks.pause" };
    engine.call(name, json!({})).await.map(drop)
}

impl Tray {
    /// Shows how the queue stands.
    pub(super) fn tell(&self, status: &QueueStatus, language: Language) -> tauri::Result<()> {
        self.state.set_text(sentence(status, language))?;
        let pause = if status.paused { "tray.resume" } else { "tray.pause" };
        self.pause.set_text(language.say(pause, &[]))?;
        self.show.set_text(language.say("tray.show", &[]))?;
        self.quit.set_text(language.say("tray.quit", &[]))?;
        let left = status.processing + status.queued;
        self.icon.set_title((left > 0).then(|| left.to_string()))
    }
}

fn sentence(status: &QueueStatus, language: Language) -> String {
    if status.paused {
        return language.say("tray.paused", &[]);
    }
    if status.held.is_some() {
        return language.say("tray.held", &[]);
    }
    if status.processing + status.queued == 0 {
        return language.say("tray.idle", &[]);
    }
    let (running, queued) = (status.processing.to_string(), status.queued.to_string());
    language.say("tray.working", &[("running", &running), ("queued", &queued)])
}
