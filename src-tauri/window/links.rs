//! What the page is asked to show from outside: `bobina://` links and clicks on notices.
//!
//! Owns reading the links and keeping them until the page takes them.
//! Invariant: a link starts nothing by itself: what it wants added stands in the dialog until the user agrees, since
//! any web page can hold such a link.

use serde::Serialize;
use std::sync::{Mutex, PoisonError};
use tauri::{AppHandle, Emitter, Manager, State, Url};

/// Tells the page that something is there to be taken.
const EVENT: &str = "bobina://open";

/// What the page is to show.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Wanted {
    /// The dialog for adding, with these sources in it.
    Add {
        sources: Vec<String>,
    },
    /// A media, from that second on.
    Media {
        media_id: String,
        at: Option<f64>,
    },
    Activity,
}

impl Wanted {
    /// Reads `bobina://add?url=…`, `bobina://library/<id>?t=<seconds>` and `bobina://activity`; none for what is no
    /// such link, and for an unknown one [`Wanted::Activity`].
    pub(super) fn of_link(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "bobina")?;
        let query = |name: &str| {
            url.query_pairs()
                .filter(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
                .collect::<Vec<_>>()
        };
        Some(match url.host_str() {
            Some("add") => {
                let web = |source: &String| source.starts_with("https://") || source.starts_with("http://");
                Self::Add { sources: query("url").into_iter().filter(web).collect() }
            }
            Some("library") => {
                let id = url.path().trim_matches('/');
                let plain =
                    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let at = query("t")
                    .first()
                    .and_then(|text| text.parse().ok())
                    .filter(|at: &f64| at.is_finite() && *at >= 0.0);
                if plain { Self::Media { media_id: id.into(), at } } else { Self::Activity }
            }
            _ => Self::Activity,
        })
    }
}

/// What the page has not taken yet.
#[derive(Default)]
pub(super) struct Opened(Mutex<Vec<Wanted>>);

/// Keeps it for the page and tells it.
pub(super) fn open(app: &AppHandle, wanted: Wanted) {
    app.state::<Opened>().0.lock().unwrap_or_else(PoisonError::into_inner).push(wanted);
    if let Err(error) = app.emit(EVENT, ()) {
        tracing::warn!(%error, "the page could not be told what to show");
    }
}

/// What is to be shown; each thing once.
#[tauri::command]
pub(super) fn take_opened(opened: State<'_, Opened>) -> Vec<Wanted> {
    std::mem::take(&mut *opened.0.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_say_what_to_show() {
        let add = "bobina://add?url=https%3A%2F%2Fexample.org%2Fa%3Fb%3D1&url=file%3A%2F%2F%2Fetc%2Fpasswd";
        assert_eq!(
            Wanted::of_link(add),
            Some(Wanted::Add { sources: vec!["https://example.org/a?b=1".into()] })
        );
        let media = Wanted::Media { media_id: "m0abc".into(), at: Some(12.5) };
        assert_eq!(Wanted::of_link("bobina://library/m0abc?t=12.5"), Some(media));
        // `..` is taken out of a path by the rules of URLs themselves, so what is left is an id like any other.
        let climbing = Wanted::Media { media_id: "x".into(), at: None };
        assert_eq!(Wanted::of_link("bobina://library/../x"), Some(climbing));
        for text in ["bobina://", "bobina://settings", "bobina://library/a%2Fb"] {
            assert_eq!(Wanted::of_link(text), Some(Wanted::Activity), "{text}");
        }
        assert_eq!(Wanted::of_link("https://example.org/bobina://add"), None);
        assert_eq!(Wanted::of_link("clip.mp4"), None);
    }
}
