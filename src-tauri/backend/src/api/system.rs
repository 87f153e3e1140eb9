//! Scaffold of the commands; the bodies follow.

use super::types::*;
use crate::Backend;
use domain::source::UrlItem;
use domain::{ApiError, Task, Transcript};

/// Watch a folder.
pub async fn watch_add(_backend: &Backend, _input: WatchAddRequest) -> Result<WatchedFolder, ApiError> {
    Err(ApiError::internal("system::watch_add is not built yet"))
}

/// Watched folders.
pub async fn watch_list(_backend: &Backend, _input: Nothing) -> Result<Page<WatchedFolder>, ApiError> {
    Err(ApiError::internal("system::watch_list is not built yet"))
}

/// Stop watching a folder.
pub async fn watch_remove(_backend: &Backend, _input: WatchId) -> Result<Nothing, ApiError> {
    Err(ApiError::internal("system::watch_remove is not built yet"))
}

/// Recipes, built-in and the user's own.
pub async fn recipes(_backend: &Backend, _input: Nothing) -> Result<Page<RecipeItem>, ApiError> {
    Err(ApiError::internal("system::recipes is not built yet"))
}

/// Speech models.
pub async fn models(_backend: &Backend, _input: Nothing) -> Result<Page<ModelItem>, ApiError> {
    Err(ApiError::internal("system::models is not built yet"))
}

/// Start, or go on with, the download of a model.
pub async fn model_download(_backend: &Backend, _input: ModelName) -> Result<ModelItem, ApiError> {
    Err(ApiError::internal("system::model_download is not built yet"))
}

/// Stop the download of a model; what has arrived is kept for the next try.
pub async fn model_cancel(_backend: &Backend, _input: ModelName) -> Result<ModelItem, ApiError> {
    Err(ApiError::internal("system::model_cancel is not built yet"))
}

/// Take in a model file.
pub async fn model_import(_backend: &Backend, _input: ModelImport) -> Result<ModelItem, ApiError> {
    Err(ApiError::internal("system::model_import is not built yet"))
}

/// Remove a model.
pub async fn model_remove(_backend: &Backend, _input: ModelName) -> Result<Nothing, ApiError> {
    Err(ApiError::internal("system::model_remove is not built yet"))
}

/// Check tools, models and the data folder.
pub async fn doctor(_backend: &Backend, _input: Nothing) -> Result<DoctorReport, ApiError> {
    Err(ApiError::internal("system::doctor is not built yet"))
}

/// The user's settings.
pub async fn settings(_backend: &Backend, _input: Nothing) -> Result<Settings, ApiError> {
    Err(ApiError::internal("system::settings is not built yet"))
}

/// Replace the user's settings.
pub async fn set_settings(_backend: &Backend, _input: Settings) -> Result<Settings, ApiError> {
    Err(ApiError::internal("system::set_settings is not built yet"))
}

/// Where media is served on loopback.
pub async fn server_address(_backend: &Backend, _input: Nothing) -> Result<ServerAddress, ApiError> {
    Err(ApiError::internal("system::server_address is not built yet"))
}
