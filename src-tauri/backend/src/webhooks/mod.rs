//! Webhooks: telling other programs what happens to tasks.
//!
//! Owns making, changing, testing and replaying webhooks, and where their secrets lie (the key store). Leaves writing
//! the messages to `store::outbox`, in the transaction of what they tell, and sending them to [`sender`].
//! Invariants: a secret is shown once, when it is made, and is in no row and no log; an address in a private network
//! is refused unless the user gave this webhook leave.

pub mod payload;
pub mod schedule;
pub mod sender;
pub mod sign;

use crate::Backend;
use crate::api::types::{
    DeliveryQuery, Nothing, Page, ReplayRequest, Replayed, TestSent, WebhookChange, WebhookId, WebhookItem,
    WebhookRequest, WebhookStatistics, WebhookStatus,
};
use crate::secrets::Secrets;
use crate::store::webhooks::WebhookRow;
use crate::store::{deliveries, webhooks as rows};
use domain::{ApiError, ErrorCode, Event};
use media::download::check_url;
use sender::Sender;
use sign::SigningSecret;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The most standing webhooks: each is looked at for every change of a task.
const MOST: usize = 100;

/// The sending that goes on beside everything else.
#[derive(Clone, Default)]
pub struct WebhookHandle {
    wake: Arc<Notify>,
    stop: CancellationToken,
}

impl WebhookHandle {
    /// Sends from now on. Needs a tokio runtime.
    pub fn start(&self, sender: Sender) {
        tokio::spawn(sender.run(self.wake.clone(), self.stop.clone()));
    }

    /// Something may be due.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Ends the sending; what was on its way is sent again at the next start, under the same id.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// Name of a webhook's secret in the key store.
pub(crate) fn secret_name(webhook_id: &str) -> String {
    format!("webhook-{webhook_id}")
}

/// Name of the secret before it, while both are used.
pub(crate) fn old_secret_name(webhook_id: &str) -> String {
    format!("webhook-{webhook_id}-before")
}

/// Removes a secret that nothing uses any more. Without a key store it lay in memory only, so nothing stays behind.
pub(crate) async fn forget(secrets: &Secrets, name: &str) {
    if let Err(error) = secrets.remove(name).await {
        tracing::debug!(name, %error, "there is no key store to remove a secret from");
    }
}

/// What a webhook is told of.
pub enum About {
    All,
    Task(String),
    Batch(String),
}

fn check_events(events: &[String]) -> Result<(), ApiError> {
    match events.iter().find(|event| !payload::EVENTS.contains(&event.as_str())) {
        None => Ok(()),
        Some(event) => Err(ApiError::invalid(format!(
            "\"{}\" is no event: {}.",
            event.escape_debug(),
            payload::EVENTS.join(", ")
        ))),
    }
}

/// A webhook ready to be written, its secret in the key store already; unsigned when no secret is given.
///
/// Errors: `URL_INVALID`, `URL_SCHEME_UNSUPPORTED`, `HOST_BLOCKED`, `INVALID_INPUT`.
pub(crate) async fn prepare(
    backend: &Backend,
    url: &str,
    secret: Option<&str>,
    events: &[String],
    about: About,
    actor: &str,
) -> Result<WebhookRow, ApiError> {
    check_events(events)?;
    let secret = secret.map(SigningSecret::read).transpose()?;
    let now = backend.clock.now();
    let (task_id, batch_id) = match about {
        About::All => (None, None),
        About::Task(id) => (Some(id), None),
        About::Batch(id) => (None, Some(id)),
    };
    let hook = WebhookRow {
        webhook_id: backend.new_id("wh_"),
        url: url.trim().to_string(),
        description: String::new(),
        events: events.to_vec(),
        task_id,
        batch_id,
        allow_local: false,
        secret: if secret.is_some() { "one" } else { "none" }.into(),
        actor: actor.to_string(),
        active: true,
        disabled: None,
        failing_since: None,
        created_at: now,
        updated_at: now,
    };
    check_address(backend, &hook)?;
    if let Some(secret) = secret {
        backend.secrets.put(&secret_name(&hook.webhook_id), secret.text()).await;
    }
    Ok(hook)
}

fn check_address(backend: &Backend, hook: &WebhookRow) -> Result<(), ApiError> {
    check_url(&hook.url, &sender::policy(hook, &backend.settings.get().allow_hosts))?;
    Ok(())
}

fn item(hook: WebhookRow, secret: Option<String>) -> WebhookItem {
    WebhookItem {
        webhook_id: hook.webhook_id,
        url: hook.url,
        description: hook.description,
        events: hook.events,
        allow_local: hook.allow_local,
        active: hook.active,
        disabled: hook.disabled,
        failing_since: hook.failing_since,
        created_at: hook.created_at,
        updated_at: hook.updated_at,
        secret,
    }
}

fn changed(backend: &Backend) {
    backend.webhooks.wake();
    // Nobody listening is fine: the list says it too.
    let _ = backend.events.send(Event::WebhooksChanged);
}

fn missing() -> ApiError {
    ApiError::new(ErrorCode::WebhookNotFound, "There is no such webhook.")
}

async fn find(backend: &Backend, id: &str) -> Result<WebhookRow, ApiError> {
    let id = id.to_string();
    backend.store.read(move |conn| rows::find(conn, &id)).await?.ok_or_else(missing)
}

/// Tell an address of events. The secret is in the answer, this once.
pub async fn create(backend: &Backend, request: WebhookRequest) -> Result<WebhookItem, ApiError> {
    check_events(&request.events)?;
    if request.description.chars().count() > 200 {
        return Err(ApiError::invalid("description is longer than 200 characters."));
    }
    let secret = match &request.secret {
        Some(given) => SigningSecret::read(given)?,
        None => SigningSecret::generate(),
    };
    let actor = request.actor.unwrap_or_else(crate::audit::actor);
    // The address is checked below, with its leave.
    let now = backend.clock.now();
    let hook = WebhookRow {
        webhook_id: backend.new_id("wh_"),
        url: request.url.trim().to_string(),
        description: request.description,
        events: request.events,
        task_id: None,
        batch_id: None,
        allow_local: request.allow_local,
        secret: "one".into(),
        actor,
        active: true,
        disabled: None,
        failing_since: None,
        created_at: now,
        updated_at: now,
    };
    check_address(backend, &hook)?;
    backend.secrets.put(&secret_name(&hook.webhook_id), secret.text()).await;
    let row = hook.clone();
    let written = backend.store.write(move |conn| {
        if rows::standing(conn)?.len() >= MOST {
            return Err(ApiError::invalid(format!("There are {MOST} webhooks already.")).into());
        }
        rows::insert(conn, &row)
    });
    if let Err(error) = written.await {
        forget(&backend.secrets, &secret_name(&hook.webhook_id)).await;
        return Err(error.into());
    }
    changed(backend);
    Ok(item(hook, Some(secret.text().to_string())))
}

/// Standing webhooks, the newest first.
pub async fn list(backend: &Backend, _: Nothing) -> Result<Page<WebhookItem>, ApiError> {
    let items: Vec<WebhookItem> =
        backend.store.read(rows::standing).await?.into_iter().map(|hook| item(hook, None)).collect();
    let total = items.len() as u64;
    Ok(Page { total, limit: u32::try_from(total).unwrap_or(u32::MAX), offset: 0, items })
}

/// A webhook.
pub async fn get(backend: &Backend, which: WebhookId) -> Result<WebhookItem, ApiError> {
    Ok(item(find(backend, &which.webhook_id).await?, None))
}

/// Change a webhook. A new secret is in the answer, this once.
pub async fn update(backend: &Backend, change: WebhookChange) -> Result<WebhookItem, ApiError> {
    let mut hook = find(backend, &change.webhook_id).await?;
    if let Some(url) = change.url {
        hook.url = url.trim().to_string();
    }
    if let Some(events) = change.events {
        check_events(&events)?;
        hook.events = events;
    }
    if let Some(description) = change.description {
        hook.description = description.chars().take(200).collect();
    }
    hook.allow_local = change.allow_local.unwrap_or(hook.allow_local);
    if let Some(active) = change.active {
        hook.active = active;
        hook.disabled = (!active).then(|| "user".to_string());
    }
    check_address(backend, &hook)?;
    let secret = change.rotate_secret.then(SigningSecret::generate);
    if let Some(new) = &secret {
        let name = secret_name(&hook.webhook_id);
        if hook.secret != "none" {
            let old = backend.secrets.need(&name).await?;
            backend.secrets.put(&old_secret_name(&hook.webhook_id), old.expose()).await;
        }
        backend.secrets.put(&name, new.text()).await;
        hook.secret = if hook.secret == "none" { "one" } else { "two" }.into();
    }
    if change.drop_old_secret && !change.rotate_secret && hook.secret == "two" {
        forget(&backend.secrets, &old_secret_name(&hook.webhook_id)).await;
        hook.secret = "one".into();
    }
    let (row, now) = (hook.clone(), backend.clock.now());
    backend.store.write(move |conn| rows::update(conn, &row, now)).await?;
    hook.updated_at = now;
    changed(backend);
    Ok(item(hook, secret.map(|secret| secret.text().to_string())))
}

/// Remove a webhook with its log and its secrets.
pub async fn remove(backend: &Backend, which: WebhookId) -> Result<Nothing, ApiError> {
    let id = which.webhook_id.clone();
    if !backend.store.write(move |conn| rows::remove(conn, &id)).await? {
        return Err(missing());
    }
    forget(&backend.secrets, &secret_name(&which.webhook_id)).await;
    forget(&backend.secrets, &old_secret_name(&which.webhook_id)).await;
    changed(backend);
    Ok(Nothing {})
}

/// A webhook's messages and their tries, the newest first.
pub async fn status(backend: &Backend, query: DeliveryQuery) -> Result<WebhookStatus, ApiError> {
    let (limit, offset) = crate::library::page(query.limit, query.offset)?;
    if let Some(state) = &query.state
        && !["pending", "delivered", "dead"].contains(&state.as_str())
    {
        return Err(ApiError::invalid("state is not one of: pending, delivered, dead."));
    }
    let hook = find(backend, &query.webhook_id).await?;
    let id = query.webhook_id;
    let read = backend.store.read(move |conn| {
        let counts = deliveries::counts(conn, Some(&id))?;
        Ok((counts, deliveries::list(conn, &id, query.state.as_deref(), limit, offset)?))
    });
    let ([pending, delivered, dead, attempts], (total, deliveries)) = read.await?;
    Ok(WebhookStatus {
        webhook: item(hook, None),
        pending,
        delivered,
        dead,
        attempts,
        total,
        limit,
        offset,
        deliveries,
    })
}

/// Send one message again, or all that were written since a time and did not arrive.
pub async fn replay(backend: &Backend, request: ReplayRequest) -> Result<Replayed, ApiError> {
    let hook = find(backend, &request.webhook_id).await?;
    let (id, now) = (hook.webhook_id, backend.clock.now());
    let replayed = match (request.delivery, request.since) {
        (Some(delivery), None) => {
            let there = backend.store.write(move |conn| deliveries::replay(conn, &id, delivery, now)).await?;
            if !there {
                let message = format!("This webhook has no delivery {delivery}.");
                return Err(ApiError::new(ErrorCode::DeliveryNotFound, message));
            }
            1
        }
        (None, Some(since)) => {
            let count = backend.store.write(move |conn| deliveries::replay_since(conn, &id, since, now));
            count.await? as u64
        }
        _ => return Err(ApiError::invalid("Give either delivery or since.")),
    };
    backend.webhooks.wake();
    Ok(Replayed { replayed })
}

/// Send a test message, whatever events the webhook wants; its log says what came of it.
pub async fn test(backend: &Backend, which: WebhookId) -> Result<TestSent, ApiError> {
    let hook = find(backend, &which.webhook_id).await?;
    if !hook.active {
        return Err(ApiError::invalid("The webhook is switched off; switch it on first."));
    }
    let (id, now) = (hook.webhook_id.clone(), backend.clock.now());
    let text = payload::of_test(&hook.actor, now).to_string();
    let delivery = backend
        .store
        .write(move |conn| deliveries::add(conn, &id, "webhook.test", "test", &text, now))
        .await?;
    backend.webhooks.wake();
    Ok(TestSent { delivery, message_id: deliveries::message_id(&hook.webhook_id, delivery) })
}

/// Figures of all webhooks.
pub async fn statistics(backend: &Backend, _: Nothing) -> Result<WebhookStatistics, ApiError> {
    let read = backend.store.read(|conn| Ok((rows::standing(conn)?, deliveries::counts(conn, None)?)));
    let (hooks, [pending, delivered, dead, attempts]) = read.await?;
    Ok(WebhookStatistics {
        webhooks: hooks.len() as u64,
        active: hooks.iter().filter(|hook| hook.active).count() as u64,
        pending,
        delivered,
        dead,
        attempts,
        success_rate: (delivered + dead > 0).then(|| delivered as f64 / (delivered + dead) as f64),
    })
}
