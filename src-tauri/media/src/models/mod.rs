//! Speech models on disk: which can be had, which are there, which one to use.
//!
//! Owns the folder `models`: `ggml-<name>.bin`, beside it `<name>.json`, its manifest, where there is one; files that the
//! user drops there count as well. Leaves running them to [`crate::speech`].
//! Invariant: a file gets its final name only when it is whole and validated.

mod catalogue;
mod download;
mod file;
#[cfg(test)]
mod tests;

pub use catalogue::{ModelEntry, catalogue, entry, suggest};
pub use download::download;
pub use file::{Header, validate};

use crate::MediaError;
use domain::ErrorCode;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What a model hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Languages {
    Multilingual,
    /// ISO 639-1 codes.
    Only(Vec<String>),
}

impl Languages {
    /// Whether it hears that language. Region and case are of no account: `pt-BR` is `pt`.
    pub fn hears(&self, language: &str) -> bool {
        let wanted = base_language(language);
        match self {
            Self::Multilingual => whisper_rs::get_lang_id(&wanted).is_some(),
            Self::Only(list) => list.contains(&wanted),
        }
    }
}

impl std::fmt::Display for Languages {
    /// `multilingual` or codes joined by commas.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Multilingual => f.write_str("multilingual"),
            Self::Only(list) => f.write_str(&list.join(",")),
        }
    }
}

/// `pt-BR`, `PT_br` → `pt`; `iw` and `no` as Whisper spells them.
pub fn base_language(language: &str) -> String {
    let base = language.trim().split(['-', '_']).next().unwrap_or_default().to_lowercase();
    match base.as_str() {
        "iw" => "he".into(),
        "nb" => "no".into(),
        "in" => "id".into(),
        _ => base,
    }
}

/// What stands beside a model file and cannot be read from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// ISO 639-1 codes, when the model hears less than its kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Of the model file, lower-case hexadecimal; checked when it was downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Encoder positions of 20 ms it was trained on; windows are cut to fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_ctx: Option<u32>,
    /// It was trained on single utterances, so each window holds one.
    pub one_voice_per_window: bool,
}

/// A model that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
    pub manifest: Manifest,
    pub header: Header,
}

impl ModelFile {
    pub fn languages(&self) -> Languages {
        match self.manifest.languages.as_slice() {
            [] if self.header.multilingual() => Languages::Multilingual,
            [] => Languages::Only(vec!["en".into()]),
            list => Languages::Only(list.iter().map(|l| base_language(l)).collect()),
        }
    }

    /// Bytes of memory it needs while it works.
    pub fn memory(&self) -> u64 {
        entry(&self.name).map_or(
            self.bytes + (u64::from(self.header.audio_width.unsigned_abs()) << 19),
            ModelEntry::memory,
        )
    }

    /// Not of the catalogue.
    pub fn imported(&self) -> bool {
        entry(&self.name).is_none()
    }

    /// Larger is better: width, then depth, then precision; for English its English-only twin is ahead.
    fn rank(&self) -> (i32, i32, u64) {
        (self.header.audio_width, self.header.audio_layers + self.header.text_layers, self.bytes)
    }
}

/// A model file of the folder, usable or not.
#[derive(Clone, Debug)]
pub struct Installed {
    pub name: String,
    pub bytes: u64,
    /// `MODEL_INVALID` where the file is cut, foreign or altered.
    pub model: Result<ModelFile, MediaError>,
}

pub(crate) fn file_name(name: &str) -> String {
    format!("ggml-{name}.bin")
}

fn manifest_name(name: &str) -> String {
    format!("{name}.json")
}

fn storage(doing: &'static str) -> impl Fn(std::io::Error) -> MediaError {
    move |error| MediaError::storage(doing, &error)
}

/// All model files of the folder by name; none when the folder is not there.
pub fn installed(dir: &Path) -> Result<Vec<Installed>, MediaError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(MediaError::storage("Reading the folder of models", &error)),
    };
    let mut found = Vec::new();
    for file in entries {
        let file = file.map_err(storage("Reading the folder of models"))?.file_name();
        let Some(name) = file.to_str().and_then(|f| f.strip_prefix("ggml-")?.strip_suffix(".bin")) else {
            continue;
        };
        let path = dir.join(file_name(name));
        let bytes = std::fs::metadata(&path).map_or(0, |about| about.len());
        found.push(Installed { name: name.to_owned(), bytes, model: open(dir, name) });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn open(dir: &Path, name: &str) -> Result<ModelFile, MediaError> {
    let path = dir.join(file_name(name));
    let header = validate(&path)?;
    let bytes = std::fs::metadata(&path).map_err(storage("Reading a model file"))?.len();
    if let Some(known) = entry(name)
        && known.bytes != bytes
    {
        let message = format!(
            "The file of the model {name} has {bytes} bytes instead of {}; download it again.",
            known.bytes
        );
        return Err(MediaError::new(ErrorCode::ModelInvalid, message));
    }
    Ok(ModelFile {
        name: name.to_owned(),
        path,
        bytes,
        manifest: read_manifest(&dir.join(manifest_name(name)))?,
        header,
    })
}

fn read_manifest(path: &Path) -> Result<Manifest, MediaError> {
    match std::fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| {
            MediaError::new(ErrorCode::ModelInvalid, "The model's manifest cannot be read.")
                .with_detail(error.to_string())
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(MediaError::storage("Reading a model's manifest", &error)),
    }
}

/// The model of that name.
///
/// Errors: `MODEL_MISSING` (of the catalogue, not downloaded), `MODEL_UNKNOWN`, `MODEL_INVALID`.
pub fn find(dir: &Path, name: &str) -> Result<ModelFile, MediaError> {
    check_name(name)?;
    if dir.join(file_name(name)).exists() {
        return open(dir, name);
    }
    Err(match entry(name) {
        Some(_) => {
            MediaError::new(ErrorCode::ModelMissing, format!("The speech model {name} is not installed."))
        }
        None => MediaError::new(ErrorCode::ModelUnknown, format!("There is no speech model “{name}”.")),
    })
}

/// The best usable model for a language (ISO 639-1). With `None`, for a language yet to be detected, only models that
/// hear many languages come in question: an English one would write English words for any other.
pub fn best_installed(dir: &Path, language: Option<&str>) -> Result<Option<ModelFile>, MediaError> {
    let usable = installed(dir)?.into_iter().filter_map(|i| i.model.ok());
    let fits = usable.filter(|model| match language {
        Some(language) => model.languages().hears(language),
        None => model.languages() == Languages::Multilingual,
    });
    Ok(fits.max_by_key(|model| {
        let (width, depth, bytes) = model.rank();
        (width, depth, model.languages() != Languages::Multilingual, bytes)
    }))
}

/// Names are file names: letters, digits, dot, dash, underscore, at most 80, beginning with a letter or digit.
fn check_name(name: &str) -> Result<(), MediaError> {
    let fine = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 80
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if fine {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(MediaError::new(ErrorCode::ModelUnknown, format!("“{shown}” is no name for a model.")))
}

/// Takes in a model file: validated, copied under its name, its manifest (`<stem>.json` beside it) with it.
/// The name is given or comes from the file's.
///
/// Errors: `MODEL_INVALID`, `MODEL_UNKNOWN` for an impossible name, `FILE_NOT_FOUND`, storage.
pub fn import(dir: &Path, path: &Path, name: Option<&str>) -> Result<ModelFile, MediaError> {
    if !path.exists() {
        return Err(MediaError::new(ErrorCode::FileNotFound, "There is no such model file."));
    }
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = stem.strip_prefix("ggml-").unwrap_or(&stem).to_owned();
    let name = name.map_or(stem.as_str(), str::trim);
    check_name(name)?;
    validate(path)?;
    let bytes = std::fs::metadata(path).map_err(storage("Reading the model file"))?.len();
    if let Some(known) = entry(name)
        && known.bytes != bytes
    {
        let message = format!("{name} is another model's name; import this file under a name of its own.");
        return Err(MediaError::new(ErrorCode::ModelInvalid, message));
    }
    let manifest = read_manifest(&path.with_file_name(manifest_name(&stem)))?;
    std::fs::create_dir_all(dir).map_err(storage("Making the folder of models"))?;
    let mut copy =
        tempfile::Builder::new().prefix(".import-").tempfile_in(dir).map_err(storage("Copying the model"))?;
    let mut source = std::fs::File::open(path).map_err(storage("Reading the model file"))?;
    std::io::copy(&mut source, &mut copy).map_err(storage("Copying the model"))?;
    keep(dir, name, copy, &manifest)
}

/// Manifest first, then the model: whoever sees the model sees how to use it.
fn keep(
    dir: &Path,
    name: &str,
    model: tempfile::NamedTempFile,
    manifest: &Manifest,
) -> Result<ModelFile, MediaError> {
    let doing = "Storing the model";
    model.as_file().sync_all().map_err(storage(doing))?;
    if *manifest != Manifest::default() {
        let mut json =
            tempfile::Builder::new().prefix(".import-").tempfile_in(dir).map_err(storage(doing))?;
        serde_json::to_writer_pretty(&mut json, manifest).map_err(|e| storage(doing)(e.into()))?;
        json.as_file().sync_all().map_err(storage(doing))?;
        json.persist(dir.join(manifest_name(name))).map_err(|e| storage(doing)(e.error))?;
    }
    model.persist(dir.join(file_name(name))).map_err(|e| storage(doing)(e.error))?;
    open(dir, name)
}

/// Removes a model, its manifest and what was downloaded of it.
///
/// Errors: `MODEL_MISSING` when it is not there, `MODEL_UNKNOWN`.
pub fn remove(dir: &Path, name: &str) -> Result<(), MediaError> {
    check_name(name)?;
    let mut removed = false;
    for file in [file_name(name), download::part_name(name), manifest_name(name)] {
        match std::fs::remove_file(dir.join(&file)) {
            Ok(()) => removed = true,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(MediaError::storage("Removing the model", &error)),
        }
    }
    if removed {
        return Ok(());
    }
    let code = if entry(name).is_some() { ErrorCode::ModelMissing } else { ErrorCode::ModelUnknown };
    Err(MediaError::new(code, format!("The speech model {name} is not installed.")))
}
