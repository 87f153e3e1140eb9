//! Where the window stood and how large it was, kept in `window.json` of the data folder.
//!
//! Invariant: a file that cannot be read or makes no sense counts as none; a window is never restored smaller than
//! can be used.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tauri::{PhysicalPosition, PhysicalSize, WebviewWindow, Window, WindowEvent};

/// The smallest size that is restored, in pixels.
const LEAST: (u32, u32) = (480, 320);

/// What is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    size: Option<(u32, u32)>,
    position: Option<(i32, i32)>,
    maximized: bool,
}

/// The window's place as it changes.
pub(super) struct Remembered {
    file: PathBuf,
    place: Mutex<Place>,
}

impl Remembered {
    pub(super) fn open(data_dir: &Path) -> Self {
        let file = data_dir.join("window.json");
        let place = std::fs::read(&file).ok().map(|bytes| read(&bytes)).unwrap_or_default();
        Self { file, place: Mutex::new(place) }
    }

    /// Puts the window where it stood, as far as a screen is still there.
    pub(super) fn restore(&self, window: &WebviewWindow) -> tauri::Result<()> {
        let place = *self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((width, height)) = place.size {
            window.set_size(PhysicalSize::new(width, height))?;
        }
        if let Some((x, y)) = place.position
            && window.available_monitors()?.iter().any(|monitor| {
                let (origin, size) = (monitor.position(), monitor.size());
                let within = |at: i32, from: i32, length: u32| {
                    at >= from - 64 && i64::from(at) < i64::from(from) + i64::from(length) - 64
                };
                within(x, origin.x, size.width) && within(y, origin.y, size.height)
            })
        {
            window.set_position(PhysicalPosition::new(x, y))?;
        }
        if place.maximized {
            window.maximize()?;
        }
        Ok(())
    }

    /// Follows the window; a maximized one keeps the size it had before.
    pub(super) fn follow(&self, window: &Window, event: &WindowEvent) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            WindowEvent::Resized(size) => {
                place.maximized = window.is_maximized().unwrap_or_default();
                if !place.maximized && size.width >= LEAST.0 && size.height >= LEAST.1 {
                    place.size = Some((size.width, size.height));
                }
            }
            WindowEvent::Moved(position) if !place.maximized => {
                place.position = Some((position.x, position.y));
            }
            WindowEvent::CloseRequested { .. } | WindowEvent::Destroyed => {
                let text = write(*place).to_string();
                drop(place);
                if let Err(error) = std::fs::write(&self.file, text) {
                    tracing::warn!(%error, "the window's place could not be kept");
                }
            }
            _ => {}
        }
    }
}

fn read(bytes: &[u8]) -> Place {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Place::default() };
    let number = |name: &str| value[name].as_i64().and_then(|number| i32::try_from(number).ok());
    let length = |name: &str, least: u32| {
        number(name).and_then(|length| u32::try_from(length).ok()).filter(|length| *length >= least)
    };
    Place {
        size: length("width", LEAST.0).zip(length("height", LEAST.1)),
        position: number("x").zip(number("y")),
        maximized: value["maximized"].as_bool().unwrap_or_default(),
    }
}

fn write(place: Place) -> Value {
    json!({
        "width": place.size.map(|size| size.0),
        "height": place.size.map(|size| size.1),
        "x": place.position.map(|position| position.0),
        "y": place.position.map(|position| position.1),
        "maximized": place.maximized,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place { size: Some((900, 700)), position: Some((-12, 40)), maximized: true };
        assert_eq!(read(write(place).to_string().as_bytes()), place);
    }

    #[test]
    fn nonsense_is_no_place() {
        for text in ["", "[]", "{\"width\": 3, \"height\": 900}", "{\"width\": \"x\", \"x\": 1e40}"] {
            assert_eq!(read(text.as_bytes()), Place::default(), "{text}");
        }
    }
}
