//! `bobina library`, `search`, `transcript`, `urls`.

use crate::args::{PageArgs, SearchArgs, TranscriptArgs, UrlsArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::tasks::{more, whole_id};
use crate::text::{self, clock, column, number, plain, relative, wide};
use backend::api::types::{Exported, MediaItem, Page, SearchHit};
use console::style;
use domain::source::UrlItem;
use domain::{ApiError, ErrorCode};
use serde_json::{Value, json};
use server::Host;

/// The media, or those with a tag.
pub async fn list(
    session: &Session,
    output: &Output,
    page: PageArgs,
    tag: Option<String>,
) -> Result<u8, Failure> {
    let answer = session.list("library.list", json!({ "filter": { "tag": tag } }), &page).await?;
    let media: Page<MediaItem> = typed(answer.clone())?;
    output.either(&answer, || {
        if media.items.is_empty() {
            return "The library is empty. Add something: bobina add FILE\n".into();
        }
        let now = text::now();
        let row = |item: &MediaItem| {
            vec![
                item.media_id.clone(),
                item.kind.to_string(),
                clock(item.duration),
                text::size(item.size),
                item.language.clone().unwrap_or_default(),
                relative(item.added_at, now),
                plain(&item.title),
            ]
        };
        let rows: Vec<Vec<String>> = media.items.iter().map(row).collect();
        let columns = [
            column("ID"),
            column("KIND"),
            number("LENGTH"),
            number("SIZE"),
            column("LANGUAGE"),
            column("ADDED"),
            wide("TITLE"),
        ];
        text::table(&columns, &rows, output.width()) + &more(media.total, media.items.len(), media.offset)
    });
    Ok(0)
}

pub async fn search(session: &Session, output: &Output, args: SearchArgs) -> Result<u8, Failure> {
    let query = args.words.join(" ");
    let query = json!({ "query": query, "media_id": args.media, "limit": args.page.limit, "offset": args.page.offset });
    let mut answer = session.once("library.search", query).await?;
    let hits: Page<SearchHit> = typed(answer.clone())?;
    for item in answer["items"].as_array_mut().into_iter().flatten() {
        let (plain, marks) = marks(item["snippet"].as_str().unwrap_or_default());
        item["snippet"] = json!(plain);
        item["marks"] = json!(marks);
    }
    output.either(&answer, || {
        if hits.items.is_empty() {
            return "Nobody said that.\n".into();
        }
        let mut out = String::new();
        let mut last = None;
        for hit in &hits.items {
            if last != Some(&hit.transcript_id) {
                out.push_str(&format!(
                    "{}  {}\n",
                    style(plain(&hit.title)).bold(),
                    style(&hit.media_id).dim()
                ));
                last = Some(&hit.transcript_id);
            }
            out.push_str(&format!("  {:>8}  {}\n", clock(hit.start), highlighted(&hit.snippet)));
        }
        out + &more(hits.total, hits.items.len(), hits.offset)
    });
    Ok(0)
}

/// A snippet without its marks, and the marked stretches as pairs of character positions, the end excluded.
fn marks(snippet: &str) -> (String, Vec<[usize; 2]>) {
    let (mut text, mut marks, mut at, mut from) = (String::new(), Vec::new(), 0, None);
    for each in snippet.chars() {
        match each {
            '\u{2}' => from = Some(at),
            '\u{3}' => marks.extend(from.take().map(|from| [from, at])),
            _ => {
                text.push(each);
                at += 1;
            }
        }
    }
    (text, marks)
}

fn highlighted(snippet: &str) -> String {
    let (text, marks) = marks(snippet);
    let letters: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| plain(&letters[from..to].iter().collect::<String>());
    let (mut out, mut at) = (String::new(), 0);
    for [from, to] in marks {
        out.push_str(&part(at, from));
        out.push_str(&style(part(from, to)).yellow().bold().to_string());
        at = to;
    }
    out + &part(at, letters.len())
}

pub async fn transcript(session: &Session, output: &Output, args: TranscriptArgs) -> Result<u8, Failure> {
    let host = session.open(false).await?;
    let default = if output.json { "json" } else { "txt" };
    let format = args.format.as_deref().unwrap_or(default);
    let exported = export(&host, &args.id, format).await;
    host.close().await;
    let exported: Exported = typed(exported?)?;
    if format == "json" {
        // The export is the document.
        output.text(&ended(exported.content));
    } else if output.json {
        output.document(&json!(exported));
    } else {
        output.text(&ended(exported.content));
    }
    Ok(0)
}

/// The export of a transcript, a media or a task; a task's id may be abbreviated.
async fn export(host: &Host, id: &str, format: &str) -> Result<Value, ApiError> {
    let refused = match host.call("transcripts.export", json!({ "id": id, "format": format })).await {
        Err(error) if error.code == ErrorCode::TranscriptNotFound => error,
        answer => return answer,
    };
    match whole_id(host, id).await {
        Ok(whole) if whole != id => {
            host.call("transcripts.export", json!({ "id": whole, "format": format })).await
        }
        Err(error) if error.code == ErrorCode::InvalidInput => Err(error),
        _ => Err(refused),
    }
}

fn ended(mut content: String) -> String {
    if !content.ends_with('\n') {
        content.push('\n');
    }
    content
}

pub async fn urls(session: &Session, output: &Output, args: UrlsArgs) -> Result<u8, Failure> {
    let answer = session.list("urls.list", json!({ "status": args.status }), &args.page).await?;
    let urls: Page<UrlItem> = typed(answer.clone())?;
    output.either(&answer, || {
        if urls.items.is_empty() {
            return "No URLs.\n".into();
        }
        let now = text::now();
        let row = |item: &UrlItem| {
            let error = item.error.as_ref().map(|error| error.code.to_string()).unwrap_or_default();
            vec![item.status.to_string(), relative(item.updated_at, now), error, plain(&item.url)]
        };
        let rows: Vec<Vec<String>> = urls.items.iter().map(row).collect();
        let columns = [column("STATUS"), column("WHEN"), column("ERROR"), wide("URL")];
        text::table(&columns, &rows, output.width()) + &more(urls.total, urls.items.len(), urls.offset)
    });
    Ok(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn marks_become_positions() {
        let (text, marks) = super::marks("my \u{2}fellow\u{3} ação \u{2}x\u{3}");
        assert_eq!(text, "my fellow ação x");
        assert_eq!(marks, [[3, 9], [15, 16]]);
        assert_eq!(super::marks("\u{3}a\u{2}"), ("a".into(), vec![]));
    }
}
