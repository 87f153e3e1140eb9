//! What goes into and comes out of the commands that programs use: tokens, submissions, batches, webhooks, figures.

use super::Page;
use domain::{ApiError, Priority, TaskKind, TaskStatus, UtcTime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

/// What a token may do; each one includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read tasks, transcripts and figures.
    Read,
    /// Make, cancel and retry tasks too.
    Submit,
    /// Everything, webhooks included.
    Admin,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = domain::UnknownWord;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Read, Self::Submit, Self::Admin]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| domain::UnknownWord(format!("\"{text}\" is not a scope (read, submit, admin)")))
    }
}

wire! {
    /// A token as lists show it: never the token itself.
    pub struct TokenItem {
        pub token_id: String,
        pub name: String,
        pub scope: Scope,
        pub created_at: UtcTime,
        /// To the minute.
        pub last_used_at: Option<UtcTime>,
        pub revoked_at: Option<UtcTime>,
        /// What the audit holds of it.
        pub acts: u64,
    }

    pub struct TokenRequest {
        /// 1 to 64 letters, digits, spaces, `-`, `_` and `.`; never used before.
        pub name: String,
        pub scope: Scope,
    }

    /// A new token, shown this once.
    pub struct NewToken {
        pub token: String,
        pub item: TokenItem,
    }

    /// A token by its id or its name.
    pub struct TokenRef {
        pub token: String,
    }

    /// A presented token.
    pub struct Presented {
        pub token: String,
    }

    /// Who presents a valid token.
    pub struct Principal {
        pub name: String,
        pub scope: Scope,
    }

    pub struct AuditQuery {
        /// `token:<name>`, `window`, `browser` or `command line`.
        #[serde(default)]
        pub actor: Option<String>,
        #[serde(default)]
        pub limit: Option<u32>,
        #[serde(default)]
        pub offset: Option<u32>,
    }

    /// Who asked for what, and whether it was refused.
    pub struct AuditItem {
        pub id: i64,
        pub at: UtcTime,
        pub actor: String,
        /// The command: `tasks.add`.
        pub action: String,
        /// Ids and names, never sources or secrets.
        pub subject: String,
        /// The code it was refused with.
        pub error: Option<String>,
    }

    /// How much one actor asked for.
    pub struct ActorFigures {
        pub actor: String,
        pub acts: u64,
        pub refused: u64,
    }

    /// One task as programs submit it.
    #[serde(deny_unknown_fields)]
    pub struct SubmitItem {
        pub task_type: TaskKind,
        /// Of the kind; see docs/api.md.
        #[serde(default)]
        #[ts(type = "Record<string, unknown>")]
        pub input_data: Map<String, Value>,
        #[serde(default = "super::medium")]
        pub priority: Priority,
        #[serde(default)]
        #[ts(type = "Record<string, unknown>")]
        pub metadata: Map<String, Value>,
        #[serde(default)]
        pub not_before: Option<UtcTime>,
        /// Told of this task alone.
        #[serde(default)]
        pub webhook_url: Option<String>,
        /// 24 to 64 bytes in base64, `whsec_` before it or not; without one the messages are not signed.
        #[serde(default)]
        pub webhook_secret: Option<String>,
        /// Empty: every event but `task.progress`.
        #[serde(default)]
        pub webhook_events: Vec<String>,
    }

    /// Tasks to be made, all or none.
    pub struct SubmitRequest {
        pub items: Vec<SubmitItem>,
        /// Make a batch of them, a single one too.
        #[serde(default)]
        pub batch: bool,
        /// Told once, when the last task of the batch has ended.
        #[serde(default)]
        pub webhook_url: Option<String>,
        #[serde(default)]
        pub webhook_secret: Option<String>,
        /// Who asks; taken from the token.
        #[serde(default)]
        pub actor: Option<String>,
        /// Files outside the uploads and the folders of the settings are refused.
        #[serde(default)]
        pub confined: bool,
        /// The same key with the same request answers what it answered before.
        #[serde(default)]
        pub idempotency_key: Option<String>,
    }

    pub struct Submitted {
        pub batch_id: Option<String>,
        pub tasks: Vec<TaskView>,
        /// The answer to an earlier request with the same idempotency key.
        pub repeated: bool,
    }

    /// A task as programs see it.
    pub struct TaskView {
        pub task_id: String,
        pub task_type: TaskKind,
        pub status: TaskStatus,
        pub paused: bool,
        /// 0 to 100.
        pub progress: f64,
        pub current_step: Option<String>,
        pub created_at: UtcTime,
        pub updated_at: UtcTime,
        pub estimated_completion: Option<UtcTime>,
        /// The user's own object with `video_duration` (seconds), `video_size_mb` and `current_step`.
        #[ts(type = "Record<string, unknown>")]
        pub metadata: Map<String, Value>,
        /// What it made; null until it completed.
        #[ts(type = "Record<string, unknown> | null")]
        pub result: Option<Value>,
        pub error: Option<ApiError>,
    }

    pub struct BatchId {
        pub batch_id: String,
    }

    /// A batch with its tasks: which succeeded, which did not, and why.
    pub struct BatchView {
        pub batch_id: String,
        /// `processing`; then `completed`, `partial` (some failed or were cancelled) or `failed` (none completed).
        pub status: String,
        /// 0 to 100, over all its tasks.
        pub progress: f64,
        pub total: u32,
        pub completed: u32,
        pub failed: u32,
        pub cancelled: u32,
        pub created_at: UtcTime,
        pub finished_at: Option<UtcTime>,
        pub tasks: Vec<TaskView>,
    }

    pub struct UrlRef {
        pub url_id: String,
        #[serde(default)]
        pub recipe: Option<String>,
        /// Do finished steps again.
        #[serde(default)]
        pub again: bool,
        #[serde(default)]
        pub actor: Option<String>,
    }

    pub struct StatisticsQuery {
        /// The last so many days, today included; 30 when absent.
        #[serde(default)]
        pub days: Option<u32>,
    }

    /// How tasks of one kind ended on one day.
    pub struct DayFigures {
        /// `2026-11-21`, UTC; null in totals.
        pub day: Option<String>,
        pub task_type: TaskKind,
        pub completed: u64,
        pub failed: u64,
        pub cancelled: u64,
        /// Completed of completed and failed, 0 to 1; null when there were none.
        pub success_rate: Option<f64>,
        /// From the first step's start to the end, over the completed ones.
        pub mean_seconds: Option<f64>,
        /// At most 19 % too high: it is read from a histogram.
        pub p95_seconds: Option<f64>,
    }

    pub struct PriorityFigures {
        pub priority: Priority,
        pub queued: u64,
        pub processing: u64,
    }

    pub struct Statistics {
        pub days: Vec<DayFigures>,
        pub totals: Vec<DayFigures>,
        pub queue: Vec<PriorityFigures>,
        pub actors: Vec<ActorFigures>,
    }

    /// Results that are kept so that nothing is made twice.
    pub struct CacheStatistics {
        pub entries: u64,
        pub bytes: u64,
        /// Steps of the tasks still on record that found their result made already.
        pub hits: u64,
    }
}

/// One page of tasks as programs see them.
pub type TaskViews = Page<TaskView>;
