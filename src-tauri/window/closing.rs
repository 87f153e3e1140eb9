//! What closing the window means while there is work: asked once, then as the settings say.
//!
//! Invariant: the window is hidden only where a tray can bring it back; nothing is lost either way.

use super::engine::Engine;
use super::words::Language;
use backend::api::types::Settings;
use serde_json::json;
use std::sync::{Mutex, PoisonError};
use tauri::{AppHandle, CloseRequestApi, Manager, Window};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogResult};

/// What the last look at the engine told.
#[derive(Default)]
pub(super) struct Closing(Mutex<Told>);

#[derive(Clone, Default)]
struct Told {
    on_close: String,
    language: Language,
    work: bool,
    tray: bool,
    asking: bool,
}

/// What is done.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Quit,
    Hide,
    Ask,
}

fn choice(told: &Told) -> Choice {
    match told.on_close.as_str() {
        _ if !told.tray => Choice::Quit,
        "tray" => Choice::Hide,
        "ask" if told.work => Choice::Ask,
        _ => Choice::Quit,
    }
}

impl Closing {
    /// Takes over how things stand.
    pub(super) fn told(&self, settings: &Settings, work: bool, tray: bool) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.on_close.clone_from(&settings.on_close);
        told.language = Language::of(&settings.ui_language);
        (told.work, told.tray) = (work, tray);
    }

    /// The user closes the window.
    pub(super) fn requested(&self, window: &Window, api: &CloseRequestApi) {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match choice(&told) {
            Choice::Quit => {}
            Choice::Hide => {
                api.prevent_close();
                hide(window.app_handle());
            }
            Choice::Ask => {
                api.prevent_close();
                if !told.asking {
                    self.ask(window.app_handle(), told.language);
                }
            }
        }
    }

    fn ask(&self, app: &AppHandle, language: Language) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).asking = true;
        let say = |key: &str| language.say(key, &[]);
        let (keep, quit) = (say("close.keep"), say("close.quit"));
        let answers =
            MessageDialogButtons::YesNoCancelCustom(keep.clone(), quit.clone(), say("close.cancel"));
        let app = app.clone();
        let dialog = app.dialog().message(say("close.text")).title(say("close.title")).buttons(answers);
        dialog.show_with_result(move |answer| {
            app.state::<Closing>().0.lock().unwrap_or_else(PoisonError::into_inner).asking = false;
            let (keeps, quits) = match &answer {
                MessageDialogResult::Custom(said) => (*said == keep, *said == quit),
                answer => (*answer == MessageDialogResult::Yes, *answer == MessageDialogResult::No),
            };
            if keeps {
                hide(&app);
            }
            if keeps || quits {
                tauri::async_runtime::spawn(kept(app, if keeps { "tray" } else { "quit" }));
            }
        });
    }
}

/// Stores the answer, so that it is not asked again, and ends the program if that was it.
async fn kept(app: AppHandle, answer: &'static str) {
    let engine = app.state::<Engine>().inner().clone();
    let stored = async {
        let mut settings = engine.call("settings.get", json!({})).await?;
        settings["on_close"] = answer.into();
        engine.call("settings.set", settings).await
    };
    if let Err(error) = stored.await {
        tracing::warn!(%error, "the answer could not be stored; it is asked again");
    }
    if answer == "quit" {
        app.exit(0);
    }
}

fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(super::MAIN)
        && let Err(error) = window.hide()
    {
        tracing::warn!(%error, "the window could not be hidden");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_only_when_there_is_work_and_a_tray() {
        let told =
            |on_close: &str, work, tray| Told { on_close: on_close.into(), work, tray, ..Told::default() };
        assert_eq!(choice(&Told::default()), Choice::Quit);
        assert_eq!(choice(&told("ask", true, true)), Choice::Ask);
        assert_eq!(choice(&told("ask", false, true)), Choice::Quit);
        assert_eq!(choice(&told("ask", true, false)), Choice::Quit);
        assert_eq!(choice(&told("tray", false, true)), Choice::Hide);
        assert_eq!(choice(&told("tray", true, false)), Choice::Quit);
        assert_eq!(choice(&told("quit", true, true)), Choice::Quit);
    }
}
