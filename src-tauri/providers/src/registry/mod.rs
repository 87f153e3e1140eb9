//! What each service and model can do, costs, and until when: dated data, and the user's own additions.
//!
//! Owns reading and merging the data and making an adapter of an entry. Leaves keys to the caller.
//! Invariant: an entry of the user wins over the shipped one of the same name, field by field; what is wrong in the
//! user's file is refused as a whole, with its place, and the shipped data holds.

mod price;

pub use price::{Price, Usd};

use crate::capability::{Capability, Complete, Transcribe};
use crate::error::ProviderError;
use crate::http::Http;
use crate::key::ApiKey;
use crate::service::{Auth, Service};
use crate::services::{AssemblyAi, Deepgram, ElevenLabs, Gemini, OpenAi};
use domain::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use url::Url;

const SHIPPED: &str = include_str!("../../../../assets/prices/providers.json");
/// A model that ends within this many days warns.
const SOON_DAYS: i64 = 100;

/// Which of our files speaks to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adapter {
    /// OpenAI and every server that speaks as it does.
    OpenAi,
    AssemblyAi,
    Deepgram,
    ElevenLabs,
    Gemini,
}

/// What a speech model tells about time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Times {
    Words,
    #[default]
    Segments,
    /// Text only: windows are kept short, and each becomes one segment.
    None,
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Longest sound in one request, in seconds.
    pub window_seconds: f64,
    pub max_bytes: u64,
}

/// One model of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub name: String,
    pub capability: Capability,
    #[serde(default)]
    pub times: Times,
    #[serde(default)]
    pub speakers: bool,
    #[serde(default = "default_window")]
    pub window_seconds: f64,
    #[serde(default = "default_bytes")]
    pub max_bytes: u64,
    /// `None`: not known.
    #[serde(default)]
    pub price: Option<Price>,
    /// The day it stops answering, as `YYYY-MM-DD`.
    #[serde(default)]
    pub end_of_life: Option<jiff::civil::Date>,
    /// 0 to 1; where the router begins before it has a record of its own.
    #[serde(default = "default_quality")]
    pub quality: f64,
    /// Seconds of media done in a second, or answers a minute: likewise.
    #[serde(default = "default_speed")]
    pub speed: f64,
}

fn default_window() -> f64 {
    60.0
}
fn default_bytes() -> u64 {
    25 * 1024 * 1024
}
fn default_quality() -> f64 {
    0.7
}
fn default_speed() -> f64 {
    5.0
}

impl Model {
    pub fn limits(&self) -> Limits {
        // 32 000 bytes a second, and room for the rest of the form.
        let fits = (self.max_bytes.saturating_sub(16 * 1024) as f64 / 32_000.0).max(1.0);
        Limits { window_seconds: self.window_seconds.clamp(1.0, fits), max_bytes: self.max_bytes }
    }

    pub fn has_ended(&self, today: jiff::civil::Date) -> bool {
        self.end_of_life.is_some_and(|end| end <= today)
    }

    /// Ended, or ends within about three months.
    pub fn ends_soon(&self, today: jiff::civil::Date) -> bool {
        let horizon = today.checked_add(jiff::Span::new().days(SOON_DAYS)).unwrap_or(today);
        self.end_of_life.is_some_and(|end| end <= horizon)
    }

    fn unlisted(name: &str, capability: Capability) -> Self {
        Self {
            name: name.to_string(),
            capability,
            times: Times::default(),
            speakers: false,
            window_seconds: default_window(),
            max_bytes: default_bytes(),
            price: None,
            end_of_life: None,
            quality: default_quality(),
            speed: default_speed(),
        }
    }
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Lower-case letters, digits and `-`.
    pub name: String,
    #[serde(default)]
    pub title: String,
    pub adapter: Adapter,
    pub base_url: Url,
    #[serde(default)]
    pub auth: Auth,
    /// Environment variables that may hold the key, the first that is set wins.
    #[serde(default)]
    pub environment: Vec<String>,
    /// A path below the base that costs nothing and needs the key.
    #[serde(default)]
    pub check: String,
    /// Requests at once.
    #[serde(default = "default_at_once")]
    pub at_once: usize,
    /// Milliseconds between two looks at a job.
    #[serde(default = "default_pace")]
    pub pace_ms: u64,
    /// Seconds to wait after a 429 that names no time.
    #[serde(default)]
    pub wait_seconds: Option<u64>,
    /// What becomes of what is sent there, in a sentence.
    #[serde(default)]
    pub privacy: String,
    #[serde(default)]
    pub models: Vec<Model>,
}

fn default_at_once() -> usize {
    2
}
fn default_pace() -> u64 {
    3000
}

/// The user's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("the provider \"{0}\" needs a name of lower-case letters, digits and -")]
    Name(String),
    #[error("the address of \"{0}\" is neither http nor https")]
    Address(String),
}

/// All services.
#[derive(Clone, Debug)]
pub struct Registry {
    /// The day the shipped data was checked.
    pub dated: jiff::civil::Date,
    pub providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct File {
    dated: jiff::civil::Date,
    providers: Vec<Provider>,
}

impl Registry {
    /// The shipped data with the user's file over it: the same shape, of which only what differs must be given.
    pub fn load(own: Option<&str>) -> Result<Self, RegistryError> {
        let mut data: Value = serde_json::from_str(SHIPPED)?;
        if let Some(own) = own {
            let own: Value = serde_json::from_str(own)?;
            for each in own["providers"].as_array().into_iter().flatten() {
                lay_over(&mut data["providers"], each);
            }
        }
        let mut file: File = serde_json::from_value(data)?;
        for provider in &mut file.providers {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if provider.name.is_empty() || !provider.name.bytes().all(plain) {
                return Err(RegistryError::Name(provider.name.clone()));
            }
            if !matches!(provider.base_url.scheme(), "http" | "https") {
                return Err(RegistryError::Address(provider.name.clone()));
            }
            if provider.title.is_empty() {
                provider.title.clone_from(&provider.name);
            }
        }
        Ok(Self { dated: file.dated, providers: file.providers })
    }

    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }
}

/// Puts an entry of a list over the one of the same name (and capability), or at its end.
fn lay_over(list: &mut Value, entry: &Value) {
    let Some(list) = list.as_array_mut() else { return };
    let same = |other: &&mut Value| {
        other["name"] == entry["name"]
            && (entry["capability"].is_null() || other["capability"] == entry["capability"])
    };
    let Some(known) = list.iter_mut().find(same) else {
        list.push(entry.clone());
        return;
    };
    for (key, value) in entry.as_object().into_iter().flatten() {
        if key == "models" && known["models"].is_array() {
            for model in value.as_array().into_iter().flatten() {
                lay_over(&mut known["models"], model);
            }
        } else {
            known[key.as_str()] = value.clone();
        }
    }
}

impl Provider {
    /// The model of that name for a capability; one that is not listed (the user's own, a fine-tuned one) is taken as
    /// it is, its price unknown. `None` where the adapter cannot do it at all.
    pub fn model(&self, name: &str, capability: Capability) -> Option<Model> {
        let listed = self.models.iter().find(|model| model.name == name && model.capability == capability);
        let known_otherwise = self.models.iter().any(|model| model.name == name);
        let able = self.adapter.can(capability) && !known_otherwise;
        listed.cloned().or_else(|| (able && !name.is_empty()).then(|| Model::unlisted(name, capability)))
    }

    /// Whether it is called on this machine and nowhere else.
    pub fn is_on_this_machine(&self) -> bool {
        crate::http::is_this_machine(&self.base_url)
    }

    /// The service as it is called.
    pub fn service(&self, key: Option<ApiKey>, http: &Http) -> Service {
        Service {
            name: self.name.clone(),
            title: self.title.clone(),
            base: self.base_url.clone(),
            auth: if key.is_none() && self.environment.is_empty() { Auth::None } else { self.auth },
            key,
            http: http.clone(),
            pace: Duration::from_millis(self.pace_ms),
            wait_when_limited: self.wait_seconds.map(Duration::from_secs),
        }
    }

    /// What hears with that model.
    pub fn transcriber(&self, model: &Model, service: Service) -> Result<Box<dyn Transcribe>, ProviderError> {
        Ok(match self.adapter {
            Adapter::OpenAi => Box::new(OpenAi { service, times: model.times, speakers: model.speakers }),
            Adapter::AssemblyAi => Box::new(AssemblyAi { service }),
            Adapter::Deepgram => Box::new(Deepgram { service }),
            Adapter::ElevenLabs => Box::new(ElevenLabs { service }),
            Adapter::Gemini => Box::new(Gemini { service }),
        })
    }

    /// What answers in JSON with that model. `ENGINE_UNKNOWN` when the service cannot.
    pub fn completer(&self, model: &Model, service: Service) -> Result<Box<dyn Complete>, ProviderError> {
        match self.adapter {
            Adapter::OpenAi => Ok(Box::new(OpenAi { service, times: model.times, speakers: false })),
            Adapter::Gemini => Ok(Box::new(Gemini { service })),
            _ => {
                let message = format!("{} has no language model.", self.title);
                Err(ProviderError::new(ErrorCode::EngineUnknown, &self.name, message))
            }
        }
    }
}

impl Adapter {
    /// Whether our file for it knows the capability.
    pub fn can(self, capability: Capability) -> bool {
        match capability {
            Capability::Transcribe => true,
            Capability::Complete => matches!(self, Self::OpenAi | Self::Gemini),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_data_is_whole() {
        let registry = Registry::load(None).unwrap();
        assert!(registry.providers.len() >= 6);
        for provider in &registry.providers {
            assert!(!provider.check.is_empty() && !provider.privacy.is_empty(), "{}", provider.name);
            for model in &provider.models {
                assert!(provider.adapter.can(model.capability), "{} {}", provider.name, model.name);
                let alive = !model.has_ended(registry.dated);
                let told = model.price.is_some() || model.ends_soon(registry.dated);
                assert!(!alive || told, "{} {} has no price", provider.name, model.name);
                assert!(model.limits().window_seconds * 32_000.0 < model.max_bytes as f64);
            }
        }
    }

    #[test]
    fn the_users_entries_win_field_by_field() {
        let own = r#"{ "providers": [
            { "name": "openai", "base_url": "http://127.0.0.1:9/v1", "models": [{ "name": "whisper-1", "capability": "transcribe", "price": { "minute": 1 } }] },
            { "name": "my-server", "adapter": "openai", "base_url": "http://10.0.0.2:8000/v1" } ] }"#;
        let registry = Registry::load(Some(own)).unwrap();
        let openai = registry.provider("openai").unwrap();
        assert_eq!(openai.base_url.as_str(), "http://127.0.0.1:9/v1");
        let whisper = openai.model("whisper-1", Capability::Transcribe).unwrap();
        assert_eq!((whisper.times, whisper.price.unwrap().minute), (Times::Words, Some(1.0)));
        let mine = registry.provider("my-server").unwrap();
        assert_eq!(mine.title, "my-server");
        assert!(mine.model("any/model", Capability::Transcribe).unwrap().price.is_none());
        assert!(openai.model("whisper-1", Capability::Complete).is_none());
        assert!(matches!(
            Registry::load(Some(
                r#"{"providers":[{"name":"A B","adapter":"openai","base_url":"http://x"}]}"#
            )),
            Err(RegistryError::Name(_))
        ));
        assert!(
            Registry::load(Some(r#"{"providers":[{"name":"x","adapter":"openai","base_url":"file:///x"}]}"#))
                .is_err()
        );
    }

    #[test]
    fn ends_are_seen_coming() {
        let registry = Registry::load(None).unwrap();
        let whisper =
            registry.provider("openai").unwrap().model("whisper-1", Capability::Transcribe).unwrap();
        let day = |text: &str| text.parse::<jiff::civil::Date>().unwrap();
        assert!(!whisper.ends_soon(day("2026-10-01")));
        assert!(whisper.ends_soon(day("2026-12-01")) && !whisper.has_ended(day("2026-12-01")));
        assert!(whisper.has_ended(day("2027-02-26")));
    }
}
