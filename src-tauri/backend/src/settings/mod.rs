//! The user's settings: `settings.json` in the data folder.
//!
//! Owns reading, checking and writing the file; leaves obeying the settings to whoever they concern.
//! Invariants: the file is replaced whole or not at all; what this version does not know stays in it; a broken file
//! is set aside, never overwritten; what is handed out is always valid.

mod checks;

use crate::api::types::Settings;
use crate::artifacts::fault;
use domain::{ApiError, ErrorCode};
use serde_json::{Map, Value};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Largest settings file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The settings in force, shared by all who obey them.
#[derive(Clone, Debug)]
pub struct SettingsHandle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    /// The file as it stands, with what this version does not know.
    file: Map<String, Value>,
    /// What was wrong with the file when it was read.
    problems: Vec<String>,
}

impl SettingsHandle {
    /// Reads `settings.json` of the data folder. Without one the defaults hold and no file is made. A file that is no
    /// JSON object is renamed to `settings.broken-<n>.json`; a value that is wrong counts as absent: both are reported
    /// by [`Self::problems`]. Errors only when the folder cannot be read.
    pub fn open(data_dir: &Path) -> Result<Self, ApiError> {
        let path = data_dir.join("settings.json");
        let mut problems = Vec::new();
        let file = match read(&path)? {
            Held::Nothing => Map::new(),
            Held::Object(file) => file,
            Held::Broken(reason) => {
                let aside = set_aside(&path)?;
                problems.push(format!("settings.json was not readable ({reason}) and was kept as {aside}."));
                Map::new()
            }
        };
        let settings = settings_of(&file, &mut problems);
        for problem in &problems {
            tracing::warn!(problem, "settings");
        }
        Ok(Self { inner: Arc::new(Inner { path, state: Mutex::new(State { settings, file, problems }) }) })
    }

    /// The settings in force.
    pub fn get(&self) -> Settings {
        self.state().settings.clone()
    }

    /// What was wrong with the file when it was read, in sentences; empty once settings were saved.
    pub fn problems(&self) -> Vec<String> {
        self.state().problems.clone()
    }

    /// Checks and stores new settings and answers them as stored. `INVALID_INPUT` names the value that is wrong; then,
    /// and when the file cannot be written, the old ones stay in force. Blocking.
    pub fn set(&self, settings: Settings) -> Result<Settings, ApiError> {
        let settings = checks::normalized(settings)?;
        let mut state = self.state();
        let Ok(Value::Object(values)) = serde_json::to_value(&settings) else {
            return Err(ApiError::internal("settings are not encodable"));
        };
        let mut file = state.file.clone();
        file.extend(values);
        let text = serde_json::to_string_pretty(&file)
            .map_err(|error| ApiError::internal(format!("settings are not encodable: {error}")))?;
        replace(&self.inner.path, (text + "\n").as_bytes())
            .map_err(|error| fault("The settings cannot be stored", &error))?;
        *state = State { settings: settings.clone(), file, problems: Vec::new() };
        Ok(settings)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the settings file holds.
enum Held {
    Nothing,
    Object(Map<String, Value>),
    /// No JSON object, and why.
    Broken(String),
}

fn read(path: &Path) -> Result<Held, ApiError> {
    let cannot = |error: &std::io::Error| fault("The settings cannot be read", error);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Held::Nothing),
        Err(error) => return Err(cannot(&error)),
        Ok(there) if !there.is_file() => {
            return Err(ApiError::new(ErrorCode::StorageFault, "settings.json is not a file."));
        }
        Ok(there) if there.len() > MAX_FILE => return Ok(Held::Broken("too large".into())),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|error| cannot(&error))?;
    Ok(match serde_json::from_slice(&bytes) {
        Ok(object) => Held::Object(object),
        Err(error) => Held::Broken(error.to_string()),
    })
}

/// Each known value that has the right type and range; the default for the others.
fn settings_of(file: &Map<String, Value>, problems: &mut Vec<String>) -> Settings {
    let mut settings = Settings::default();
    for (key, value) in file {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(&settings) else { continue };
        if fields.insert(key.clone(), value.clone()).is_none() {
            continue;
        }
        let tried = serde_json::from_value::<Settings>(Value::Object(fields))
            .map_err(|error| ApiError::invalid(error.to_string()))
            .and_then(checks::normalized);
        match tried {
            Ok(tried) => settings = tried,
            Err(error) => problems.push(format!("\"{key}\" in settings.json is ignored: {error}")),
        }
    }
    settings
}

/// Renames a broken file to the first free name and answers that.
fn set_aside(path: &Path) -> Result<String, ApiError> {
    for number in 1..10_000 {
        let name = format!("settings.broken-{number}.json");
        let aside = path.with_file_name(&name);
        if !aside.exists() {
            std::fs::rename(path, &aside)
                .map_err(|error| fault("The broken settings cannot be set aside", &error))?;
            return Ok(name);
        }
    }
    Err(ApiError::new(ErrorCode::StorageFault, "There are too many broken settings files."))
}

/// Writes beside it, flushes to the disk, renames: readable by the user only.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("json.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&temporary, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
