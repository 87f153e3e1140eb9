//! Buying: a wish is written down, sent at most once, and its cost kept; caps park what would go beyond them.
//!
//! Owns the life of a paid call. Leaves sending to the closure it is handed and rows to `store::calls`.
//! Invariants: a wish whose answer was lost is not sent again before the user has been told and has tried again; a call
//! that is on its way is let end even when its step was stopped, since it is paid for; its result and its charge are
//! stored in one transaction.

use super::Chosen;
use crate::queue::{Apply, Clock};
use crate::store::calls::{self, CallEnd, CallRow, NewCall};
use crate::store::{Store, StoreError};
use domain::{ApiError, ErrorCode, UtcTime};
use futures::future::BoxFuture;
use providers::{Call, ProviderError, Usage, Usd};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is to be bought. The same wish has the same text in every try.
#[derive(Clone, Debug)]
pub struct Wish {
    pub text: String,
    pub task_id: String,
    pub capability: providers::Capability,
    /// At the most; `None` where the price is not known.
    pub estimate: Option<Usd>,
    /// Why this service was chosen.
    pub decision: Option<String>,
    /// Tries and waiting included.
    pub patience: Duration,
}

/// How a wish ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bought {
    /// Done now, and stored.
    Now,
    /// An earlier try, still on its way, has ended meanwhile; look whether its result is there.
    Meanwhile,
}

/// What sends a wish and reads the answer.
pub type Work<T> = Box<dyn FnOnce(Call) -> BoxFuture<'static, Result<(T, Usage), ProviderError>> + Send>;
/// What stores a result.
pub type Keep<T> = Box<dyn FnOnce(T) -> Apply + Send>;

/// The ledger of paid calls. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Wishes on their way in this process.
    live: Arc<Mutex<HashMap<String, watch::Receiver<bool>>>>,
    /// Fired when the program cannot wait any longer.
    stop: CancellationToken,
}

impl Ledger {
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, live: Arc::default(), stop: CancellationToken::new() }
    }

    /// Sends a wish, or takes up where an earlier try left it, and stores what comes of it. A fired `cancel` only ends
    /// the waiting: what is paid for goes on and is stored.
    ///
    /// Errors: `OUTCOME_UNKNOWN` (see [`Self::told`]), `CAP_REACHED`, and those of the service.
    pub async fn buy<T: Send + 'static>(
        &self,
        wish: Wish,
        chosen: &Chosen,
        cancel: &CancellationToken,
        work: Work<T>,
        keep: Keep<T>,
    ) -> Result<Bought, ApiError> {
        if let Some(mut ended) = self.is_live(&wish.text) {
            return tokio::select! {
                () = cancel.cancelled() => Err(stopped()),
                _ = ended.wait_for(|ended| *ended) => Ok(Bought::Meanwhile),
            };
        }
        let (call, resume) = self.begin(&wish, chosen).await?;
        let (ending, ended) = watch::channel(false);
        self.lock().insert(wish.text.clone(), ended);
        let (ledger, model) = (self.clone(), chosen.model.clone());
        let task = tokio::spawn(async move {
            let result = ledger.run(call, resume, &wish, &model, work, keep).await;
            ledger.lock().remove(&wish.text);
            // Whoever waited for it may be gone.
            let _ = ending.send(true);
            result
        });
        tokio::select! {
            () = cancel.cancelled() => Err(stopped()),
            ended = task => match ended {
                Ok(result) => result.map(|()| Bought::Now),
                Err(error) => Err(ApiError::internal(format!("A call broke off: {error}"))),
            },
        }
    }

    /// Written together with a failure `OUTCOME_UNKNOWN` of a task: who tries again then knows, and it is sent.
    pub fn told(task_id: &str) -> Apply {
        let task_id = task_id.to_string();
        Box::new(move |tx| calls::tell(tx, &task_id))
    }

    /// Lets what is on its way end, at most that long.
    pub async fn drain(&self, patience: Duration) {
        let waiting: Vec<_> = self.lock().values().cloned().collect();
        let all = async {
            for mut ended in waiting {
                // An error: its task is gone, so it has ended too.
                let _ = ended.wait_for(|ended| *ended).await;
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("paid calls were still on their way when the program ended");
            self.stop.cancel();
        }
    }

    fn is_live(&self, wish: &str) -> Option<watch::Receiver<bool>> {
        self.lock().get(wish).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<bool>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides by the last try of the wish, and writes the new one down: its row, and the job id to collect.
    async fn begin(&self, wish: &Wish, chosen: &Chosen) -> Result<(i64, Option<String>), ApiError> {
        let now = self.clock.now();
        let new = NewCall {
            wish: wish.text.clone(),
            task_id: wish.task_id.clone(),
            provider: chosen.provider.name.clone(),
            model: chosen.model.name.clone(),
            capability: wish.capability.as_str(),
            estimate: wish.estimate.map(|usd| usd.0),
            decision: wish.decision.clone(),
        };
        let title = chosen.provider.title.clone();
        let decided = self.store.write(move |tx| {
            match calls::last(tx, &new.wish)? {
                Some(CallRow { call, state, remote_job: Some(job), .. }) if state == "accepted" => {
                    return Ok(Ok((call, Some(job))));
                }
                Some(CallRow { call, state, told, .. })
                    if matches!(state.as_str(), "sending" | "unknown") =>
                {
                    if !told {
                        return Ok(Err(lost(&title)));
                    }
                    calls::release(tx, call, now)?;
                }
                _ => {}
            }
            match over_cap(tx, &new, &title, now)? {
                Some(error) => Ok(Err(error)),
                None => Ok(Ok((calls::begin(tx, &new, now)?, None))),
            }
        });
        decided.await?
    }

    async fn run<T: Send + 'static>(
        &self,
        row: i64,
        resume: Option<String>,
        wish: &Wish,
        model: &providers::Model,
        work: Work<T>,
        keep: Keep<T>,
    ) -> Result<(), ApiError> {
        let mut call = Call::new(&model.name, wish.patience);
        call.cancel = self.stop.clone();
        call.idempotency_key = format!("bobina-{}", &blake3::hash(wish.text.as_bytes()).to_hex()[..32]);
        call.resume = resume;
        let store = self.store.clone();
        call.accepted = Arc::new(move |job| {
            let store = store.clone();
            Box::pin(async move { Ok(store.write(move |tx| calls::accept(tx, row, &job)).await?) })
        });
        let seen = call.clone();
        let result = work(call).await;
        let (hosts, now) = (seen.hosts(), self.clock.now());
        match result {
            Ok((value, usage)) => {
                let end = settled(model, &usage, hosts);
                let apply = keep(value);
                self.store
                    .write(move |tx| {
                        apply(tx)?;
                        calls::end(tx, row, &end, now)
                    })
                    .await?;
                Ok(())
            }
            Err(error) => {
                let state = if error.code == ErrorCode::OutcomeUnknown { "unknown" } else { "refused" };
                let gone =
                    error.job_over || matches!(error.code, ErrorCode::UrlNotFound | ErrorCode::ResultExpired);
                let end = CallEnd { state, hosts, error: Some(error.code.to_string()), ..CallEnd::default() };
                self.store.write(move |tx| end_failed(tx, row, &end, gone, now)).await?;
                Err(error.into())
            }
        }
    }
}

fn settled(model: &providers::Model, usage: &Usage, hosts: Vec<String>) -> CallEnd {
    CallEnd {
        state: "settled",
        charge: model.price.and_then(|price| price.of(usage)).map(|usd| usd.0),
        seconds: usage.seconds,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        hosts,
        error: None,
    }
}

/// Ends a failed call, unless the service has told a job id that can be asked for again.
fn end_failed(
    tx: &rusqlite::Connection,
    row: i64,
    end: &CallEnd,
    gone: bool,
    now: UtcTime,
) -> Result<(), StoreError> {
    if calls::is_accepted(tx, row)? && !gone { Ok(()) } else { calls::end(tx, row, end, now) }
}

fn lost(title: &str) -> ApiError {
    ApiError::new(
        ErrorCode::OutcomeUnknown,
        format!(
            "{title} was sent a request that may have been charged, and its answer was lost. Try again to send it once more."
        ),
    )
}

fn stopped() -> ApiError {
    ApiError::new(ErrorCode::Cancelled, "Stopped.")
}

/// The first moment of the month in UTC.
pub fn month_of(now: UtcTime) -> UtcTime {
    let stamp = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    let first = stamp.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    let start = first.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp().as_millisecond());
    UtcTime(start.unwrap_or(0))
}

/// The error when the call might take this month's spending beyond a hard cap. A call of unknown price counts as
/// nothing before it and as nothing after it: a cap cannot hold what has no price, and the costs say so.
fn over_cap(
    tx: &rusqlite::Connection,
    new: &NewCall,
    title: &str,
    now: UtcTime,
) -> Result<Option<ApiError>, StoreError> {
    let month = month_of(now);
    for (provider, _, hard) in calls::caps(tx)? {
        let all = provider == "*";
        let Some(hard) = hard.filter(|_| all || provider == new.provider) else { continue };
        let spent = calls::spent(tx, (!all).then_some(provider.as_str()), month)?;
        if spent.saturating_add(new.estimate.unwrap_or(0)) > hard {
            let whose = if all { "all services" } else { title };
            let message = format!(
                "The cap of ${:.2} a month for {whose} is reached: ${:.2} is spent, and this may cost ${:.4}.",
                Usd(hard).dollars(),
                Usd(spent).dollars(),
                Usd(new.estimate.unwrap_or(0)).dollars()
            );
            return Ok(Some(ApiError::new(ErrorCode::CapReached, message)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_day() {
        let now: UtcTime = "2026-11-21T10:00:00Z".parse().unwrap();
        assert_eq!(month_of(now).to_string(), "2026-11-01T00:00:00.000Z");
    }
}
