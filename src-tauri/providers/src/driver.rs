//! Submit, poll, collect: the one way long jobs of services are seen through.
//!
//! Owns the order, the pace, patience with a stumbling service, and resuming. Leaves requests and status words to the
//! services.
//! Invariants: a job id is committed through [`Call::accepted`] before the first poll; a call that is handed a job id
//! never submits; a submit is sent once.

use crate::call::Call;
use crate::error::ProviderError;
use crate::service::Service;
use domain::{ErrorCode, RetryClass};
use serde_json::Value;
use std::time::Duration;

/// Looks that may fail one after the other before the call gives up; the job can be resumed.
const STUMBLES: u32 = 6;
/// Longest time between two looks.
const SLOWEST: Duration = Duration::from_secs(30);

/// What a look at a job showed.
#[derive(Debug)]
pub(crate) enum Look {
    /// `fraction` where the service tells one.
    Running { fraction: Option<f64>, word: String },
    /// Its answer, for the service to read.
    Done(Value),
}

/// A kind of job at a service.
#[async_trait::async_trait]
pub(crate) trait Job: Send + Sync {
    fn service(&self) -> &Service;

    /// Sends the wish; answers the job's id.
    async fn submit(&self, call: &Call) -> Result<String, ProviderError>;

    /// Looks once. A failed job is an error.
    async fn look(&self, call: &Call, id: &str) -> Result<Look, ProviderError>;
}

/// Sees a job through: submitted now, or resumed.
pub(crate) async fn run(job: &dyn Job, call: &Call) -> Result<Value, ProviderError> {
    let service = job.service();
    let id = match &call.resume {
        Some(id) => id.clone(),
        None => {
            let id = job.submit(call).await?;
            commit(service, call, &id).await?;
            id
        }
    };
    let (mut stumbles, mut pace) = (0, service.pace);
    loop {
        match job.look(call, &id).await {
            Ok(Look::Done(answer)) => return Ok(answer),
            Ok(Look::Running { fraction, word }) => {
                stumbles = 0;
                pace = service.pace;
                (call.progress)(fraction.unwrap_or(0.0), Some(&word));
            }
            Err(error) if error.code.retry_class() != RetryClass::Permanent && stumbles < STUMBLES => {
                stumbles += 1;
                pace = error.retry_after.unwrap_or(pace * 2).min(SLOWEST).max(service.pace);
                tracing::debug!(provider = service.name, code = %error.code, stumbles, "a look at a job failed");
            }
            Err(error) => return Err(error),
        }
        call.sleep(&service.name, pace).await?;
    }
}

async fn commit(service: &Service, call: &Call, id: &str) -> Result<(), ProviderError> {
    (call.accepted)(id.to_string()).await.map_err(|error| {
        let message = format!("The job at {} could not be written down: {error}", service.title);
        ProviderError::new(ErrorCode::OutcomeUnknown, &service.name, message).with_detail(format!("job {id}"))
    })
}

/// Reads a status word: known to be running, or unknown, which is taken for running until the deadline.
pub(crate) fn running(service: &Service, word: &str, known: &[&str], fraction: Option<f64>) -> Look {
    if !known.iter().any(|each| each.eq_ignore_ascii_case(word)) {
        tracing::warn!(provider = service.name, word, "a status word that is not known; taken for running");
    }
    Look::Running { fraction, word: word.to_ascii_lowercase() }
}

/// An id as one segment of a path, or the error that it is none.
pub(crate) fn segment(service: &Service, id: &str) -> Result<String, ProviderError> {
    let plain = !id.is_empty()
        && id.len() <= 256
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
    if plain && id != "." && id != ".." {
        return Ok(id.to_string());
    }
    Err(ProviderError::odd(&service.name, &service.title, "the id of the job"))
}
