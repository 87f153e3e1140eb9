//! Secrets in the operating system's key store: header values, later the keys of providers.
//!
//! Owns names and values of the service `Bobina`; leaves what they are for to whoever put them.
//! Invariants: a value is never written to a file of ours, a row, a log or `Debug` output. Where there is no key store
//! it lives in memory until the program ends, and the answer to [`Secrets::put`] says so.
//!
//! The key stores' clients block, some of them until the user has typed a password, so one thread of its own talks to
//! them; whoever waits for it waits at most [`PATIENCE`].

mod key_store;

use domain::{ApiError, ErrorCode};
use key_store::Client;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a key store may take, its question to the user included.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A secret value. `Debug` shows nothing of it, and its memory is wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself. Hand it on to where it is used, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the operating system's key store.
    Store,
    /// In memory only: there is no key store, and the value is gone when the program ends.
    Session,
}

/// The key store and what it could not take.
#[derive(Clone)]
pub struct Secrets {
    client: Client,
    session: Arc<Mutex<HashMap<String, Secret>>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Costs nothing: the key store is reached when the first secret is put or asked for.
    pub fn open() -> Self {
        Self { client: Client::start(), session: Arc::default() }
    }

    /// Keeps a value under a name, replacing an older one. Names are not secret.
    pub async fn put(&self, name: &str, value: &str) -> Kept {
        match self.client.put(name, Secret::new(value)).await {
            Ok(()) => {
                self.in_session().remove(name);
                Kept::Store
            }
            Err(reason) => {
                tracing::warn!(name, %reason, "no key store; the secret is kept in memory until the program ends");
                self.in_session().insert(name.to_string(), Secret::new(value));
                Kept::Session
            }
        }
    }

    /// The value of a name; `None` when there is none. `SECRET_STORE_UNAVAILABLE` when the key store cannot be asked.
    pub async fn get(&self, name: &str) -> Result<Option<Secret>, ApiError> {
        let held = self.in_session().get(name).cloned();
        match held {
            Some(value) => Ok(Some(value)),
            None => self.client.get(name).await.map_err(unavailable),
        }
    }

    /// The value of a name that must be there. `SECRET_STORE_UNAVAILABLE` when it is not: it was kept in memory by a
    /// run that has ended, or somebody removed it.
    pub async fn need(&self, name: &str) -> Result<Secret, ApiError> {
        self.get(name).await?.ok_or_else(|| {
            ApiError::new(
                ErrorCode::SecretStoreUnavailable,
                "The cookies or keys given with this source are no longer there: without a key store they last only \
                 until Bobina ends. Add the source again with its headers.",
            )
        })
    }

    /// Forgets a name. That it was not there is no error.
    pub async fn remove(&self, name: &str) -> Result<(), ApiError> {
        let held = self.in_session().remove(name).is_some();
        match self.client.remove(name).await {
            Err(_) if held => Ok(()),
            other => other.map_err(unavailable),
        }
    }

    /// Whether secrets outlast the program: the key store's name, or why there is none. For the doctor.
    pub async fn check(&self) -> Result<String, ApiError> {
        self.client.check().await.map_err(unavailable)
    }

    fn in_session(&self) -> MutexGuard<'_, HashMap<String, Secret>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(reason: String) -> ApiError {
    ApiError::new(
        ErrorCode::SecretStoreUnavailable,
        "The key store of the operating system cannot be asked for the cookies or keys of this source. Unlock it and try again.",
    )
    .with_detail(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let secret = Secret::new("CANARY");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.expose(), "CANARY");
    }
}
