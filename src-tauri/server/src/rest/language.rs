//! Errors in the caller's language.
//!
//! English says exactly what is wrong. Other languages say the code's own sentence and what cures it, and keep the
//! exact English one as the detail.

use crate::answer;
use axum::response::Response;
use domain::ApiError;
use http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use std::sync::OnceLock;

/// The languages of the catalogue, as it names them.
const LANGUAGES: [&str; 3] = ["en", "pt-BR", "es"];

/// The language the caller likes best of those there are; English when it likes none of them.
pub(crate) fn of(headers: &HeaderMap) -> &'static str {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = ("en", 0.0);
    for part in wanted.split(',').take(32) {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f64>().ok());
        let first = tag.trim().split('-').next().unwrap_or_default();
        let known = LANGUAGES.iter().find(|known| known[..2].eq_ignore_ascii_case(first));
        if let (Some(known), Some(weight)) = (known, weight)
            && weight > best.1
        {
            best = (known, weight);
        }
    }
    best.0
}

/// An answer of ours that is an error, said in that language; any other answer as it is.
pub(crate) fn say(response: Response, tongue: &'static str) -> Response {
    let Some(error) = response.extensions().get::<ApiError>().cloned() else { return response };
    let said = if tongue == "en" { None } else { sentence(&error, tongue) };
    let mut response = match said {
        Some(message) => {
            let detail = Some(error.message.clone());
            let mut said = answer::error(&ApiError { message, detail, ..error });
            for (name, value) in response.headers() {
                if !said.headers().contains_key(name) && name != http::header::CONTENT_LENGTH {
                    said.headers_mut().insert(name.clone(), value.clone());
                }
            }
            said
        }
        None => response,
    };
    response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static(tongue));
    response
}

fn sentence(error: &ApiError, tongue: &str) -> Option<String> {
    static CATALOGUE: OnceLock<Value> = OnceLock::new();
    let catalogue = CATALOGUE.get_or_init(|| {
        serde_json::from_str(include_str!("../../../../assets/messages/errors.json")).unwrap_or_default()
    });
    let texts = catalogue.get(error.code.as_str())?.get(tongue)?;
    Some(format!("{}. {}", texts.get("title")?.as_str()?, texts.get("cure")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ErrorCode;

    fn chosen(wanted: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(wanted).unwrap());
        of(&headers)
    }

    #[test]
    fn the_best_liked_known_language_is_spoken() {
        assert_eq!(chosen("pt-PT,pt;q=0.9,en;q=0.8"), "pt-BR");
        assert_eq!(chosen("fr, es;q=0.5, en;q=0.4"), "es");
        assert_eq!(chosen("fr"), "en");
        assert_eq!(chosen(";;q=,,"), "en");
        assert_eq!(of(&HeaderMap::new()), "en");
    }

    #[test]
    fn every_code_has_its_sentence() {
        for code in ErrorCode::ALL {
            for tongue in ["pt-BR", "es"] {
                assert!(sentence(&ApiError::new(*code, "x"), tongue).is_some(), "{code} {tongue}");
            }
        }
    }
}
