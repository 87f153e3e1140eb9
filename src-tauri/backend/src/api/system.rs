//! Commands over what surrounds the work: watched folders, recipes, models, settings, the doctor.
//!
//! Leaves the work to the modules of those names; here stands only what one change means for the other parts.

use super::types::*;
use crate::queue::Limits;
use crate::{Backend, doctor as checks, models as speech_models, open, recipes as recipe_files};
use domain::{ApiError, ErrorCode, Event, Recipe};

/// Watch a folder.
pub async fn watch_add(backend: &Backend, request: WatchAddRequest) -> Result<WatchedFolder, ApiError> {
    let recipe = request.recipe.clone().unwrap_or_else(|| backend.settings.get().recipe);
    recipe_files::find(backend.data_dir(), &recipe)?;
    backend.watch.add(&request, &recipe).await
}

/// Watched folders.
pub async fn watch_list(backend: &Backend, _: Nothing) -> Result<Page<WatchedFolder>, ApiError> {
    Ok(whole(backend.watch.list().await?))
}

/// Stop watching a folder.
pub async fn watch_remove(backend: &Backend, input: WatchId) -> Result<Nothing, ApiError> {
    backend.watch.remove(&input.watch).await?;
    Ok(Nothing {})
}

/// Recipes, built-in and the user's own.
pub async fn recipes(backend: &Backend, _: Nothing) -> Result<Page<RecipeItem>, ApiError> {
    Ok(whole(recipe_files::list(backend.data_dir())))
}

/// Store a recipe of the user's.
pub async fn recipe_save(backend: &Backend, recipe: Recipe) -> Result<RecipeItem, ApiError> {
    let folder = backend.data_dir().to_path_buf();
    tokio::task::spawn_blocking(move || recipe_files::save(&folder, recipe))
        .await
        .map_err(|_| ApiError::internal("storing the recipe broke off"))?
}

/// Remove a recipe of the user's; what is queued with it goes on, since it holds its steps itself.
pub async fn recipe_remove(backend: &Backend, input: ModelName) -> Result<Nothing, ApiError> {
    if backend.settings.get().recipe == input.name {
        return Err(ApiError::invalid("This recipe is what a drop does: choose another one for that first."));
    }
    recipe_files::remove(backend.data_dir(), &input.name)?;
    Ok(Nothing {})
}

/// Speech models.
pub async fn models(backend: &Backend, _: Nothing) -> Result<Page<ModelItem>, ApiError> {
    speech_models::list(backend).await
}

/// Start, or go on with, the download of a model.
pub async fn model_download(backend: &Backend, input: ModelName) -> Result<ModelItem, ApiError> {
    speech_models::download(backend, &input.name).await
}

/// Stop the download of a model; what has arrived is kept for the next try.
pub async fn model_cancel(backend: &Backend, input: ModelName) -> Result<ModelItem, ApiError> {
    speech_models::cancel(backend, &input.name).await
}

/// Take in a model file.
pub async fn model_import(backend: &Backend, request: ModelImport) -> Result<ModelItem, ApiError> {
    speech_models::import(backend, request).await
}

/// Remove a model.
pub async fn model_remove(backend: &Backend, input: ModelName) -> Result<Nothing, ApiError> {
    speech_models::remove(backend, &input.name).await?;
    Ok(Nothing {})
}

/// Check tools, models and the data folder.
pub async fn doctor(backend: &Backend, _: Nothing) -> Result<DoctorReport, ApiError> {
    checks::run(backend).await
}

/// The user's settings.
pub async fn settings(backend: &Backend, _: Nothing) -> Result<Settings, ApiError> {
    Ok(backend.settings.get())
}

/// What was wrong with the settings file when it was read; nothing once settings were saved.
pub async fn settings_problems(backend: &Backend, _: Nothing) -> Result<SettingsProblems, ApiError> {
    Ok(SettingsProblems { problems: backend.settings.problems() })
}

/// Replace the user's settings. What runs obeys the new ones from its next step on.
pub async fn set_settings(backend: &Backend, settings: Settings) -> Result<Settings, ApiError> {
    recipe_files::find(backend.data_dir(), settings.recipe.trim())?;
    let before = backend.settings.get();
    let handle = backend.settings.clone();
    let stored = tokio::task::spawn_blocking(move || handle.set(settings))
        .await
        .map_err(|_| ApiError::internal("storing the settings broke off"))??;
    let work = backend.queue.limits().work;
    backend.queue.set_limits(Limits { work, ..open::limits(&backend.settings) }).await?;
    if tools_of(&before) != tools_of(&stored) {
        backend.find_tools().await;
        backend.queue.wake(ErrorCode::ToolMissing).await?;
    }
    // Nobody listening is fine: settings can always be read.
    let _ = backend.events.send(Event::SettingsChanged);
    Ok(stored)
}

fn tools_of(settings: &Settings) -> [&str; 4] {
    [&settings.ffmpeg, &settings.ffprobe, &settings.pocketsphinx, &settings.yt_dlp]
}

/// Where media is served on loopback.
pub async fn server_address(backend: &Backend, _: Nothing) -> Result<ServerAddress, ApiError> {
    Ok(ServerAddress { media_url: backend.media_url() })
}

/// A list that is never long, as one page.
fn whole<T>(items: Vec<T>) -> Page<T> {
    Page {
        total: items.len() as u64,
        limit: u32::try_from(items.len()).unwrap_or(u32::MAX),
        offset: 0,
        items,
    }
}
