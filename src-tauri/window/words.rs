//! The few sentences the shell says itself: tray, closing, notices.
//!
//! Owns choosing their language; the page has its own catalogues.
//! Invariant: an unknown language is English; every sentence exists in every language.

use std::collections::HashMap;
use std::sync::LazyLock;

type Catalogue = HashMap<String, HashMap<String, String>>;

/// Empty only if the embedded file were broken, which a test rules out.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../assets/messages/shell.json")).unwrap_or_default()
});

/// A language the shell speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Language {
    #[default]
    English,
    Portuguese,
    Spanish,
}

impl Language {
    /// The language of the setting `ui_language`; `system` follows the environment.
    pub(super) fn of(setting: &str) -> Self {
        let environment = || {
            ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        };
        Self::of_tag(match setting {
            "system" => environment().unwrap_or_default(),
            other => other.to_string(),
        })
    }

    fn of_tag(tag: String) -> Self {
        match tag.get(..2) {
            Some("pt") => Self::Portuguese,
            Some("es") => Self::Spanish,
            _ => Self::English,
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Portuguese => "pt-BR",
            Self::Spanish => "es",
        }
    }

    /// The sentence `key`, with `{name}` replaced by its value.
    pub(super) fn say(self, key: &str, values: &[(&str, &str)]) -> String {
        let sentence = CATALOGUE.get(key).and_then(|languages| languages.get(self.tag()));
        let mut text = sentence.cloned().unwrap_or_else(|| key.to_string());
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_exists_in_every_language() {
        assert!(CATALOGUE.len() > 10);
        for (key, languages) in CATALOGUE.iter() {
            for language in [Language::English, Language::Portuguese, Language::Spanish] {
                assert!(
                    languages.get(language.tag()).is_some_and(|text| !text.is_empty()),
                    "{key} {language:?}"
                );
            }
        }
    }

    #[test]
    fn values_stand_in_their_places() {
        assert_eq!(Language::of("es").say("notice.done", &[("title", "a.mp4")]), "Listo: a.mp4");
        assert_eq!(Language::of("de").say("tray.quit", &[]), "Quit");
        assert_eq!(Language::of_tag("pt_BR.UTF-8".into()), Language::Portuguese);
    }
}
