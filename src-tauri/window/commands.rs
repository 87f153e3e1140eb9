//! What the page may ask of the shell.
//!
//! Owns the two commands and the save dialog. Leaves every other act to the command table behind `rpc`.
//! Invariant: a file is written only where the user has just chosen in the system's dialog.

use super::engine::Engine;
use backend::artifacts::fault;
use domain::ApiError;
use serde_json::Value;
use tauri::{AppHandle, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt;

/// Runs the command `name` of the table.
#[tauri::command]
pub(super) async fn rpc(
    engine: State<'_, Engine>,
    name: String,
    input: Option<Value>,
) -> Result<Value, ApiError> {
    engine.call(&name, input.unwrap_or_default()).await
}

/// Asks where to save and writes `content` there; false when the user thought better of it.
#[tauri::command]
pub(super) async fn save_text(
    app: AppHandle,
    window: WebviewWindow,
    name: String,
    content: String,
) -> Result<bool, ApiError> {
    let (tell, chosen) = tokio::sync::oneshot::channel();
    app.dialog().file().set_parent(&window).set_file_name(name).save_file(move |path| {
        // The other side is gone only when the window is: then there is nobody left to save for.
        let _ = tell.send(path);
    });
    let Some(path) = chosen.await.ok().flatten() else { return Ok(false) };
    let path =
        path.into_path().map_err(|error| ApiError::invalid(format!("not a place for a file: {error}")))?;
    tokio::fs::write(&path, content)
        .await
        .map_err(|error| fault(&format!("Writing {}", path.display()), &error))?;
    Ok(true)
}
