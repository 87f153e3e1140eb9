//! What stands on the command line of the window, its own or that of a second start.
//!
//! Owns reading it and queueing the sources it names.
//! Invariant: each source is queued or refused by name where the user sees it.

use super::engine::Engine;
use super::links::Wanted;
use clap::Parser;
use domain::Source;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tauri::{AppHandle, Url};
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};

/// Bobina: turns videos, audio and links into a searchable library.
#[derive(Debug, Parser)]
#[command(name = "bobina-desktop", version)]
pub(super) struct Arguments {
    /// Folder that holds the library [default: the user's own]
    #[arg(long, value_name = "DIR", env = backend::folder::DATA_DIR_VARIABLE)]
    pub(super) data_dir: Option<PathBuf>,
    /// Files, folders and links to queue
    #[arg(value_name = "SOURCE")]
    sources: Vec<OsString>,
}

impl Arguments {
    /// What `bobina://` links among the sources want to be shown.
    pub(super) fn links(&self) -> Vec<Wanted> {
        self.sources.iter().filter_map(|source| Wanted::of_link(&source.to_string_lossy())).collect()
    }

    /// The sources with paths made absolute from `folder`.
    pub(super) fn sources(&self, folder: &Path) -> Vec<String> {
        // File managers hand over files as addresses.
        let typed = |source: &OsString| {
            let text = source.to_string_lossy();
            let path = Url::parse(&text)
                .ok()
                .filter(|url| url.scheme() == "file")
                .and_then(|url| url.to_file_path().ok());
            match path {
                Some(path) => path.to_string_lossy().into_owned(),
                None => Source::typed(&text, folder).as_str().to_string(),
            }
        };
        let is_link = |source: &&OsString| Wanted::of_link(&source.to_string_lossy()).is_some();
        self.sources.iter().filter(|source| !is_link(source)).map(typed).collect()
    }
}

/// Queues `sources` with the usual recipe; what is refused is named in a dialog.
pub(super) async fn queue(app: AppHandle, engine: Engine, sources: Vec<String>) {
    if sources.is_empty() {
        return;
    }
    let refused = match engine.call("tasks.add", json!({ "sources": sources })).await {
        Ok(outcome) => refusals(&outcome),
        Err(error) => vec![error.to_string()],
    };
    if !refused.is_empty() {
        tracing::warn!(?refused, "some of what was given at the start was not queued");
        app.dialog()
            .message(refused.join("\n"))
            .title("Not added")
            .kind(MessageDialogKind::Warning)
            .show(|_| {});
    }
}

/// One line for each source that made no task.
fn refusals(outcome: &Value) -> Vec<String> {
    let refused = outcome["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    refused
        .iter()
        .map(|each| format!("{}: {}", text(&each["source"]), text(&each["error"]["message"])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute_and_links_stay() {
        let arguments = Arguments::parse_from([
            "bobina-desktop",
            "clip.mp4",
            "https://example.org/a.mp4",
            "/media/b.mp4",
            "file:///media/a%20b.mp4",
            "bobina://activity",
        ]);
        assert_eq!(
            arguments.sources(Path::new("/home/ana")),
            ["/home/ana/clip.mp4", "https://example.org/a.mp4", "/media/b.mp4", "/media/a b.mp4"]
        );
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(Arguments::try_parse_from(["bobina-desktop", "--no-such-flag"]).is_err());
    }

    #[test]
    fn refusals_are_named() {
        let outcome = json!({ "tasks": [], "refused": [{ "source": "/a.txt", "error": { "code": "FILE_TYPE_UNSUPPORTED", "message": "not media" } }] });
        assert_eq!(refusals(&outcome), ["/a.txt: not media"]);
    }
}
