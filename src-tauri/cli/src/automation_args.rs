//! The flags of the commands for programs: tokens, webhooks, batches, figures.

use backend::api::types::Scope;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum ApiCommand {
    /// Let programs with a token in
    On,
    /// Let only this program's own token in
    Off,
    /// Say whether programs are let in, and where
    Status,
}

#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Make a token; it is shown this once
    Create {
        name: String,
        /// read, submit or admin
        #[arg(long, default_value = "submit", value_parser = str::parse::<Scope>)]
        scope: Scope,
    },
    /// List tokens, never shown themselves
    List,
    /// End a token
    Revoke {
        #[arg(value_name = "ID|NAME")]
        token: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum WebhooksCommand {
    /// Tell an address of events; the secret is shown this once
    Add {
        url: String,
        /// task.completed, task.failed …; all but task.progress when left out
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
        #[arg(long, default_value = "")]
        description: String,
        /// It may lie on this machine or in its private network
        #[arg(long)]
        allow_local: bool,
    },
    /// List webhooks
    List,
    /// Show a webhook's messages and their tries
    Show { id: String },
    /// Switch a webhook on again
    Enable { id: String },
    /// Switch a webhook off
    Disable { id: String },
    /// Make a new secret; the old one signs beside it until --drop-old
    Rotate {
        id: String,
        #[arg(long)]
        drop_old: bool,
    },
    /// Send a test message
    Test { id: String },
    /// Send one message again, or all since a time that did not arrive
    Replay {
        id: String,
        #[arg(long, value_name = "N", required_unless_present = "since")]
        delivery: Option<i64>,
        /// Such as 2026-11-21T00:00:00Z
        #[arg(long, value_name = "TIME", conflicts_with = "delivery")]
        since: Option<String>,
    },
    /// Figures of all webhooks
    Stats,
    /// Remove a webhook with its log
    Remove { id: String },
}

#[derive(Debug, clap::Args)]
pub struct BatchArgs {
    /// A JSON file: an array of tasks, or {"tasks": […], "webhook_url": …}; - for standard input
    #[arg(value_name = "FILE|BATCH_ID")]
    pub what: PathBuf,
    /// A batch's id instead of a file: show it
    #[arg(long)]
    pub show: bool,
    /// The same key makes the same batch only once
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    /// The last so many days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub days: u32,
}

#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// Only this one: token:<name>, window, browser or "command line"
    #[arg(long)]
    pub actor: Option<String>,
    #[command(flatten)]
    pub page: crate::args::PageArgs,
}
