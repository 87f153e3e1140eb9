//! The formats that people read: plain text and Markdown, in paragraphs.

use super::{clean, clock};
use domain::Transcript;
use domain::transcript::Gap;
use std::fmt::Write as _;

/// A silence this long, in seconds, begins a new paragraph.
const PAUSE: f64 = 2.0;
/// A paragraph this long, in bytes, ends with the next sentence.
const LONG: usize = 600;

enum Block<'a> {
    Paragraph { start: f64, speaker: Option<String>, text: String },
    NotHeard(&'a Gap),
}

/// Plain text.
pub(super) fn txt(transcript: &Transcript) -> String {
    let mut out = String::new();
    for block in blocks(transcript) {
        match block {
            Block::Paragraph { speaker: Some(name), text, .. } => {
                let _ = write!(out, "{name}: {text}\n\n");
            }
            Block::Paragraph { text, .. } => {
                let _ = write!(out, "{text}\n\n");
            }
            Block::NotHeard(gap) => {
                let _ = write!(out, "[{}]\n\n", not_heard(gap));
            }
        }
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Markdown with the title, what made it, and the time before each paragraph.
pub(super) fn markdown(transcript: &Transcript, title: &str) -> String {
    let title = escape(&clean(title));
    let mut out = if title.is_empty() { String::new() } else { format!("# {title}\n\n") };
    let _ = writeln!(
        out,
        "Language: {}. Engine: {}. Length: {}.",
        escape(&clean(&transcript.language)),
        escape(&clean(&transcript.engine)),
        clock(transcript.duration)
    );
    for block in blocks(transcript) {
        match block {
            Block::Paragraph { start, speaker, text } => {
                let name = speaker.map(|name| format!("**{}:** ", escape(&name))).unwrap_or_default();
                let _ = write!(out, "\n\\[{}\\] {name}{}\n", clock(start), escape(&text));
            }
            Block::NotHeard(gap) => {
                let _ = write!(out, "\n*{}*\n", escape(&not_heard(gap)));
            }
        }
    }
    out
}

fn not_heard(gap: &Gap) -> String {
    format!("{} to {} not heard: {}", clock(gap.start), clock(gap.end), clean(&gap.reason))
}

fn blocks(transcript: &Transcript) -> Vec<Block<'_>> {
    let mut gaps = transcript.gaps.iter().peekable();
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut last_end = f64::NEG_INFINITY;
    for segment in &transcript.segments {
        let text = clean(&segment.text);
        if text.is_empty() {
            continue;
        }
        while let Some(gap) = gaps.next_if(|gap| gap.start <= segment.start) {
            blocks.push(Block::NotHeard(gap));
        }
        let name = segment.speaker.as_deref().map(clean).filter(|name| !name.is_empty());
        match blocks.last_mut() {
            Some(Block::Paragraph { speaker, text: said, .. })
                if *speaker == name
                    && segment.start - last_end < PAUSE
                    && !(said.len() > LONG && said.ends_with(['.', '!', '?', '…'])) =>
            {
                said.push(' ');
                said.push_str(&text);
            }
            _ => blocks.push(Block::Paragraph { start: segment.start, speaker: name, text }),
        }
        last_end = segment.end;
    }
    blocks.extend(gaps.map(Block::NotHeard));
    blocks
}

/// A backslash before what Markdown, or the HTML it may hold, would take for syntax.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (index, c) in text.char_indices() {
        let starts_block = index == 0 && matches!(c, '#' | '+' | '-' | '=' | '~' | ':');
        // "1. " or "1) " at the start of a line is a list.
        let ends_number =
            matches!(c, '.' | ')') && index > 0 && text[..index].bytes().all(|byte| byte.is_ascii_digit());
        if starts_block
            || ends_number
            || matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '!' | '$')
        {
            // "!" matters only before "[".
            if c != '!' || text[index + 1..].starts_with('[') {
                out.push('\\');
            }
        }
        out.push(c);
    }
    out
}
