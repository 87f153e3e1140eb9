//! Which engine hears a task, and in which language.
//!
//! Owns the meaning of `auto`; leaves hearing to `media::speech`.
//! Invariant: the basic engine, which knows only English, is never chosen for, or filed under, another language.

use domain::{ApiError, ErrorCode};
use media::models::{self, ModelFile};
use media::speech::Engine;
use std::path::Path;

/// What to hear with.
#[derive(Clone, Debug)]
pub struct Choice {
    pub engine: Engine,
    /// Null: let the model detect it.
    pub language: Option<String>,
}

/// Picks the engine for a request. `english` says whether this system speaks English.
///
/// `auto` means: the best installed Whisper model that knows the language; else basic, when the language is `en`,
/// or unknown on an English system; else `MODEL_MISSING`, cured by a download.
pub fn choose(models_dir: &Path, engine: &str, language: &str, english: bool) -> Result<Choice, ApiError> {
    let wanted = (language != "auto").then(|| language.to_string());
    match engine {
        "auto" => auto(models_dir, wanted, english),
        "basic" => match wanted.as_deref() {
            None | Some("en") => Ok(basic()),
            Some(other) => Err(ApiError::new(
                ErrorCode::LanguageUnsupported,
                format!("The basic engine hears only English, not \"{other}\". Choose a Whisper model."),
            )),
        },
        _ => match engine.strip_prefix("whisper:") {
            Some(name) => whisper(models_dir, name, wanted),
            None => Err(ApiError::new(
                ErrorCode::EngineUnknown,
                format!("There is no engine \"{engine}\". There are: auto, basic, whisper:<model>."),
            )),
        },
    }
}

/// Whether the name means a cloud service: none of ours.
pub fn is_cloud(engine: &str) -> bool {
    !matches!(engine, "auto" | "basic" | "whisper") && !engine.starts_with("whisper:")
}

fn auto(models_dir: &Path, language: Option<String>, english: bool) -> Result<Choice, ApiError> {
    if let Some(model) = models::best_installed(models_dir, language.as_deref())? {
        return with_model(model, language);
    }
    if language.is_none()
        && english
        && let Some(model) = models::best_installed(models_dir, Some("en"))?
    {
        return with_model(model, Some("en".into()));
    }
    match language.as_deref() {
        Some("en") => Ok(basic()),
        None if english => Ok(basic()),
        _ => {
            let heard =
                language.map_or_else(|| "speech in any language".into(), |code| format!("\"{code}\""));
            Err(ApiError::new(
                ErrorCode::ModelMissing,
                format!(
                    "No installed model hears {heard}. Download one, for example with: bobina models download base"
                ),
            ))
        }
    }
}

fn whisper(models_dir: &Path, name: &str, language: Option<String>) -> Result<Choice, ApiError> {
    with_model(models::find(models_dir, name)?, language)
}

fn with_model(model: ModelFile, language: Option<String>) -> Result<Choice, ApiError> {
    if let Some(code) = &language
        && !model.languages().hears(code)
    {
        return Err(ApiError::new(
            ErrorCode::LanguageUnsupported,
            format!("The model \"{}\" does not hear \"{code}\". Choose a multilingual one.", model.name),
        ));
    }
    Ok(Choice { engine: Engine::Whisper(model), language })
}

fn basic() -> Choice {
    Choice { engine: Engine::Basic, language: Some("en".into()) }
}

/// Whether this system speaks English, from the locale's environment variables in their order of precedence.
/// An unset or `C` locale counts as English: that is what its messages are in.
pub fn is_english(ui_language: &str, variable: impl Fn(&str) -> Option<String>) -> bool {
    if ui_language != "system" {
        return ui_language.starts_with("en");
    }
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| variable(name))
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    locale.is_empty()
        || locale.starts_with("en")
        || locale == "POSIX"
        || locale == "C"
        || locale.starts_with("C.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_what_unknown_speech_is() {
        let with = |pairs: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string())
            }
        };
        assert!(is_english("system", with(&[])));
        assert!(is_english("system", with(&[("LANG", "en_US.UTF-8")])));
        assert!(is_english("system", with(&[("LANG", "C.UTF-8")])));
        assert!(!is_english("system", with(&[("LANG", "pt_BR.UTF-8")])));
        assert!(!is_english("system", with(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "es_ES")])));
        assert!(!is_english("pt-BR", with(&[("LANG", "en_US.UTF-8")])));
        assert!(is_english("en", with(&[("LANG", "pt_BR.UTF-8")])));
    }

    #[test]
    fn basic_is_never_chosen_for_another_language() {
        let empty = tempfile::tempdir().unwrap();
        let code = |engine: &str, language: &str, english| {
            choose(empty.path(), engine, language, english).map(|c| c.engine.name()).map_err(|e| e.code)
        };
        assert_eq!(code("auto", "auto", true), Ok("basic".into()));
        assert_eq!(code("auto", "en", false), Ok("basic".into()));
        assert_eq!(code("auto", "auto", false), Err(ErrorCode::ModelMissing));
        assert_eq!(code("auto", "pt", true), Err(ErrorCode::ModelMissing));
        assert_eq!(code("basic", "pt", true), Err(ErrorCode::LanguageUnsupported));
        assert_eq!(code("whisper:base", "pt", true), Err(ErrorCode::ModelMissing));
        assert_eq!(code("siri", "en", true), Err(ErrorCode::EngineUnknown));
    }
}
