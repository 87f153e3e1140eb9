//! Sending what the outbox of the webhooks holds.
//!
//! Owns one pass over the due messages, the requests and what follows from their answers. Leaves the rows to
//! `store::deliveries`, when to try again to [`super::schedule`], and which addresses may be reached to
//! `media::download`.
//! Invariants: a message goes out under one id however often it is tried; messages about one task go to a webhook one
//! after the other; a message that is to be signed is never sent unsigned.

use super::sign::{self, SigningSecret};
use super::{schedule, secret_name};
use crate::queue::Clock;
use crate::secrets::Secrets;
use crate::settings::SettingsHandle;
use crate::store::deliveries::{Due, Next, Tried};
use crate::store::webhooks::WebhookRow;
use crate::store::{Store, StoreError, deliveries, submissions, webhooks as hooks};
use bytes::Bytes;
use domain::{ApiError, Event, UtcTime};
use futures::StreamExt;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use media::download::{Client, NetPolicy, check_url, client};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Messages read in one pass.
const PASS: u32 = 256;

/// Requests at once.
const AT_ONCE: usize = 16;

/// Guarded clients kept.
const MOST_CLIENTS: usize = 64;

/// How much of an answer is kept, in bytes.
const KEPT: usize = 1024;

/// How often the outbox is looked at while there are webhooks.
const LOOK: Duration = Duration::from_millis(250);

/// Messages that ended stay in the log this long, in milliseconds.
const LOG_MS: i64 = 30 * 86_400_000;

/// A task's own webhook goes this long after its last message, in milliseconds.
const SPENT_MS: i64 = 7 * 86_400_000;

/// Answers to idempotency keys are kept this long, in milliseconds.
const KEY_MS: i64 = 86_400_000;

/// What sending needs.
pub struct Sender {
    pub store: Store,
    pub secrets: Secrets,
    pub settings: SettingsHandle,
    pub clock: Arc<dyn Clock>,
    pub events: broadcast::Sender<Event>,
    /// How long a receiver may take; [`Sender::new`] sets 15 s.
    pub patience: Duration,
    /// Guarded clients by the hosts they may reach besides public ones; making one reads the certificates.
    clients: Mutex<HashMap<Vec<String>, Client>>,
}

/// The answer of a receiver, or why there is none.
struct Sent {
    status: Option<u16>,
    error: Option<String>,
    answer: String,
    retry_after: Option<i64>,
}

impl Sender {
    pub fn new(
        store: Store,
        secrets: Secrets,
        settings: SettingsHandle,
        clock: Arc<dyn Clock>,
        events: broadcast::Sender<Event>,
    ) -> Self {
        Self { store, secrets, settings, clock, events, patience: PATIENCE, clients: Mutex::default() }
    }

    /// Sends what is due now, once; answers how many tries were made.
    pub async fn pass(&self) -> Result<usize, ApiError> {
        let now = self.clock.now();
        let due = self.store.read(move |conn| deliveries::due(conn, now, PASS)).await?;
        let count = due.len();
        let mut lines: BTreeMap<(String, String), Vec<Due>> = BTreeMap::new();
        for message in due {
            let line = (message.hook.webhook_id.clone(), message.task_id.clone());
            lines.entry(line).or_default().push(message);
        }
        let mut working = futures::stream::iter(lines.into_values().map(|line| self.send_line(line)))
            .buffer_unordered(AT_ONCE);
        while let Some(done) = working.next().await {
            done?;
        }
        Ok(count)
    }

    async fn send_line(&self, line: Vec<Due>) -> Result<(), ApiError> {
        for message in line {
            self.send(message).await?;
        }
        Ok(())
    }

    async fn send(&self, message: Due) -> Result<(), ApiError> {
        let (at, started) = (self.clock.now(), Instant::now());
        let sent = self.request(&message, at).await;
        let millis = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let arrived = sent.error.is_none();
        let now = self.clock.now();
        let next = match schedule::delay(message.tries + 1, self.clock.random(), sent.retry_after) {
            _ if arrived => Next::Delivered,
            Some(delay) => Next::At(now.plus_millis(delay)),
            None => Next::Dead,
        };
        tracing::debug!(
            webhook = message.hook.webhook_id,
            delivery = message.delivery,
            task = message.task_id,
            status = sent.status,
            error = sent.error,
            "a webhook message was tried"
        );
        let gone = sent.status == Some(410);
        let tried = Tried { at, millis, status: sent.status, error: sent.error, answer: sent.answer };
        let id = message.hook.webhook_id.clone();
        let disabled = self.store.write(move |conn| {
            deliveries::tried(conn, message.delivery, &tried, next, now)?;
            let since = hooks::set_failing(conn, &id, !arrived, now)?;
            let why = match since {
                _ if gone => "gone",
                Some(since) if now.since(since) >= schedule::GIVE_UP => "failing",
                _ => return Ok(None),
            };
            hooks::disable(conn, &id, why, now)?;
            Ok(Some((id, why)))
        });
        match disabled.await {
            Ok(Some((webhook, why))) => {
                tracing::warn!(webhook, why, "a webhook was switched off");
                // Nobody listening is fine: the list says it too.
                let _ = self.events.send(Event::WebhooksChanged);
                Ok(())
            }
            Ok(None) => Ok(()),
            // The webhook was removed while its message was on its way.
            Err(StoreError::Sqlite(rusqlite::Error::QueryReturnedNoRows)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn request(&self, message: &Due, at: UtcTime) -> Sent {
        match self.try_request(message, at).await {
            Ok(sent) => sent,
            Err(error) => Sent {
                status: None,
                error: Some(format!("{}: {}", error.code, error.message)),
                answer: String::new(),
                retry_after: None,
            },
        }
    }

    async fn try_request(&self, message: &Due, at: UtcTime) -> Result<Sent, ApiError> {
        let secrets = self.secrets_of(&message.hook).await?;
        let body = Bytes::from(message.payload.clone());
        let id = deliveries::message_id(&message.hook.webhook_id, message.delivery);
        let headers = headers(&secrets, &id, at.0.div_euclid(1000), &body)?;
        let policy = policy(&message.hook, &self.settings.get().allow_hosts);
        let url = check_url(&message.hook.url, &policy)?;
        let mut answer = self.client(policy)?.post(&url, headers, body, self.patience).await?;
        let status = answer.status();
        let retry_after =
            answer.retry_after().map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        let kept = tokio::time::timeout(self.patience, async {
            let mut kept = Vec::new();
            while kept.len() < KEPT {
                match answer.next().await {
                    Ok(Some(piece)) => kept.extend_from_slice(&piece),
                    _ => break,
                }
            }
            kept.truncate(KEPT);
            kept
        });
        // The status has decided; a body that never ends is cut.
        let kept = kept.await.unwrap_or_default();
        let error = match status.as_u16() {
            200..=299 => None,
            code @ 300..=399 => Some(format!("HTTP {code}: redirects are not followed")),
            code => Some(format!("HTTP {code}")),
        };
        Ok(Sent {
            status: Some(status.as_u16()),
            error,
            answer: String::from_utf8_lossy(&kept).replace('\0', "\u{fffd}"),
            retry_after,
        })
    }

    /// The newest secret first. A webhook that has one is not sent to without it.
    async fn secrets_of(&self, hook: &WebhookRow) -> Result<Vec<SigningSecret>, ApiError> {
        let mut secrets = Vec::new();
        if hook.secret != "none" {
            secrets.push(SigningSecret::read(
                self.secrets.need(&secret_name(&hook.webhook_id)).await?.expose(),
            )?);
        }
        if hook.secret == "two" {
            let old = self.secrets.need(&super::old_secret_name(&hook.webhook_id)).await?;
            secrets.push(SigningSecret::read(old.expose())?);
        }
        Ok(secrets)
    }

    fn client(&self, policy: NetPolicy) -> Result<Client, ApiError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(&policy.allow_hosts) {
            return Ok(known.clone());
        }
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        let made = client(&policy)?;
        clients.insert(policy.allow_hosts, made.clone());
        Ok(made)
    }

    /// Sends until `stop` fires. A fault of the disk is waited out.
    pub async fn run(self, wake: Arc<Notify>, stop: CancellationToken) {
        let mut tidied = UtcTime(0);
        loop {
            let sent = tokio::select! {
                () = stop.cancelled() => return,
                sent = self.pass() => sent,
            };
            let pause = match sent {
                Ok(0) => self.pause().await,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(%error, "webhook messages could not be read or noted");
                    Duration::from_secs(2)
                }
            };
            let now = self.clock.now();
            if now.since(tidied) > 3_600_000 {
                tidied = now;
                if let Err(error) = self.tidy(now).await {
                    tracing::warn!(%error, "the log of the webhooks could not be shortened");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Without webhooks there is nothing to look for; whoever makes one wakes us.
    async fn pause(&self) -> Duration {
        match self.store.read(hooks::any).await {
            Ok(false) => Duration::from_secs(60),
            _ => LOOK,
        }
    }

    /// Removes what is old: ended messages, webhooks of tasks that are long over with their secrets, keys.
    pub async fn tidy(&self, now: UtcTime) -> Result<(), ApiError> {
        let spent = self.store.write(move |conn| {
            deliveries::prune(conn, now.plus_millis(-LOG_MS), 1000)?;
            submissions::forget_keys(conn, now.plus_millis(-KEY_MS))?;
            let spent = hooks::spent(conn, now.plus_millis(-SPENT_MS), 200)?;
            for id in &spent {
                hooks::remove(conn, id)?;
            }
            Ok(spent)
        });
        for id in spent.await? {
            super::forget(&self.secrets, &secret_name(&id)).await;
        }
        Ok(())
    }
}

/// Hosts a webhook may reach besides public ones: the settings' own, and its own where the user gave it leave.
pub fn policy(hook: &WebhookRow, allow_hosts: &[String]) -> NetPolicy {
    let own = url::Url::parse(&hook.url).ok().filter(|_| hook.allow_local).and_then(|url| {
        let host = url.host_str()?.to_string();
        Some(format!("{host}:{}", url.port_or_known_default()?))
    });
    NetPolicy {
        allow_hosts: allow_hosts.iter().cloned().chain(own).collect(),
        connect_timeout: Duration::from_secs(10),
        max_redirects: 0,
        ..NetPolicy::default()
    }
}

fn headers(secrets: &[SigningSecret], id: &str, timestamp: i64, body: &[u8]) -> Result<HeaderMap, ApiError> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        HeaderValue::try_from(value)
            .map(|value| drop(headers.insert(HeaderName::from_static(name), value)))
            .map_err(|_| ApiError::internal("A header of a webhook message cannot be written."))
    };
    set("webhook-id", id.to_string())?;
    set("webhook-timestamp", timestamp.to_string())?;
    if let Some(newest) = secrets.first() {
        set("webhook-signature", sign::standard(secrets, id, timestamp, body))?;
        set("x-webhook-signature", sign::simple(newest, body))?;
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
        .insert(USER_AGENT, HeaderValue::from_static(concat!("Bobina-Webhooks/", env!("CARGO_PKG_VERSION"))));
    Ok(headers)
}
