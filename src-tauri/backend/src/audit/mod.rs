//! Who asked for what: the append-only audit.
//!
//! Owns which commands are noted, who is named for them and what is said of them. Leaves the rows to `store::audit`,
//! whose triggers refuse to change or remove one.
//! Invariant: a subject holds ids and names only, never a source, a header or a secret.

use crate::Backend;
use crate::api::types::{AuditItem, AuditQuery, Page};
use crate::store::audit as rows;
use domain::ApiError;
use serde_json::Value;
use std::future::Future;
use std::sync::OnceLock;

tokio::task_local! {
    static ACTOR: String;
}

static SURFACE: OnceLock<&'static str> = OnceLock::new();

/// Runs `work` in the name of an actor: `token:<name>`, `browser`.
pub async fn in_the_name_of<T>(actor: String, work: impl Future<Output = T>) -> T {
    ACTOR.scope(actor, work).await
}

/// What this process is when nobody else is named: `window` or `command line`. The first word stands.
pub fn set_surface(surface: &'static str) {
    // A second surface in one process is the same program.
    let _ = SURFACE.set(surface);
}

/// In whose name the running work is done.
pub fn actor() -> String {
    ACTOR
        .try_with(Clone::clone)
        .unwrap_or_else(|_| SURFACE.get().copied().unwrap_or("Bobina itself").to_string())
}

/// Commands that change nothing, or of which nothing is to be remembered.
const NOT_NOTED: &[&str] = &["tokens.check", "doctor.run", "server.address", "queue.status"];

/// Whether a command is noted: whatever may change something.
pub fn is_noted(command: &str) -> bool {
    let verb = command.rsplit('.').next().unwrap_or_default();
    !NOT_NOTED.contains(&command)
        && !matches!(
            verb,
            "list" | "get" | "search" | "export" | "status" | "view" | "views" | "stats" | "estimate"
        )
}

/// Fields of an input or an output that name what was acted on.
const NAMING: &[&str] = &[
    "task_id",
    "batch_id",
    "watch_id",
    "media_id",
    "transcript_id",
    "url_id",
    "token_id",
    "webhook_id",
    "delivery",
    "name",
    "lane",
    "step",
    "recipe",
    "id",
];

/// What a command was about, as far as its input or output names it.
pub fn subject(value: &Value) -> String {
    let mut named = Vec::new();
    gather(value, &mut named);
    let more = named.len().saturating_sub(20);
    named.truncate(20);
    let mut text = named.join(" ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text.chars().filter(|each| !each.is_control()).take(500).collect()
}

fn gather(value: &Value, named: &mut Vec<String>) {
    let Value::Object(fields) = value else { return };
    for name in NAMING {
        match fields.get(*name) {
            Some(Value::String(text)) => named.push(format!("{name}={text}")),
            Some(Value::Number(number)) => named.push(format!("{name}={number}")),
            _ => {}
        }
    }
    for list in ["tasks", "task_ids"] {
        for item in fields.get(list).and_then(Value::as_array).into_iter().flatten() {
            match item {
                Value::String(id) => named.push(format!("task_id={id}")),
                item => {
                    if let Some(id) = item.get("task_id").and_then(Value::as_str) {
                        named.push(format!("task_id={id}"));
                    }
                }
            }
        }
    }
    if let Some(item) = fields.get("item") {
        gather(item, named);
    }
}

/// Notes a command after it was answered. A full disk is told in the log; the command's own answer stands.
pub async fn note(backend: &Backend, command: &str, given: String, answer: &Result<Value, ApiError>) {
    let (actor, action) = (actor(), command.to_string());
    let (subject, error) = match answer {
        Ok(output) if given.is_empty() => (subject(output), None),
        Ok(_) => (given, None),
        Err(error) => (given, Some(error.code.as_str())),
    };
    let now = backend.clock.now();
    let written =
        backend.store.write(move |conn| rows::add(conn, &actor, &action, &subject, error, now)).await;
    if let Err(error) = written {
        tracing::error!(%error, command, "the audit could not be written");
    }
}

/// Who asked for what, the newest first.
pub async fn list(backend: &Backend, query: AuditQuery) -> Result<Page<AuditItem>, ApiError> {
    let (limit, offset) = crate::library::page(query.limit, query.offset)?;
    let (total, items) =
        backend.store.read(move |conn| rows::list(conn, query.actor.as_deref(), limit, offset)).await?;
    Ok(Page { total, limit, offset, items })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn subjects_name_ids_and_never_sources() {
        let input = json!({"sources": ["https://user:pass@host/x?key=secret"], "recipe": "vsl", "headers": [{"name": "Cookie", "value": "secret"}]});
        assert_eq!(subject(&input), "recipe=vsl");
        let output = json!({"tasks": [{"task_id": "t_1", "title": "secret"}], "refused": []});
        assert_eq!(subject(&output), "task_id=t_1");
        let many = json!({"task_ids": (0..30).map(|each| format!("t_{each}")).collect::<Vec<_>>()});
        assert!(subject(&many).ends_with("and 10 more"));
    }

    #[test]
    fn reading_is_not_noted() {
        assert!(!is_noted("tasks.list") && !is_noted("tokens.check") && !is_noted("tasks.view"));
        assert!(is_noted("tasks.add") && is_noted("tokens.create") && is_noted("settings.set"));
    }
}
