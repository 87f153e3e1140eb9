//! One data folder as a surface sees it, whoever owns it.
//!
//! Owns deciding between being the owner and forwarding to it, and taking over when the owner ends.
//! Leaves the lock and the address file to `backend::owner`, the wire to [`crate::client`] and [`crate::serve`].
//! Invariant: a command is sent again after a broken line only where doing it twice does no harm.

use crate::client::{CallError, Client};
use crate::engine::{Engine, EventStream, Owned, Place, stream};
use crate::start::{self, Running, ServeOptions};
use async_trait::async_trait;
use backend::{Backend, Opened, Options};
use domain::{ApiError, ErrorCode, Event};
use futures::StreamExt;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, broadcast};
use tokio_util::sync::CancellationToken;

/// Events a listener may be behind before it is told to read everything again.
const BACKLOG: usize = 4096;
/// `Backend::open` waits 5 s for the lock; an owner that ends may need a little longer for its running steps.
const OPEN_TRIES: u32 = 3;
/// Between two attempts to reach or replace an owner.
const PAUSE: Duration = Duration::from_millis(200);

/// How to open a data folder.
#[derive(Clone, Debug)]
pub struct HostOptions {
    pub data_dir: PathBuf,
    /// Our own program with the hidden `worker` subcommand.
    pub worker_program: PathBuf,
    /// Run the queue when the folder is, or becomes, ours.
    pub work: bool,
}

/// What we are to the data folder just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    /// Another process owns it; commands and events go through it.
    Remote {
        pid: u32,
        /// Whether it runs the queue.
        works: bool,
    },
}

/// A data folder. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    options: HostOptions,
    side: RwLock<Side>,
    /// Held while the side changes, so that it changes once.
    changing: Mutex<()>,
    events: broadcast::Sender<Event>,
    closing: CancellationToken,
    listening: std::sync::Mutex<bool>,
}

#[derive(Clone)]
enum Side {
    Owner(Arc<Ownership>),
    Remote(Client),
}

struct Ownership {
    engine: Owned,
    running: Running,
}

impl Host {
    /// Opens the folder, as its owner or through it. Waits while an owner is just starting or ending;
    /// `DATA_LOCKED` when it neither ends nor answers.
    pub async fn open(options: HostOptions) -> Result<Self, ApiError> {
        let side = open_side(&options).await?;
        let (events, _) = broadcast::channel(BACKLOG);
        let host = Self {
            inner: Arc::new(Inner {
                side: RwLock::new(side),
                changing: Mutex::new(()),
                events,
                closing: CancellationToken::new(),
                listening: std::sync::Mutex::new(false),
                options,
            }),
        };
        // One that works has to notice the owner's end by itself; others only when they are asked something.
        if host.inner.options.work {
            host.listen();
        }
        Ok(host)
    }

    pub fn data_dir(&self) -> &Path {
        &self.inner.options.data_dir
    }

    pub fn role(&self) -> Role {
        match self.inner.side() {
            Side::Owner(_) => Role::Owner,
            Side::Remote(client) => Role::Remote { pid: client.health().pid, works: client.health().works },
        }
    }

    /// Runs a command of the table, here or in the owner; takes over when the owner has ended.
    pub async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        for _ in 0..OPEN_TRIES {
            let client = match self.inner.side() {
                Side::Owner(owner) => return owner.engine.call(name, input).await,
                Side::Remote(client) => client,
            };
            match client.call(name, &input).await {
                Ok(output) => return Ok(output),
                Err(CallError::Refused(error)) => return Err(error),
                Err(CallError::Unreachable) => self.inner.replace(&client).await?,
                Err(CallError::Broken) => {
                    self.inner.replace(&client).await?;
                    if !only_reads(name) {
                        return Err(ApiError::new(
                            ErrorCode::NetworkLost,
                            "The Bobina that did this ended before it answered. Look whether it was done, then try again.",
                        ));
                    }
                }
            }
        }
        Err(locked())
    }

    /// What changes from now on, across a change of owner. [`Event::Lagged`] means: read everything again.
    pub fn events(&self) -> EventStream {
        let receiver = self.inner.events.subscribe();
        self.listen();
        stream(receiver)
    }

    /// A listener of its own over this folder, such as `serve`'s; it forwards while another process is the owner.
    pub async fn serve(&self, options: ServeOptions) -> Result<Running, ApiError> {
        start::serve(Arc::new(self.clone()), options).await
    }

    /// Lets go of the folder: ends the listener, lets running steps stop, so that another process may take over.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        let _no_change = self.inner.changing.lock().await;
        if let Side::Owner(owner) = self.inner.side() {
            owner.running.shutdown().await;
            owner.engine.backend.shutdown().await;
        }
    }

    /// Starts passing events on, once.
    fn listen(&self) {
        let mut listening = self.inner.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *listening, true) {
            let first = match self.inner.side() {
                Side::Owner(owner) => Some(owner.engine.events()),
                Side::Remote(_) => None,
            };
            tokio::spawn(pass_on(self.inner.clone(), first));
        }
    }
}

impl Inner {
    fn side(&self) -> Side {
        self.side.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds out who owns the folder now that `gone` does not answer any more; perhaps we do.
    async fn replace(&self, gone: &Client) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        if self.closing.is_cancelled() {
            return Err(locked());
        }
        match self.side() {
            Side::Remote(client) if client.is_same(gone) => {}
            _ => return Ok(()),
        }
        let side = open_side(&self.options).await?;
        match &side {
            Side::Owner(_) => tracing::info!("the owner has ended; this process owns the data folder now"),
            Side::Remote(client) => tracing::info!(pid = client.health().pid, "another owner answers"),
        }
        *self.side.write().unwrap_or_else(PoisonError::into_inner) = side;
        Ok(())
    }
}

/// Passes events on to our listeners until the host closes, whoever owns the folder.
async fn pass_on(inner: Arc<Inner>, mut first: Option<EventStream>) {
    while !inner.closing.is_cancelled() {
        let side = inner.side();
        let is_start = first.is_some();
        let events = match (&side, first.take()) {
            (_, Some(events)) => Some(events),
            (Side::Owner(owner), None) => Some(owner.engine.events()),
            (Side::Remote(client), None) => client.events().await,
        };
        if let Some(mut events) = events {
            if !is_start {
                // Whatever happened before this line stood was missed. Nobody listening is no fault.
                let _ = inner.events.send(Event::Lagged);
            }
            loop {
                let event = tokio::select! {
                    () = inner.closing.cancelled() => return,
                    event = events.next() => event,
                };
                let Some(event) = event else { break };
                let _ = inner.events.send(event);
            }
        }
        if let Side::Remote(client) = &side
            && let Err(error) = inner.replace(client).await
        {
            tracing::warn!("the data folder has no owner that answers: {error}");
        }
        tokio::select! {
            () = inner.closing.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn open_side(options: &HostOptions) -> Result<Side, ApiError> {
    let mut last = locked();
    for _ in 0..OPEN_TRIES {
        let opened = Backend::open(Options {
            data_dir: options.data_dir.clone(),
            worker_program: options.worker_program.clone(),
            work: options.work,
        });
        match opened.await {
            Ok(Opened::Owner(backend)) => return own(backend, options.work).await,
            Ok(Opened::Taken(address)) => {
                if let Some(client) = Client::connect(&address).await? {
                    return Ok(Side::Remote(client));
                }
            }
            Err(error) if error.code == ErrorCode::DataLocked => last = error,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(last)
}

async fn own(backend: Backend, works: bool) -> Result<Side, ApiError> {
    match start::start(backend.clone(), works, ServeOptions::default()).await {
        Ok(running) => Ok(Side::Owner(Arc::new(Ownership { engine: Owned { backend, works }, running }))),
        Err(error) => {
            backend.shutdown().await;
            Err(error)
        }
    }
}

/// Commands that change nothing may be sent again.
fn only_reads(name: &str) -> bool {
    let verb = name.rsplit('.').next().unwrap_or_default();
    matches!(verb, "list" | "get" | "search" | "export" | "status" | "address") || name == "doctor.run"
}

fn locked() -> ApiError {
    ApiError::new(
        ErrorCode::DataLocked,
        "Another Bobina owns this data folder and does not answer. End it, or choose another folder with --data-dir.",
    )
}

#[async_trait]
impl Engine for Host {
    async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        Host::call(self, name, input).await
    }

    fn events(&self) -> EventStream {
        Host::events(self)
    }

    async fn place(&self, path: &str) -> Result<Option<Place>, ApiError> {
        if let Side::Owner(owner) = self.inner.side() {
            return owner.engine.place(path).await;
        }
        let address = Host::call(self, "server.address", json!({})).await?;
        // Asking may have made us the owner.
        match (self.inner.side(), address.get("media_url").and_then(Value::as_str)) {
            (Side::Owner(owner), _) => owner.engine.place(path).await,
            (Side::Remote(_), Some(url)) => Ok(Some(Place::Owner(format!("{url}/{path}")))),
            (Side::Remote(_), None) => Err(ApiError::internal("The owner does not say where its media is.")),
        }
    }

    fn works(&self) -> bool {
        match self.inner.side() {
            Side::Owner(owner) => owner.engine.works,
            Side::Remote(client) => client.health().works,
        }
    }

    fn data_dir(&self) -> PathBuf {
        Host::data_dir(self).to_path_buf()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_commands_that_change_nothing_are_sent_twice() {
        let twice: Vec<&str> = backend::api::COMMANDS
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| super::only_reads(name))
            .collect();
        for name in &twice {
            assert!(
                ["add", "cancel", "pause", "retry", "set", "remove", "import", "download"]
                    .iter()
                    .all(|verb| !name.ends_with(verb)),
                "{name}"
            );
        }
        for name in ["tasks.list", "library.search", "transcripts.export", "queue.status", "doctor.run"] {
            assert!(twice.contains(&name), "{name}");
        }
    }
}
