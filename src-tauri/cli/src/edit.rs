//! `bobina edit` and `bobina versions`.

use crate::args::EditCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::text::{self, column, number, relative};
use backend::api::editing_types::Edited;
use backend::api::types::{MediaDetail, TranscriptItem};
use domain::Transcript;
use serde_json::{Value, json};

pub async fn run(session: &Session, output: &Output, id: &str, command: EditCommand) -> Result<u8, Failure> {
    let edit = |edit: Value| json!({ "id": id, "edits": [edit] });
    let (name, input) = match command {
        EditCommand::Replace { find, with, match_case, whole_words } => (
            "transcripts.edit",
            edit(json!({
                "edit": "replace", "find": find, "with": with,
                "match_case": match_case, "whole_words": whole_words,
            })),
        ),
        EditCommand::Speaker { from, to } => {
            ("transcripts.edit", edit(json!({ "edit": "rename_speaker", "from": from, "to": to })))
        }
        EditCommand::Undo => ("transcripts.undo", json!({ "id": id })),
        EditCommand::Redo => ("transcripts.redo", json!({ "id": id })),
        EditCommand::Show => return shown(session, output, "transcripts.show", id).await,
        EditCommand::Remove => return shown(session, output, "transcripts.remove", id).await,
    };
    let answer = session.once(name, input).await?;
    let edited: Edited = typed(answer.clone())?;
    output.either(&answer, || match edited.changes.len() {
        0 => "Nothing to change.\n".into(),
        1 => format!("One change in {}.\n", edited.transcript_id),
        changes => format!("{changes} changes in {}.\n", edited.transcript_id),
    });
    Ok(0)
}

async fn shown(session: &Session, output: &Output, command: &str, id: &str) -> Result<u8, Failure> {
    let answer = session.once(command, json!({ "id": id })).await?;
    let detail: MediaDetail = typed(answer.clone())?;
    output.either(&answer, || table(&detail, output));
    Ok(0)
}

pub async fn versions(session: &Session, output: &Output, id: &str) -> Result<u8, Failure> {
    let host = session.open(false).await?;
    let detail = async {
        let transcript: Transcript = typed(host.call("transcripts.get", json!({ "id": id })).await?)?;
        Ok::<Value, Failure>(host.call("library.get", json!({ "media_id": transcript.media_id })).await?)
    }
    .await;
    host.close().await;
    let detail: MediaDetail = typed(detail?)?;
    let answer = json!({ "shown": detail.item.transcript_id, "items": detail.transcripts });
    output.either(&answer, || table(&detail, output));
    Ok(0)
}

fn table(detail: &MediaDetail, output: &Output) -> String {
    let now = text::now();
    let row = |item: &TranscriptItem| {
        let shown = detail.item.transcript_id.as_ref() == Some(&item.transcript_id);
        let made =
            if item.parent.is_some() { format!("{}, edited", item.engine) } else { item.engine.clone() };
        vec![
            item.transcript_id.clone(),
            if shown { "shown".into() } else { String::new() },
            made,
            item.language.clone(),
            item.words.to_string(),
            relative(item.created_at, now),
        ]
    };
    let rows: Vec<Vec<String>> = detail.transcripts.iter().map(row).collect();
    let columns =
        [column("ID"), column(""), column("MADE BY"), column("LANGUAGE"), number("WORDS"), column("MADE")];
    text::table(&columns, &rows, output.width())
}
