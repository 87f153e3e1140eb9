//! `bobina add`: queue sources, and with `--wait` see them through.

use crate::args::AddArgs;
use crate::failure::Failure;
use crate::output::{Output, describe};
use crate::session::{Session, typed};
use crate::text::plain;
use crate::wait::{self, Outcome};
use crate::{input, tasks};
use backend::api::types::{AddOutcome, AddRequest, Refused};
use console::style;
use domain::{ApiError, Source, Task, TaskStatus};
use serde_json::{Value, json};
use server::{Host, Role};
use std::ffi::OsString;
use std::path::Path;

pub async fn run(session: &Session, output: &Output, args: AddArgs) -> Result<u8, Failure> {
    let folder = std::env::current_dir()
        .map_err(|error| ApiError::internal(format!("The current folder is not known: {error}")))?;
    let not_before =
        args.not_before.as_deref().map(|text| input::time(text, &jiff::Zoned::now())).transpose()?;
    let (sources, unreadable) = sources(&args.sources, &folder);
    let request = AddRequest {
        sources,
        recipe: args.recipe,
        language: args.language,
        engine: args.engine,
        priority: args.priority,
        headers: input::headers(&args.headers)?,
        allow_hosts: args.allow_hosts,
        not_before,
        again: args.again,
    };
    let host = session.open(args.wait).await?;
    // Listening begins before the tasks exist, so that nothing of them is missed.
    let events = args.wait.then(|| host.events());
    let added = add(&host, &request).await;
    let mut added = match added {
        Ok(added) => added,
        Err(failure) => {
            host.close().await;
            return Err(failure);
        }
    };
    added.refused.extend(unreadable);
    let outcome = match events {
        Some(events) => wait::for_tasks(&host, output, added.tasks, events).await,
        None => Ok(Outcome { tasks: added.tasks, interrupted: false }),
    };
    let role = host.role();
    host.close().await;
    let outcome = outcome?;
    report(output, &outcome, &added.refused, args.wait);
    say_who_works(output, &outcome, role, args.wait);
    Ok(code(&outcome, &added.refused, args.wait))
}

async fn add(host: &Host, request: &AddRequest) -> Result<AddOutcome, Failure> {
    let request = serde_json::to_value(request).map_err(|e| ApiError::internal(e.to_string()))?;
    typed(host.call("tasks.add", request).await?)
}

/// Absolute paths and addresses; a name that is not Unicode cannot be written down and is refused by name.
fn sources(given: &[OsString], folder: &Path) -> (Vec<String>, Vec<Refused>) {
    let (mut sources, mut refused) = (Vec::new(), Vec::new());
    for each in given {
        match each.to_str() {
            Some(text) => sources.push(Source::typed(text, folder).as_str().to_string()),
            None => refused.push(Refused {
                source: each.to_string_lossy().into_owned(),
                error: ApiError::invalid("The file's name is not valid Unicode. Rename it and add it again."),
            }),
        }
    }
    (sources, refused)
}

fn code(outcome: &Outcome, refused: &[Refused], waited: bool) -> u8 {
    let failed = |task: &Task| {
        matches!(task.status, TaskStatus::Failed | TaskStatus::Cancelled) || task.error.is_some()
    };
    if !refused.is_empty() || (waited && outcome.tasks.iter().any(failed)) {
        1
    } else if outcome.interrupted {
        130
    } else {
        0
    }
}

fn report(output: &Output, outcome: &Outcome, refused: &[Refused], waited: bool) {
    if output.json {
        let tasks: Vec<Value> = outcome.tasks.iter().map(tasks::document).collect();
        output.document(&json!({ "tasks": tasks, "refused": refused }));
        return;
    }
    for task in &outcome.tasks {
        output.text(&line(task, waited));
        if let Some(error) = task.error.as_ref().filter(|_| waited) {
            output.note(&describe(error));
        }
    }
    for each in refused {
        output.note(&format!("{}\n{}", plain(&each.source), describe(&each.error)));
    }
}

fn line(task: &Task, waited: bool) -> String {
    let (id, title) = (&task.task_id, plain(&task.title));
    if !waited {
        return format!("{} {title}  {id}\n", style("queued").cyan());
    }
    let status = tasks::coloured(task.status);
    let more = match (&task.transcript_id, task.note.as_deref()) {
        (_, Some("no_audio")) => "  (no sound in it)".into(),
        (_, Some("no_speech")) => "  (nobody speaks in it)".into(),
        (Some(_), _) if task.status == TaskStatus::Completed => format!("  bobina transcript {id}"),
        _ => format!("  {id}"),
    };
    let cached = if task.cached { "  (was there already)" } else { "" };
    format!("{status} {title}{more}{cached}\n")
}

/// Says plainly what will run what is not done.
fn say_who_works(output: &Output, outcome: &Outcome, role: Role, waited: bool) {
    let open = outcome.tasks.iter().filter(|task| !task.status.is_final() && task.error.is_none()).count();
    if open == 0 || (waited && !outcome.interrupted) {
        return;
    }
    let (it, is) = if open == 1 { ("The task", "is") } else { ("The tasks", "are") };
    match role {
        Role::Remote { pid, works: true } => {
            output.note(&format!("{it} {is} worked on by the Bobina that is running (process {pid})."));
        }
        _ => output.note(&format!(
            "{it} {is} kept in the queue, but nothing is running that works on it. \
             Start `bobina serve` or open the window, or use `bobina add --wait`."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute_and_bad_names_are_refused_by_name() {
        use std::os::unix::ffi::OsStringExt;
        let given = vec!["a.mp4".into(), "https://x.example/v".into(), OsString::from_vec(vec![b'a', 0xff])];
        let (sources, refused) = sources(&given, Path::new("/home/ana"));
        assert_eq!(sources, ["/home/ana/a.mp4", "https://x.example/v"]);
        assert_eq!(refused.len(), 1);
    }
}
