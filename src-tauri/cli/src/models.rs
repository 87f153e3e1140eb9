//! `bobina models`: list, download with progress, import, remove.

use crate::args::ModelsCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::signals;
use crate::text::{self, column, number, plain};
use backend::api::types::{ModelItem, Page};
use console::style;
use domain::{ApiError, ErrorCode, Event};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use server::{EventStream, Host};
use std::io::IsTerminal;
use std::time::Duration;

/// Events tell how a download goes on; asking now and then is the net under them.
const ASK_AGAIN: Duration = Duration::from_secs(2);

pub async fn run(session: &Session, output: &Output, command: ModelsCommand) -> Result<u8, Failure> {
    match command {
        ModelsCommand::List => list(session, output).await,
        ModelsCommand::Download { name } => download(session, output, &name).await,
        ModelsCommand::Import { file, name } => {
            let path = std::path::absolute(&file)
                .map_err(|error| ApiError::invalid(format!("{}: {error}", file.display())))?;
            let path =
                path.to_str().ok_or_else(|| Failure::usage("The file's name is not valid Unicode."))?;
            let answer = session.once("models.import", json!({ "path": path, "name": name })).await?;
            let item: ModelItem = typed(answer.clone())?;
            output
                .either(&answer, || format!("Imported {} ({}).\n", plain(&item.name), text::size(item.size)));
            Ok(0)
        }
        ModelsCommand::Remove { name } => {
            session.once("models.remove", json!({ "name": name })).await?;
            output.either(&json!({ "removed": name }), || format!("Removed {}.\n", plain(&name)));
            Ok(0)
        }
    }
}

async fn list(session: &Session, output: &Output) -> Result<u8, Failure> {
    let answer = session.once("models.list", json!({})).await?;
    let models: Page<ModelItem> = typed(answer.clone())?;
    output.either(&answer, || {
        let row = |item: &ModelItem| {
            let state = match (&item.error, item.downloading, item.installed) {
                (Some(error), _, _) => style(error.code.to_string()).red(),
                (_, Some(fraction), _) => style(format!("downloading, {:.0} %", fraction * 100.0)).cyan(),
                (_, _, true) => style("installed".to_string()).green(),
                _ if item.suggested => style("suggested".to_string()).yellow(),
                _ => style(String::new()),
            };
            vec![
                plain(&item.name),
                text::size(item.size),
                text::size(item.memory),
                item.languages.clone(),
                state.to_string(),
            ]
        };
        let rows: Vec<Vec<String>> = models.items.iter().map(row).collect();
        let columns = [column("NAME"), number("SIZE"), number("MEMORY"), column("LANGUAGES"), column("")];
        text::table(&columns, &rows, output.width())
    });
    Ok(0)
}

async fn download(session: &Session, output: &Output, name: &str) -> Result<u8, Failure> {
    // Working: a second `bobina` that waits for its tasks must not be held up by a long download.
    let host = session.open(true).await?;
    let events = host.events();
    let ended = follow(&host, output, name, events).await;
    host.close().await;
    let Some(item) = ended? else {
        output.note("Stopped. What has arrived is kept; the same command goes on with it.");
        return Ok(130);
    };
    output.either(&json!(item), || format!("{} is installed.\n", plain(&item.name)));
    Ok(0)
}

/// The installed model, or `None` when the user stopped it.
async fn follow(
    host: &Host,
    output: &Output,
    name: &str,
    mut events: EventStream,
) -> Result<Option<ModelItem>, Failure> {
    let input: Value = json!({ "name": name });
    let mut item: ModelItem = typed(host.call("models.download", input.clone()).await?)?;
    let bar = bar(&item);
    let mut stop = std::pin::pin!(signals::asked_to_stop());
    let mut said = 0;
    while !item.installed {
        if let Some(error) = item.error.take() {
            return Err(error.into());
        }
        let Some(fraction) = item.downloading else {
            let message = format!("The download of {name} was stopped elsewhere.");
            return Err(ApiError::new(ErrorCode::Cancelled, message).into());
        };
        show(output, bar.as_ref(), &item, fraction, &mut said);
        tokio::select! {
            () = &mut stop => {
                host.call("models.cancel", input).await?;
                return Ok(None);
            }
            event = events.next() => match event {
                Some(Event::ModelChanged { name: changed, installed: false, fraction: Some(fraction) }) if changed == name => {
                    item.downloading = Some(fraction);
                }
                Some(Event::ModelChanged { .. } | Event::Lagged) => item = ask(host, name).await?,
                Some(_) => {}
                None => return Err(ApiError::internal("The events have ended.").into()),
            },
            () = tokio::time::sleep(ASK_AGAIN) => item = ask(host, name).await?,
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(Some(item))
}

async fn ask(host: &Host, name: &str) -> Result<ModelItem, Failure> {
    let models: Page<ModelItem> = typed(host.call("models.list", json!({})).await?)?;
    models.items.into_iter().find(|item| item.name == name).ok_or_else(|| {
        ApiError::new(ErrorCode::ModelUnknown, format!("There is no model \"{name}\".")).into()
    })
}

fn bar(item: &ModelItem) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(item.size);
    let style =
        ProgressStyle::with_template("{msg} {bar:32.cyan/dim} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(plain(&item.name));
    Some(bar)
}

fn show(output: &Output, bar: Option<&ProgressBar>, item: &ModelItem, fraction: f64, said: &mut u32) {
    match bar {
        Some(bar) => bar.set_position((fraction.clamp(0.0, 1.0) * item.size as f64) as u64),
        None => {
            let tenth = (fraction * 10.0) as u32;
            if tenth > *said {
                *said = tenth;
                output.note(&format!("{}: {} % of {}", plain(&item.name), tenth * 10, text::size(item.size)));
            }
        }
    }
}
