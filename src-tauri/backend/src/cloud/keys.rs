//! Where a service's key is: an environment variable, else the key store.
//!
//! Invariant: a key from the environment is never written down; no answer of this module but [`Keys::of`] holds a key.

use crate::secrets::{Kept, Secrets};
use domain::ApiError;
use providers::{ApiKey, Provider};

/// Longest key that is taken, in bytes.
const MAX_KEY: usize = 4096;

/// Where a key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The variable of that name.
    Environment(String),
    /// The operating system's key store, or memory where there is none.
    Store,
}

/// The keys of services.
#[derive(Clone, Debug)]
pub struct Keys {
    secrets: Secrets,
}

impl Keys {
    pub(super) fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    /// The key and where it was. The environment wins: whoever set it for this start means it.
    pub async fn of(&self, provider: &Provider) -> Result<Option<(ApiKey, KeySource)>, ApiError> {
        if let Some(found) = from_environment(provider) {
            return Ok(Some(found));
        }
        match self.secrets.get(&entry(provider)).await {
            Ok(secret) => Ok(secret.map(|secret| (ApiKey::new(secret.expose()), KeySource::Store))),
            // Without a key store nothing can have been put there; a service that needs no key goes on.
            Err(error) => {
                tracing::debug!(provider = provider.name, %error, "the key store was not asked");
                Ok(None)
            }
        }
    }

    /// Keeps a key. `INVALID_INPUT` when it is none.
    pub async fn set(&self, provider: &Provider, key: &str) -> Result<Kept, ApiError> {
        let key = key.trim();
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ApiError::invalid(format!(
                "This is no key for {}: a key is one word of letters, digits and signs.",
                provider.title
            )));
        }
        Ok(self.secrets.put(&entry(provider), key).await)
    }

    /// Forgets a key that was set; one in the environment stays there.
    pub async fn remove(&self, provider: &Provider) -> Result<(), ApiError> {
        self.secrets.remove(&entry(provider)).await
    }
}

/// Name of the key store's entry.
fn entry(provider: &Provider) -> String {
    format!("key-{}", provider.name)
}

fn from_environment(provider: &Provider) -> Option<(ApiKey, KeySource)> {
    provider.environment.iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty())?;
        Some((ApiKey::new(&value), KeySource::Environment(name.clone())))
    })
}
