//! Cloud services as this user has set them up: the registry with their own entries, keys, connections, money.
//!
//! Owns which key goes where, the local-only rule, the ledger and the caps. Leaves the wire to `providers` and the work
//! to the steps.
//! Invariants: a key is read when it is needed and kept nowhere; nothing paid is sent before it is written down.

mod choice;
mod keys;
mod ledger;

pub use choice::strategy_of;
pub use keys::{KeySource, Keys};
pub use ledger::{Bought, Keep, Ledger, Wish, Work, month_of};

use crate::artifacts::fault;
use crate::secrets::Secrets;
use crate::settings::SettingsHandle;
use domain::{ApiError, ErrorCode, UtcTime};
use providers::{Call, Capability, Http, Model, Provider, Registry, Service};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The user's own entries, in the data folder: services of their own, other addresses, other prices.
pub const FILE_NAME: &str = "providers.json";
/// Largest such file, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// How long a free question may take.
const CHECK: Duration = Duration::from_secs(30);

/// The services.
#[derive(Clone, Debug)]
pub struct Cloud {
    data_dir: PathBuf,
    settings: SettingsHandle,
    http: Http,
    pub keys: Keys,
}

/// A service and a model of it that a task asked for by name.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub provider: Provider,
    pub model: Model,
}

impl Chosen {
    /// `openai:whisper-1`, as it stands in transcripts.
    pub fn engine(&self) -> String {
        format!("{}:{}", self.provider.name, self.model.name)
    }
}

impl Cloud {
    pub fn new(data_dir: &Path, settings: SettingsHandle, secrets: Secrets) -> Result<Self, ApiError> {
        Ok(Self { data_dir: data_dir.to_path_buf(), settings, http: Http::new()?, keys: Keys::new(secrets) })
    }

    /// The shipped registry with the user's file over it. `INVALID_INPUT` names what is wrong in the file. Blocking,
    /// but short: one small file.
    pub fn registry(&self) -> Result<Registry, ApiError> {
        let path = self.data_dir.join(FILE_NAME);
        let own = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(fault("The list of providers cannot be read", &error)),
            Ok(there) if there.len() > MAX_FILE => {
                return Err(ApiError::invalid(format!("{FILE_NAME} is larger than {MAX_FILE} bytes.")));
            }
            Ok(_) => Some(
                std::fs::read_to_string(&path)
                    .map_err(|error| fault("The list of providers cannot be read", &error))?,
            ),
        };
        Registry::load(own.as_deref()).map_err(|error| ApiError::invalid(format!("{FILE_NAME}: {error}.")))
    }

    /// The model an engine's name means: `openai:whisper-1`, or `openai` for its first one that has not ended.
    /// `ENGINE_UNKNOWN`, or `MODEL_UNKNOWN` when the model has ended.
    pub fn choose(&self, engine: &str, capability: Capability, now: UtcTime) -> Result<Chosen, ApiError> {
        let registry = self.registry()?;
        let (name, wanted) =
            engine.split_once(':').map_or((engine, None), |(name, model)| (name, Some(model)));
        let unknown = || {
            let message =
                format!("There is no engine \"{engine}\". `bobina providers` lists the cloud services.");
            ApiError::new(ErrorCode::EngineUnknown, message)
        };
        let provider = registry.provider(name).ok_or_else(unknown)?;
        let today = day_of(now);
        let model = match wanted {
            Some(wanted) => provider.model(wanted, capability),
            None => provider
                .models
                .iter()
                .find(|model| model.capability == capability && !model.has_ended(today))
                .cloned(),
        };
        let model = model.ok_or_else(unknown)?;
        if model.has_ended(today) {
            let message =
                format!("{} has ended {}; choose another of its models.", provider.title, model.name);
            return Err(ApiError::new(ErrorCode::ModelUnknown, message));
        }
        Ok(Chosen { provider: provider.clone(), model })
    }

    /// The service with its key. `KEY_MISSING` says how to give one.
    pub async fn service(&self, provider: &Provider) -> Result<Service, ApiError> {
        let key = self.keys.of(provider).await?.map(|(key, _)| key);
        if key.is_none() && !provider.environment.is_empty() {
            let message = format!(
                "There is no key for {}. Give it with `bobina keys set {}` or in {}.",
                provider.title,
                provider.name,
                provider.environment.join(" or ")
            );
            return Err(ApiError::new(ErrorCode::KeyMissing, message));
        }
        let http = self.http.clone().local_only(self.settings.get().local_only);
        Ok(provider.service(key, &http))
    }

    /// Asks the service something that costs nothing, to see whether the key is good.
    pub async fn check(&self, provider: &Provider) -> Result<(), ApiError> {
        let service = self.service(provider).await?;
        let path = if provider.check.is_empty() { "models" } else { provider.check.as_str() };
        Ok(service.check_key(&Call::new("", CHECK), path).await?)
    }
}

/// The day in UTC: ends of life are dates without a place.
pub fn day_of(now: UtcTime) -> jiff::civil::Date {
    let stamp = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::UTC).date()
}
