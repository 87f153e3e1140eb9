//! The window: made, locked to the UI it was built with, and closed when it is asked to.
//!
//! Owns the Tauri application; leaves the page to `ui/`.
//! Invariant: the webview shows nothing but our own pages and opens no other window.

use std::process::ExitCode;
use tauri::webview::{NewWindowResponse, WebviewWindowBuilder};
use tauri::{App, Manager, Url, WebviewWindow};

/// The label of the one window, also named by the capability in tauri.conf.json.
const MAIN: &str = "main";

/// Opens the window and returns when it has closed.
pub(crate) fn open() -> ExitCode {
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| {
            if let Some(window) = app.get_webview_window(MAIN)
                && let Err(error) = show(&window)
            {
                tracing::warn!(%error, "the window could not be brought to the front");
            }
        }))
        .plugin(tauri_plugin_dialog::init())
        .setup(|app| Ok(make(app)?))
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(|_, _| {});
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the window could not be opened");
            ExitCode::FAILURE
        }
    }
}

/// Makes the window described in tauri.conf.json, locked to our own pages.
fn make(app: &App) -> tauri::Result<()> {
    let development = app.config().build.dev_url.clone().filter(|_| tauri::is_dev());
    let described = app.config().app.windows.iter().find(|window| window.label == MAIN).cloned();
    WebviewWindowBuilder::from_config(app.handle(), &described.unwrap_or_default())?
        .on_navigation(move |url| is_ours(url, development.as_ref()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    Ok(())
}

fn show(window: &WebviewWindow) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

/// Whether an address is one of our own pages: Tauri's scheme, or the UI's server during development.
fn is_ours(url: &Url, development: Option<&Url>) -> bool {
    let tauri = url.scheme() == "tauri" && url.host_str() == Some("localhost");
    let windows = matches!(url.scheme(), "http" | "https") && url.host_str() == Some("tauri.localhost");
    tauri || windows || development.is_some_and(|server| server.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_pages_are_shown() {
        let development = Url::parse("http://localhost:5173").unwrap();
        let ours = |text: &str, development| is_ours(&Url::parse(text).unwrap(), development);
        assert!(ours("tauri://localhost/library", None));
        assert!(ours("http://tauri.localhost/", None));
        assert!(ours("http://localhost:5173/library", Some(&development)));
        for foreign in [
            "http://localhost:5173/",
            "https://example.org/",
            "http://tauri.localhost.example.org/",
            "tauri://example.org/",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(!ours(foreign, None), "{foreign}");
        }
        assert!(!ours("http://localhost:5174/", Some(&development)));
    }
}
