//! The thread that talks to the platform's key store.

use super::{PATIENCE, Secret};
use keyring_core::{CredentialStore, Entry, Error};
use std::sync::Arc;
use std::sync::mpsc;
use tokio::sync::oneshot;

/// The name under which the key store shows our entries to the user.
const SERVICE: &str = "Bobina";

/// Why the key store did not answer, in words for people; holds no secret.
type Reason = String;

enum Ask {
    Put(String, Secret, oneshot::Sender<Result<(), Reason>>),
    Get(String, oneshot::Sender<Result<Option<Secret>, Reason>>),
    Remove(String, oneshot::Sender<Result<(), Reason>>),
    Check(oneshot::Sender<Result<String, Reason>>),
}

/// Speaks with the thread.
#[derive(Clone)]
pub(super) struct Client {
    asks: mpsc::Sender<Ask>,
}

impl Client {
    /// Starts the thread; it ends with the last client.
    pub(super) fn start() -> Self {
        let (asks, asked) = mpsc::channel();
        let started = std::thread::Builder::new().name("key-store".into()).spawn(move || serve(&asked));
        if let Err(error) = started {
            // The channel is closed then, and every question is answered with that.
            tracing::error!(%error, "the key store's thread did not start");
        }
        Self { asks }
    }

    pub(super) async fn put(&self, name: &str, value: Secret) -> Result<(), Reason> {
        self.ask(|reply| Ask::Put(name.to_string(), value, reply)).await
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Secret>, Reason> {
        self.ask(|reply| Ask::Get(name.to_string(), reply)).await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), Reason> {
        self.ask(|reply| Ask::Remove(name.to_string(), reply)).await
    }

    pub(super) async fn check(&self) -> Result<String, Reason> {
        self.ask(Ask::Check).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<Result<T, Reason>>) -> Ask) -> Result<T, Reason> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).map_err(|_| "the key store's thread is not there".to_string())?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the key store's thread ended".into()),
            Err(_) => Err("the key store did not answer in time".into()),
        }
    }
}

fn serve(asked: &mpsc::Receiver<Ask>) {
    let mut store = None;
    while let Ok(ask) = asked.recv() {
        // Whoever asked may have stopped waiting; then nobody needs the answer.
        match ask {
            Ask::Put(name, value, reply) => {
                if reply.is_closed() {
                    continue;
                }
                let _ =
                    reply.send(with(&mut store, &name, |entry| entry.set_secret(value.expose().as_bytes())));
            }
            Ask::Get(name, reply) => {
                let _ = reply.send(with(&mut store, &name, read));
            }
            Ask::Remove(name, reply) => {
                let _ = reply.send(with(&mut store, &name, |entry| match entry.delete_credential() {
                    Err(Error::NoEntry) => Ok(()),
                    other => other,
                }));
            }
            Ask::Check(reply) => {
                let reached = with(&mut store, "check", |entry| match entry.get_secret() {
                    Ok(_) | Err(Error::NoEntry) => Ok(()),
                    Err(error) => Err(error),
                });
                let _ = reply.send(reached.map(|()| platform_name().to_string()));
            }
        }
    }
}

fn read(entry: &Entry) -> keyring_core::Result<Option<Secret>> {
    match entry.get_secret() {
        // A value that is no text is not one of ours.
        Ok(bytes) => Ok(String::from_utf8(bytes).ok().map(Secret::new)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Does something with an entry. After a fault the store is opened anew, once: the service may have been restarted.
fn with<T>(
    store: &mut Option<Arc<CredentialStore>>,
    name: &str,
    act: impl Fn(&Entry) -> keyring_core::Result<T>,
) -> Result<T, Reason> {
    let opened_before = store.is_some();
    let tried = attempt(store, name, &act);
    match tried {
        Err(_) if opened_before => {
            *store = None;
            attempt(store, name, &act)
        }
        other => other,
    }
}

fn attempt<T>(
    store: &mut Option<Arc<CredentialStore>>,
    name: &str,
    act: impl Fn(&Entry) -> keyring_core::Result<T>,
) -> Result<T, Reason> {
    let open = match store {
        Some(open) => open,
        None => store.insert(platform_store().map_err(|error| reason(&error))?),
    };
    let entry = open.build(SERVICE, name, None).map_err(|error| reason(&error))?;
    act(&entry).map_err(|error| reason(&error))
}

/// `Display` only: some variants carry the value itself, which `Debug` would show.
fn reason(error: &Error) -> Reason {
    match error {
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "the entry is not readable".into(),
        other => other.to_string(),
    }
}

#[cfg(target_os = "linux")]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NoDefaultStore)
}

fn platform_name() -> &'static str {
    if cfg!(target_os = "linux") {
        "Secret Service"
    } else if cfg!(target_os = "macos") {
        "Keychain"
    } else {
        "Credential Manager"
    }
}
