//! The circumstances of one call: how to stop it, how long it may take, whom to tell.
//!
//! Invariant: a service's job id goes through [`Call::accepted`] before anything else is asked about that job.

use crate::error::ProviderError;
use domain::{ApiError, ErrorCode};
use futures::future::BoxFuture;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Told a service's job id; answers once it is committed. Its error ends the call, the job goes on there.
pub type JobHook = Arc<dyn Fn(String) -> BoxFuture<'static, Result<(), ApiError>> + Send + Sync>;

/// Told a fraction from 0 to 1 and a few words for people.
pub type ProgressHook = Arc<dyn Fn(f64, Option<&str>) + Send + Sync>;

/// Limits a service told in an answer's headers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LimitsSeen {
    /// Requests left in the window.
    pub remaining_requests: Option<u64>,
    /// When that window ends, from now.
    pub reset: Option<Duration>,
    /// Requests the account may have running at once.
    pub most_at_once: Option<u32>,
}

/// One wish put to one service.
#[derive(Clone)]
pub struct Call {
    /// Model id as the service knows it.
    pub model: String,
    pub cancel: CancellationToken,
    /// When the wish is given up, waiting and polling included.
    pub deadline: Instant,
    /// The same for the same wish, however often it is tried; sent where the service honours it.
    pub idempotency_key: String,
    /// The job id of an earlier try of the same wish: it is collected, not submitted again.
    pub resume: Option<String>,
    pub accepted: JobHook,
    pub progress: ProgressHook,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    hosts: BTreeSet<String>,
    limits: LimitsSeen,
}

impl Call {
    /// A call nobody watches, with that long to go.
    pub fn new(model: &str, patience: Duration) -> Self {
        Self {
            model: model.to_string(),
            cancel: CancellationToken::new(),
            deadline: Instant::now() + patience,
            idempotency_key: String::new(),
            resume: None,
            accepted: Arc::new(|_| Box::pin(async { Ok(()) })),
            progress: Arc::new(|_, _| ()),
            seen: Arc::default(),
        }
    }

    /// Every host that was contacted, in order of name: the receipt.
    pub fn hosts(&self) -> Vec<String> {
        self.seen().hosts.iter().cloned().collect()
    }

    /// What the answers' headers told of limits.
    pub fn limits(&self) -> LimitsSeen {
        self.seen().limits
    }

    pub(crate) fn note_host(&self, host: &str) {
        self.seen().hosts.insert(host.to_string());
    }

    pub(crate) fn note_limits(&self, limits: LimitsSeen) {
        let mut seen = self.seen();
        let known = &mut seen.limits;
        known.remaining_requests = limits.remaining_requests.or(known.remaining_requests);
        known.reset = limits.reset.or(known.reset);
        known.most_at_once = limits.most_at_once.or(known.most_at_once);
    }

    /// Time left, or the error that says there is none.
    pub(crate) fn left(&self, provider: &str) -> Result<Duration, ProviderError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let message = "The time for this call is over.";
            return Err(ProviderError::new(ErrorCode::ProcessingTimeout, provider, message));
        }
        Ok(left)
    }

    /// Waits; ends early with `CANCELLED` or `PROCESSING_TIMEOUT`.
    pub(crate) async fn sleep(&self, provider: &str, wait: Duration) -> Result<(), ProviderError> {
        let left = self.left(provider)?;
        tokio::select! {
            () = self.cancel.cancelled() => Err(ProviderError::cancelled(provider)),
            () = tokio::time::sleep(wait.min(left)) => Ok(()),
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
