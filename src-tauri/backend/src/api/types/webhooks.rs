//! What goes into and comes out of the commands over webhooks.

use domain::UtcTime;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

wire! {
    /// A standing webhook.
    #[serde(deny_unknown_fields)]
    pub struct WebhookRequest {
        pub url: String,
        /// `task.created`, `.started`, `.progress`, `.completed`, `.failed`, `.cancelled`, `batch.completed`; empty: all but progress.
        #[serde(default)]
        pub events: Vec<String>,
        #[serde(default)]
        pub description: String,
        /// 24 to 64 bytes in base64, `whsec_` before it or not; one is made when absent.
        #[serde(default)]
        pub secret: Option<String>,
        /// It may lie on this machine or in its private network.
        #[serde(default)]
        pub allow_local: bool,
        #[serde(default)]
        pub actor: Option<String>,
    }

    /// What is to change; what is absent stays.
    #[serde(deny_unknown_fields)]
    pub struct WebhookChange {
        pub webhook_id: String,
        #[serde(default)]
        pub url: Option<String>,
        #[serde(default)]
        pub events: Option<Vec<String>>,
        #[serde(default)]
        pub description: Option<String>,
        #[serde(default)]
        pub allow_local: Option<bool>,
        #[serde(default)]
        pub active: Option<bool>,
        /// Make a new secret; the old one signs beside it until it is dropped.
        #[serde(default)]
        pub rotate_secret: bool,
        #[serde(default)]
        pub drop_old_secret: bool,
    }

    /// A webhook; its secret only where it was just made.
    pub struct WebhookItem {
        pub webhook_id: String,
        pub url: String,
        pub description: String,
        pub events: Vec<String>,
        pub allow_local: bool,
        pub active: bool,
        /// Why it is switched off: `user`, `gone` (it answered 410) or `failing` (for five days).
        pub disabled: Option<String>,
        pub failing_since: Option<UtcTime>,
        pub created_at: UtcTime,
        pub updated_at: UtcTime,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        pub secret: Option<String>,
    }

    pub struct WebhookId {
        pub webhook_id: String,
    }

    pub struct DeliveryQuery {
        pub webhook_id: String,
        /// `pending`, `delivered` or `dead`.
        #[serde(default)]
        pub state: Option<String>,
        #[serde(default)]
        pub limit: Option<u32>,
        #[serde(default)]
        pub offset: Option<u32>,
    }

    /// One message to a webhook.
    pub struct DeliveryItem {
        pub delivery: i64,
        /// The `webhook-id` header, the same on every try.
        pub message_id: String,
        pub webhook_id: String,
        pub event_type: String,
        /// Of a batch's message: the batch's id.
        pub task_id: String,
        /// `pending`, `delivered` or `dead`.
        pub state: String,
        pub tries: u32,
        pub due_at: UtcTime,
        pub created_at: UtcTime,
        pub ended_at: Option<UtcTime>,
        pub attempts: Vec<AttemptItem>,
    }

    /// One try of a message.
    pub struct AttemptItem {
        pub number: u32,
        pub at: UtcTime,
        pub millis: u64,
        /// Of the answer; null when none came.
        pub status: Option<u16>,
        pub error: Option<String>,
        /// The first KB of the answer.
        pub answer: String,
    }

    /// Messages by state, the newest of them.
    pub struct WebhookStatus {
        pub webhook: WebhookItem,
        pub pending: u64,
        pub delivered: u64,
        pub dead: u64,
        pub attempts: u64,
        pub total: u64,
        pub limit: u32,
        pub offset: u32,
        pub deliveries: Vec<DeliveryItem>,
    }

    /// One message, or all that did not arrive since then.
    #[serde(deny_unknown_fields)]
    pub struct ReplayRequest {
        pub webhook_id: String,
        #[serde(default)]
        pub delivery: Option<i64>,
        #[serde(default)]
        pub since: Option<UtcTime>,
    }

    pub struct Replayed {
        pub replayed: u64,
    }

    /// The test message that was queued.
    pub struct TestSent {
        pub delivery: i64,
        pub message_id: String,
    }

    pub struct WebhookStatistics {
        pub webhooks: u64,
        pub active: u64,
        pub pending: u64,
        pub delivered: u64,
        pub dead: u64,
        pub attempts: u64,
        /// Delivered of delivered and dead, 0 to 1; null when there were none.
        pub success_rate: Option<f64>,
    }
}
