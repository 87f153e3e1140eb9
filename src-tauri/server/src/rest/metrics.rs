//! `GET /metrics`: figures in Prometheus' text format 0.0.4.

use super::texts::text;
use super::{Reply, call};
use crate::start::App;
use axum::extract::State;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// The figures of now.
pub(crate) async fn read(State(app): State<Arc<App>>) -> Reply {
    let queue = call(&app, "queue.status", json!({})).await?;
    let statistics = call(&app, "statistics.get", json!({ "days": 366 })).await?;
    let webhooks = call(&app, "webhooks.stats", json!({})).await?;
    let cache = call(&app, "cache.stats", json!({})).await?;
    Ok(text("text/plain; version=0.0.4; charset=utf-8", &write(&queue, &statistics, &webhooks, &cache)))
}

/// One metric: its name, its type, what it says, and its samples as labels and value.
fn metric(out: &mut String, name: &str, kind: &str, help: &str, samples: &[(String, f64)]) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in samples {
        let _ = writeln!(out, "{name}{labels} {value}");
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

/// A label's value with what the format reserves escaped.
fn label(name: &str, value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{text}\"")
}

fn write(queue: &Value, statistics: &Value, webhooks: &Value, cache: &Value) -> String {
    let mut out = String::new();
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let status = |name: &str| (format!("{{status=\"{name}\"}}"), number(&queue[name]));
    let standing = ["queued", "processing", "completed", "failed", "cancelled"].map(status);
    metric(&mut out, "bobina_tasks", "gauge", "Tasks on record by status.", &standing);
    let ended: Vec<_> = items(&statistics["totals"])
        .iter()
        .flat_map(|total| {
            ["completed", "failed", "cancelled"].map(|status| {
                let labels = format!("{{{},status=\"{status}\"}}", label("kind", &total["task_type"]));
                (labels, number(&total[status]))
            })
        })
        .collect();
    metric(&mut out, "bobina_tasks_ended", "gauge", "Tasks that ended in the last 366 days.", &ended);
    let seconds = |field: &str| -> Vec<(String, f64)> {
        items(&statistics["totals"])
            .iter()
            .filter(|total| total[field].is_number())
            .map(|total| (format!("{{{}}}", label("kind", &total["task_type"])), number(&total[field])))
            .collect()
    };
    metric(
        &mut out,
        "bobina_task_mean_seconds",
        "gauge",
        "Mean time of completed tasks.",
        &seconds("mean_seconds"),
    );
    metric(
        &mut out,
        "bobina_task_p95_seconds",
        "gauge",
        "95th percentile of completed tasks' time.",
        &seconds("p95_seconds"),
    );
    let lanes = items(&queue["lanes"]);
    let of_lanes = |field: &str| -> Vec<(String, f64)> {
        lanes
            .iter()
            .map(|lane| (format!("{{{}}}", label("lane", &lane["lane"])), number(&lane[field])))
            .collect()
    };
    metric(&mut out, "bobina_lane_running", "gauge", "Steps running by lane.", &of_lanes("running"));
    metric(&mut out, "bobina_lane_ready", "gauge", "Steps waiting for a place by lane.", &of_lanes("ready"));
    metric(&mut out, "bobina_lane_limit", "gauge", "Places of a lane.", &of_lanes("limit"));
    let waiting: Vec<_> = items(&statistics["queue"])
        .iter()
        .map(|row| (format!("{{{}}}", label("priority", &row["priority"])), number(&row["queued"])))
        .collect();
    metric(&mut out, "bobina_queued", "gauge", "Queued tasks by priority.", &waiting);
    let one = |value: &Value| [(String::new(), number(value))];
    metric(
        &mut out,
        "bobina_dead_letters",
        "gauge",
        "Steps that will not be tried again by themselves.",
        &one(&queue["dead_letters"]),
    );
    let messages = ["pending", "delivered", "dead"]
        .map(|state| (format!("{{state=\"{state}\"}}"), number(&webhooks[state])));
    metric(&mut out, "bobina_webhook_messages", "gauge", "Webhook messages in the log by state.", &messages);
    metric(&mut out, "bobina_cache_entries", "gauge", "Results that are kept.", &one(&cache["entries"]));
    metric(
        &mut out,
        "bobina_cache_bytes",
        "gauge",
        "Bytes of the results that are kept.",
        &one(&cache["bytes"]),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_is_named_once_and_every_line_has_a_value() {
        let queue = json!({"queued": 1, "lanes": [{"lane": "provider:a\"b", "running": 1, "ready": 2, "limit": 3}], "dead_letters": 4});
        let statistics = json!({"totals": [{"task_type": "media_processing", "completed": 2, "mean_seconds": 1.5, "p95_seconds": null}], "queue": [{"priority": "low", "queued": 1}]});
        let text = write(&queue, &statistics, &json!({"pending": 1}), &json!({"entries": 5, "bytes": 6}));
        assert!(text.contains("bobina_lane_running{lane=\"provider:a\\\"b\"} 1\n"), "{text}");
        assert!(text.contains("bobina_task_mean_seconds{kind=\"media_processing\"} 1.5\n"));
        let mut seen = std::collections::HashSet::new();
        for line in text.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(rest) => assert!(seen.insert(rest.split(' ').next().unwrap().to_string()), "{line}"),
                None if line.starts_with('#') => {}
                None => assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(), "{line}"),
            }
        }
        assert!(text.ends_with('\n'));
    }
}
