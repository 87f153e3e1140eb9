//! What the server serves: the backend itself, or the host that forwards to the owner's.

use async_trait::async_trait;
use backend::Backend;
use domain::{ApiError, Event};
use futures::stream::{BoxStream, StreamExt};
use serde_json::Value;
use std::path::PathBuf;
use tokio::sync::broadcast;

/// Events as they come; ends when the engine ends.
pub type EventStream = BoxStream<'static, Event>;

/// Where the bytes of a media path are.
#[derive(Debug)]
pub enum Place {
    /// A file of this machine.
    File(PathBuf),
    /// The same bytes on the owner's media server.
    Owner(String),
}

/// Commands, events and media of one data folder.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Runs a command of the table.
    async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError>;
    /// What changes from now on; [`Event::Lagged`] stands where some were missed.
    fn events(&self) -> EventStream;
    /// The file behind a media path (`file/<media id>`, `artifact/<name>`); `None`: no such.
    async fn place(&self, path: &str) -> Result<Option<Place>, ApiError>;
    /// Whether queued tasks are being run.
    fn works(&self) -> bool;
    /// The data folder, for uploads.
    fn data_dir(&self) -> PathBuf;
}

/// A backend with what its owner knows of it.
pub(crate) struct Owned {
    pub(crate) backend: Backend,
    pub(crate) works: bool,
}

#[async_trait]
impl Engine for Owned {
    async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        backend::api::call(&self.backend, name, input).await
    }

    fn events(&self) -> EventStream {
        stream(self.backend.events())
    }

    async fn place(&self, path: &str) -> Result<Option<Place>, ApiError> {
        Ok(self.backend.artifact_path(path).await?.map(Place::File))
    }

    fn works(&self) -> bool {
        self.works
    }

    fn data_dir(&self) -> PathBuf {
        self.backend.data_dir().to_path_buf()
    }
}

/// A receiver as a stream: a gap becomes [`Event::Lagged`], a closed channel the end.
pub(crate) fn stream(receiver: broadcast::Receiver<Event>) -> EventStream {
    futures::stream::unfold(receiver, |mut receiver| async move {
        match receiver.recv().await {
            Ok(event) => Some((event, receiver)),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "a listener was too slow");
                Some((Event::Lagged, receiver))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_that_it_missed_some() {
        let (sender, receiver) = broadcast::channel(2);
        let mut events = stream(receiver);
        for _ in 0..5 {
            sender.send(Event::UrlsChanged).unwrap();
        }
        assert_eq!(events.next().await, Some(Event::Lagged));
        assert_eq!(events.next().await, Some(Event::UrlsChanged));
        assert_eq!(events.next().await, Some(Event::UrlsChanged));
        drop(sender);
        assert_eq!(events.next().await, None);
    }
}
