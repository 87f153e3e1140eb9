//! The data folder as the window holds it.
//!
//! Owns opening it in the background, so that the page appears at once, and passing its events to the page.
//! Leaves owner or not owner to [`server::Host`].
//! Invariant: a command waits until the folder is open; when it cannot be opened, the command says why and the next
//! one tries again.

use domain::{ApiError, Event};
use futures::StreamExt;
use serde_json::Value;
use server::{Host, HostOptions};
use std::sync::Arc;
use std::time::Duration;
use tauri::{AppHandle, Emitter};
use tokio::sync::OnceCell;

/// The name under which the page hears [`Event`]s.
const EVENT: &str = "bobina://event";
/// Between two attempts to open a folder that could not be opened.
const PAUSE: Duration = Duration::from_secs(5);
/// Running steps stop within 2 s; what has not stopped by then is taken up at the next start.
const CLOSING: Duration = Duration::from_secs(10);

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub(super) struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    options: HostOptions,
    host: OnceCell<Host>,
}

impl Engine {
    pub(super) fn new(options: HostOptions) -> Self {
        Self { inner: Arc::new(Inner { options, host: OnceCell::new() }) }
    }

    async fn host(&self) -> Result<&Host, ApiError> {
        self.inner.host.get_or_try_init(|| Host::open(self.inner.options.clone())).await
    }

    /// Runs a command of the table as soon as the folder is open.
    pub(super) async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        self.host().await?.call(name, input).await
    }

    /// The events from now on, as soon as the folder is open; a folder that cannot be opened is tried again.
    pub(super) async fn events(&self) -> impl futures::Stream<Item = Event> + Send + Unpin + use<> {
        loop {
            match self.host().await {
                Ok(host) => return host.events().boxed(),
                Err(error) => tracing::debug!(%error, "the data folder is not open yet"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Opens the folder and passes its events to the window `label` until the engine closes.
    pub(super) async fn forward(self, app: AppHandle, label: &'static str) {
        let host = loop {
            match self.host().await {
                Ok(host) => break host,
                Err(error) => {
                    tracing::error!(%error, code = error.code.as_str(), "the data folder is not open")
                }
            }
            tokio::time::sleep(PAUSE).await;
        };
        // Ends with the host.
        tokio::spawn(server::follow_api_switch(host.clone()));
        let mut events = host.events();
        // What the page read before this moment may have changed unseen.
        let mut next = Some(Event::Lagged);
        while let Some(event) = next {
            if let Err(error) = app.emit_to(label, EVENT, &event) {
                tracing::warn!(%error, "the page did not get an event");
            }
            next = events.next().await;
        }
    }

    /// Brings the queue to rest and lets go of the folder.
    pub(super) async fn close(&self) {
        if let Some(host) = self.inner.host.get()
            && tokio::time::timeout(CLOSING, host.close()).await.is_err()
        {
            tracing::warn!("running steps did not stop in time; they go on at the next start");
        }
    }
}
