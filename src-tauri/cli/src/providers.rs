//! `bobina providers`, `keys` and `costs`.
//!
//! Invariant: a key is read from standard input, never from the command line, and never printed.

use crate::args::{CostsArgs, KeysCommand};
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::text::{self, column, number, plain, wide};
use backend::api::provider_types::{CostReport, CostRow, KeyState, ProviderItem, ProviderModel};
use backend::api::types::Page;
use console::{Term, style};
use domain::ApiError;
use serde_json::{Value, json};
use std::io::{IsTerminal, Read};

/// Longest key that is read, in bytes.
const MAX_KEY: u64 = 64 * 1024;

pub async fn list(session: &Session, output: &Output) -> Result<u8, Failure> {
    let answer = session.once("providers.list", json!({})).await?;
    let providers: Page<ProviderItem> = typed(answer.clone())?;
    output.either(&answer, || {
        let rows: Vec<Vec<String>> = providers.items.iter().flat_map(rows).collect();
        let columns = [column("ENGINE"), column("FOR"), column("PRICE"), column("KEY"), wide("")];
        text::table(&columns, &rows, output.width())
    });
    Ok(0)
}

fn rows(provider: &ProviderItem) -> Vec<Vec<String>> {
    let key = match (&provider.key_source, provider.needs_key) {
        (Some(source), _) => style(plain(source)).green().to_string(),
        (None, true) => style("not set").yellow().to_string(),
        (None, false) => "none needed".into(),
    };
    let row = |model: &ProviderModel| {
        let end = match (&model.end_of_life, model.ended, model.ends_soon) {
            (Some(day), true, _) => style(format!("ended {day}")).red().to_string(),
            (Some(day), _, true) => style(format!("ends {day}")).yellow().to_string(),
            _ => String::new(),
        };
        let engine = format!("{}:{}", plain(&provider.name), plain(&model.name));
        vec![engine, model.capability.clone(), price(model.price.as_ref()), key.clone(), end]
    };
    let mut rows: Vec<Vec<String>> = provider.models.iter().map(row).collect();
    if rows.is_empty() {
        let engine = format!("{}:<model>", plain(&provider.name));
        rows.push(vec![engine, String::new(), "unknown".into(), key, plain(&provider.base_url)]);
    }
    rows
}

fn price(price: Option<&Value>) -> String {
    let Some(Value::Object(parts)) = price else { return "unknown".into() };
    let unit = |name: &str| match name {
        "minute" => Some("min"),
        "million_input_tokens" => Some("M in"),
        "million_output_tokens" => Some("M out"),
        "image" => Some("image"),
        "call" => Some("call"),
        _ => None,
    };
    let each = |(name, value): (&String, &Value)| Some(format!("${}/{}", value.as_f64()?, unit(name)?));
    parts.iter().filter_map(each).collect::<Vec<_>>().join(" ")
}

pub async fn keys(session: &Session, output: &Output, command: KeysCommand) -> Result<u8, Failure> {
    match command {
        KeysCommand::Set { name } => {
            let key = tokio::task::spawn_blocking({
                let name = name.clone();
                move || read_key(&name)
            })
            .await
            .map_err(|error| ApiError::internal(format!("The key could not be read: {error}")))??;
            let answer = session.once("keys.set", json!({ "provider": name, "key": key })).await?;
            let state: KeyState = typed(answer.clone())?;
            output.either(&answer, || said(&state));
            if state.kept.as_deref() == Some("session") {
                output.note(
                    "There is no key store here: the key lasts only as long as the running Bobina. \
                     Give it in the environment instead.",
                );
            }
            Ok(u8::from(state.good == Some(false)))
        }
        KeysCommand::Test { name } => {
            let answer = session.once("keys.test", json!({ "provider": name })).await?;
            let state: KeyState = typed(answer.clone())?;
            output.either(&answer, || said(&state));
            Ok(u8::from(state.good != Some(true)))
        }
        KeysCommand::Remove { name } => {
            session.once("keys.remove", json!({ "provider": name })).await?;
            output.either(&json!({ "removed": name }), || {
                format!("The key of {} is forgotten.\n", plain(&name))
            });
            Ok(0)
        }
    }
}

fn said(state: &KeyState) -> String {
    let name = plain(&state.provider);
    match (state.set, state.good) {
        (_, Some(true)) => format!("The key of {name} is good.\n"),
        (_, Some(false)) => format!("{name} refuses the key.\n"),
        (true, None) => format!("The key of {name} is set; the service could not be asked about it.\n"),
        (false, None) => format!("No key is set for {name}.\n"),
    }
}

/// From the terminal without showing it, else all of standard input.
fn read_key(name: &str) -> Result<String, Failure> {
    let cannot = |error: std::io::Error| ApiError::invalid(format!("The key cannot be read: {error}"));
    if std::io::stdin().is_terminal() {
        let terminal = Term::stderr();
        terminal.write_str(&format!("Key for {}: ", plain(name))).map_err(cannot)?;
        return Ok(terminal.read_secure_line().map_err(cannot)?);
    }
    let mut key = String::new();
    std::io::stdin().lock().take(MAX_KEY).read_to_string(&mut key).map_err(cannot)?;
    Ok(key)
}

pub async fn costs(session: &Session, output: &Output, args: CostsArgs) -> Result<u8, Failure> {
    if let Some(provider) = args.cap {
        let input = json!({ "provider": provider, "soft": args.soft, "hard": args.hard });
        session.once("costs.set_cap", input.clone()).await?;
        output.either(&input, || match (args.soft, args.hard) {
            (None, None) => format!("{} has no cap.\n", plain(&provider)),
            _ => format!("The cap of {} is set.\n", plain(&provider)),
        });
        return Ok(0);
    }
    let answer = session.once("costs.get", json!({ "month": args.month })).await?;
    let report: CostReport = typed(answer.clone())?;
    output.either(&answer, || cost_table(&report, output.width()));
    for name in &report.over_soft_cap {
        output.note(&format!("The soft cap of {} is passed.", plain(name)));
    }
    Ok(0)
}

fn cost_table(report: &CostReport, width: Option<usize>) -> String {
    if report.rows.is_empty() {
        return format!("No cloud service was used in {}.\n", report.month);
    }
    let row = |row: &CostRow| {
        vec![
            format!("{}:{}", plain(&row.provider), plain(&row.model)),
            row.calls.to_string(),
            row.refused.to_string(),
            row.lost.to_string(),
            format!("{:.1}", row.seconds / 60.0),
            format!("${:.4}", row.charged),
            row.unknown.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = report.rows.iter().map(row).collect();
    let columns = [
        column("ENGINE"),
        number("CALLS"),
        number("REFUSED"),
        number("LOST"),
        number("MINUTES"),
        number("CHARGED"),
        number("UNKNOWN"),
    ];
    let unknown = if report.unknown > 0 {
        format!(", and {} calls of unknown charge", report.unknown)
    } else {
        String::new()
    };
    format!("{}{}: ${:.4}{unknown}.\n", text::table(&columns, &rows, width), report.month, report.charged)
}
