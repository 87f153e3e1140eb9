//! The window: made, locked to the UI it was built with, and closed when it is asked to.
//!
//! Owns the Tauri application and its life; leaves the page to `ui/`, the data folder to [`engine`].
//! Invariant: the webview shows nothing but our own pages and opens no other window; the program ends only after the
//! queue has come to rest.

mod arguments;
mod closing;
mod commands;
mod engine;
mod follow;
mod lifetime;
mod links;
mod place;
mod tray;
mod words;

use arguments::Arguments;
use clap::Parser;
use closing::Closing;
use domain::ApiError;
use engine::Engine;
use lifetime::Lifetime;
use links::Opened;
use place::Remembered;
use server::HostOptions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use tauri::webview::{NewWindowResponse, WebviewWindowBuilder};
use tauri::{App, AppHandle, Manager, RunEvent, Url, WebviewWindow, WindowEvent};

/// The label of the one window, also named by the capability in tauri.conf.json.
const MAIN: &str = "main";

/// Opens the window and returns when it has closed.
pub(crate) fn open() -> ExitCode {
    let arguments = Arguments::parse();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bobina-desktop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<(), ApiError> {
    let data_dir = backend::folder::data_dir(arguments.data_dir.as_deref())?;
    let worker_program = std::env::current_exe()
        .map_err(|error| ApiError::internal(format!("where this program lies is not known: {error}")))?;
    backend::audit::set_surface("window");
    let engine = Engine::new(HostOptions { data_dir: data_dir.clone(), worker_program, work: true });
    let given = arguments.sources(&std::env::current_dir().unwrap_or_default());
    let wanted = arguments.links();

    let context = tauri::generate_context!();
    let single_instance = tauri_plugin_single_instance::Builder::new()
        .dbus_id(instance(&context.config().identifier, &data_dir))
        .callback(second_start);
    let app = tauri::Builder::default()
        .plugin(single_instance.build())
        .plugin(tauri_plugin_dialog::init())
        .manage(engine.clone())
        .manage(Opened::default())
        .manage(Closing::default())
        .manage(Remembered::open(&data_dir))
        .invoke_handler(tauri::generate_handler![commands::rpc, commands::save_text, links::take_opened])
        .on_window_event(|window, event| {
            window.state::<Remembered>().follow(window, event);
            if let WindowEvent::CloseRequested { api, .. } = event {
                window.state::<Closing>().requested(window, api);
            }
        })
        .setup(move |app| {
            make(app)?;
            let tray = tray::make(app.handle());
            tauri::async_runtime::spawn(follow::follow(app.handle().clone(), engine.clone(), tray));
            wanted.into_iter().for_each(|wanted| links::open(app.handle(), wanted));
            lifetime::end_on_signals(app.handle().clone());
            tauri::async_runtime::spawn(engine.clone().forward(app.handle().clone(), MAIN));
            tauri::async_runtime::spawn(arguments::queue(app.handle().clone(), engine, given));
            Ok(())
        })
        .build(context)
        .map_err(|error| ApiError::internal(format!("the window could not be opened: {error}")))?;
    let mut lifetime = Lifetime::default();
    // Ends the process by itself, with the code of the exit.
    app.run(move |app, event| {
        if let RunEvent::ExitRequested { code, api, .. } = event {
            lifetime.exit_requested(app, code, &api);
        }
    });
    Ok(())
}

/// The name by which a second start finds the first: one window for each data folder.
fn instance(identifier: &str, data_dir: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    data_dir.hash(&mut hasher);
    format!("{identifier}.folder{:016x}", hasher.finish())
}

/// A second start shows this window and hands over what it was given.
fn second_start(app: &AppHandle, arguments: Vec<String>, folder: String) {
    bring_to_front(app);
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => {
            arguments.links().into_iter().for_each(|wanted| links::open(app, wanted));
            let sources = arguments.sources(Path::new(&folder));
            let engine = app.state::<Engine>().inner().clone();
            tauri::async_runtime::spawn(arguments::queue(app.clone(), engine, sources));
        }
        // The second start has read the same line and refused it on its own terminal.
        Err(error) => tracing::warn!(%error, "a second start was not understood"),
    }
}

/// Makes the window described in tauri.conf.json, locked to our own pages.
fn make(app: &App) -> tauri::Result<()> {
    let development = app.config().build.dev_url.clone().filter(|_| tauri::is_dev());
    let described = app.config().app.windows.iter().find(|window| window.label == MAIN).cloned();
    let window = WebviewWindowBuilder::from_config(app.handle(), &described.unwrap_or_default())?
        .on_navigation(move |url| is_ours(url, development.as_ref()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    app.state::<Remembered>().restore(&window)
}

/// Shows the window, hidden or behind others as it may be.
fn bring_to_front(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = show(&window)
    {
        tracing::warn!(%error, "the window could not be brought to the front");
    }
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
        let development = Url::parse("http://127.0.0.1:5173").unwrap();
        let ours = |text: &str, development| is_ours(&Url::parse(text).unwrap(), development);
        assert!(ours("tauri://localhost/library", None));
        assert!(ours("http://tauri.localhost/", None));
        assert!(ours("http://127.0.0.1:5173/library", Some(&development)));
        for foreign in [
            "http://127.0.0.1:5173/",
            "https://example.org/",
            "http://tauri.localhost.example.org/",
            "tauri://example.org/",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(!ours(foreign, None), "{foreign}");
        }
        assert!(!ours("http://127.0.0.1:5174/", Some(&development)));
    }

    #[test]
    fn each_data_folder_has_its_own_window() {
        let name = |folder: &str| instance("app.bobina.desktop", Path::new(folder));
        assert_eq!(name("/home/ana/a"), name("/home/ana/a"));
        assert_ne!(name("/home/ana/a"), name("/home/ana/b"));
    }
}
