//! `bobina api`, `tokens`, `webhooks`, `batch`, `stats`, `audit`: what programs need, from the command line.

use crate::automation_args::{ApiCommand, AuditArgs, BatchArgs, StatsArgs, TokensCommand, WebhooksCommand};
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::text::{self, column, number, plain, wide};
use backend::api::types::{
    AuditItem, BatchView, DayFigures, Page, Statistics, TokenItem, WebhookItem, WebhookStatus,
};
use domain::ApiError;
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

pub async fn api(session: &Session, output: &Output, command: ApiCommand) -> Result<u8, Failure> {
    let mut settings = session.once("settings.get", json!({})).await?;
    let wanted = match command {
        ApiCommand::On => Some(true),
        ApiCommand::Off => Some(false),
        ApiCommand::Status => None,
    };
    if let Some(wanted) = wanted {
        settings["api_enabled"] = wanted.into();
        settings = session.once("settings.set", settings).await?;
    }
    let answer = json!({ "api_enabled": settings["api_enabled"], "port": settings["port"] });
    output.either(&answer, || match settings["api_enabled"].as_bool() {
        Some(true) => format!(
            "Programs with a token are let in, on port {} while `bobina serve` runs.\n",
            settings["port"]
        ),
        _ => "Programs are not let in.\n".into(),
    });
    Ok(0)
}

pub async fn tokens(session: &Session, output: &Output, command: TokensCommand) -> Result<u8, Failure> {
    match command {
        TokensCommand::Create { name, scope } => {
            let made = session.once("tokens.create", json!({ "name": name, "scope": scope })).await?;
            output.either(&made, || format!("{}\n", made["token"].as_str().unwrap_or_default()));
            output.note("Keep it now: it is not shown again.");
            let settings = session.once("settings.get", json!({})).await?;
            if settings["api_enabled"] == false {
                output.note("The API is switched off; switch it on with: bobina api on");
            }
        }
        TokensCommand::List => {
            let answer = session.once("tokens.list", json!({})).await?;
            let tokens: Page<TokenItem> = typed(answer.clone())?;
            output.either(&answer, || {
                let row = |item: &TokenItem| {
                    let used = item.last_used_at.map(|at| at.to_string()).unwrap_or_default();
                    let state = if item.revoked_at.is_some() { "revoked" } else { "" };
                    vec![
                        item.token_id.clone(),
                        item.scope.as_str().into(),
                        item.acts.to_string(),
                        used,
                        state.into(),
                        plain(&item.name),
                    ]
                };
                let rows: Vec<_> = tokens.items.iter().map(row).collect();
                let columns = [
                    column("ID"),
                    column("SCOPE"),
                    number("ACTS"),
                    column("LAST USED"),
                    column("STATE"),
                    wide("NAME"),
                ];
                text::table(&columns, &rows, output.width())
            });
        }
        TokensCommand::Revoke { token } => {
            let item = session.once("tokens.revoke", json!({ "token": token })).await?;
            output.either(&item, || format!("{} is revoked.\n", plain(&token)));
        }
    }
    Ok(0)
}

pub async fn webhooks(session: &Session, output: &Output, command: WebhooksCommand) -> Result<u8, Failure> {
    let id = |id: &str| json!({ "webhook_id": id });
    match command {
        WebhooksCommand::Add { url, events, description, allow_local } => {
            let input = json!({ "url": url, "events": events, "description": description, "allow_local": allow_local });
            let made = session.once("webhooks.create", input).await?;
            output.either(&made, || {
                let part = |name: &str| made[name].as_str().unwrap_or_default().to_string();
                format!("{}  {}\n", part("webhook_id"), part("secret"))
            });
            output.note("Keep the secret now: it is not shown again.");
        }
        WebhooksCommand::List => {
            let answer = session.once("webhooks.list", json!({})).await?;
            let hooks: Page<WebhookItem> = typed(answer.clone())?;
            output.either(&answer, || {
                let row = |hook: &WebhookItem| {
                    let state = hook
                        .disabled
                        .clone()
                        .unwrap_or_else(|| if hook.active { "on".into() } else { "off".into() });
                    let events = if hook.events.is_empty() { "all".into() } else { hook.events.join(" ") };
                    vec![hook.webhook_id.clone(), state, events, plain(&hook.url)]
                };
                let rows: Vec<_> = hooks.items.iter().map(row).collect();
                let columns = [column("ID"), column("STATE"), wide("EVENTS"), wide("URL")];
                text::table(&columns, &rows, output.width())
            });
        }
        WebhooksCommand::Show { id: which } => {
            let answer = session.once("webhooks.status", id(&which)).await?;
            let status: WebhookStatus = typed(answer.clone())?;
            output.either(&answer, || log(&status, output.width()));
        }
        WebhooksCommand::Enable { id: which } => {
            change(session, output, json!({ "webhook_id": which, "active": true })).await?
        }
        WebhooksCommand::Disable { id: which } => {
            change(session, output, json!({ "webhook_id": which, "active": false })).await?
        }
        WebhooksCommand::Rotate { id: which, drop_old: true } => {
            change(session, output, json!({ "webhook_id": which, "drop_old_secret": true })).await?;
        }
        WebhooksCommand::Rotate { id: which, drop_old: false } => {
            let made = session
                .once("webhooks.update", json!({ "webhook_id": which, "rotate_secret": true }))
                .await?;
            output.either(&made, || format!("{}\n", made["secret"].as_str().unwrap_or_default()));
        }
        WebhooksCommand::Test { id: which } => {
            let sent = session.once("webhooks.test", id(&which)).await?;
            output.either(&sent, || {
                format!(
                    "Queued as {}. Look with: bobina webhooks show {}\n",
                    sent["message_id"].as_str().unwrap_or_default(),
                    plain(&which)
                )
            });
        }
        WebhooksCommand::Replay { id: which, delivery, since } => {
            let input = json!({ "webhook_id": which, "delivery": delivery, "since": since });
            let done = session.once("webhooks.replay", input).await?;
            output.either(&done, || format!("{} to be sent again.\n", done["replayed"]));
        }
        WebhooksCommand::Stats => {
            let stats = session.once("webhooks.stats", json!({})).await?;
            output.either(&stats, || lines(&stats));
        }
        WebhooksCommand::Remove { id: which } => {
            session.once("webhooks.remove", id(&which)).await?;
            output.either(&json!({ "removed": which }), || format!("{} is removed.\n", plain(&which)));
        }
    }
    Ok(0)
}

async fn change(session: &Session, output: &Output, input: Value) -> Result<(), Failure> {
    let hook = session.once("webhooks.update", input).await?;
    output.either(&hook, || lines(&hook));
    Ok(())
}

fn log(status: &WebhookStatus, width: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = status
        .deliveries
        .iter()
        .map(|item| {
            let last = item.attempts.last();
            let said = last.map(|try_| match (&try_.error, try_.status) {
                (Some(error), _) => plain(error),
                (None, Some(status)) => status.to_string(),
                (None, None) => String::new(),
            });
            vec![
                item.delivery.to_string(),
                item.event_type.clone(),
                item.task_id.clone(),
                item.state.clone(),
                item.attempts.len().to_string(),
                said.unwrap_or_default(),
            ]
        })
        .collect();
    let columns =
        [number("N"), column("EVENT"), column("TASK"), column("STATE"), number("TRIES"), wide("LAST")];
    format!(
        "{} pending, {} delivered, {} dead\n{}",
        status.pending,
        status.delivered,
        status.dead,
        text::table(&columns, &rows, width)
    )
}

/// The plain fields of an object, one a line.
fn lines(object: &Value) -> String {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}: {}\n", plain(text)),
            None => format!("{name}: {value}\n"),
        })
        .collect()
}

pub async fn batch(session: &Session, output: &Output, args: BatchArgs) -> Result<u8, Failure> {
    if args.show {
        let answer = session.once("batches.get", json!({ "batch_id": args.what.to_string_lossy() })).await?;
        let batch: BatchView = typed(answer.clone())?;
        output.either(&answer, || {
            let mut text = format!(
                "{}: {} of {} completed, {} failed, {} cancelled\n",
                batch.status, batch.completed, batch.total, batch.failed, batch.cancelled
            );
            for task in &batch.tasks {
                let why =
                    task.error.as_ref().map(|error| format!("  {} {}", error.code, plain(&error.message)));
                text.push_str(&format!("{}  {}{}\n", task.task_id, task.status, why.unwrap_or_default()));
            }
            text
        });
        return Ok(u8::from(batch.failed > 0));
    }
    let given: Value = serde_json::from_str(&read(&args.what)?)
        .map_err(|error| Failure::usage(format!("{} is not JSON: {error}.", args.what.display())))?;
    let mut request = match given {
        Value::Array(tasks) => json!({ "items": tasks }),
        Value::Object(mut whole) => {
            let items = whole.remove("tasks").ok_or_else(|| Failure::usage("The file holds no tasks."))?;
            whole.insert("items".into(), items);
            Value::Object(whole)
        }
        _ => return Err(Failure::usage("The file holds neither an array nor an object.")),
    };
    request["batch"] = true.into();
    request["idempotency_key"] = args.idempotency_key.into();
    let made = session.once("tasks.submit", request).await?;
    output.either(&made, || format!("{}\n", made["batch_id"].as_str().unwrap_or_default()));
    output.note("The tasks run while `bobina serve` or the window runs.");
    Ok(0)
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let done = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    done.map_err(|error| ApiError::invalid(format!("{} cannot be read: {error}.", file.display())))?;
    Ok(text)
}

pub async fn stats(session: &Session, output: &Output, args: StatsArgs) -> Result<u8, Failure> {
    let answer = session.once("statistics.get", json!({ "days": args.days })).await?;
    let statistics: Statistics = typed(answer.clone())?;
    output.either(&answer, || {
        let shown = |value: Option<f64>, digits: usize| {
            value.map(|value| format!("{value:.digits$}")).unwrap_or_default()
        };
        let row = |figures: &DayFigures| {
            vec![
                figures.day.clone().unwrap_or_else(|| "all".into()),
                figures.task_type.to_string(),
                figures.completed.to_string(),
                figures.failed.to_string(),
                figures.cancelled.to_string(),
                shown(figures.success_rate.map(|rate| rate * 100.0), 0),
                shown(figures.mean_seconds, 1),
                shown(figures.p95_seconds, 1),
            ]
        };
        let rows: Vec<_> = statistics.days.iter().chain(&statistics.totals).map(row).collect();
        let columns = [
            column("DAY"),
            wide("KIND"),
            number("DONE"),
            number("FAILED"),
            number("CANCELLED"),
            number("OK %"),
            number("MEAN S"),
            number("P95 S"),
        ];
        text::table(&columns, &rows, output.width())
    });
    Ok(0)
}

pub async fn audit(session: &Session, output: &Output, args: AuditArgs) -> Result<u8, Failure> {
    let input = json!({ "actor": args.actor, "limit": args.page.limit, "offset": args.page.offset });
    let answer = session.once("audit.list", input).await?;
    let items: Page<AuditItem> = typed(answer.clone())?;
    output.either(&answer, || {
        let row = |item: &AuditItem| {
            let error = item.error.clone().unwrap_or_default();
            vec![item.at.to_string(), plain(&item.actor), item.action.clone(), error, plain(&item.subject)]
        };
        let rows: Vec<_> = items.items.iter().map(row).collect();
        let columns = [column("AT"), column("WHO"), column("WHAT"), column("REFUSED"), wide("ABOUT")];
        text::table(&columns, &rows, output.width())
    });
    Ok(0)
}
