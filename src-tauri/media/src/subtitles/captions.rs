//! Segments cut into captions of at most two lines of 42 characters, by the times of their words.

use super::{clean, millis};
use domain::Segment;
use unicode_segmentation::UnicodeSegmentation;

/// Characters (as people count them) in one line.
pub const MAX_LINE: usize = 42;
/// Lines in one caption.
pub const MAX_LINES: usize = 2;

/// What stands on the screen at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// Milliseconds from the start of the media; `start < end`, and no caption starts before the last one's end.
    pub start: u64,
    pub end: u64,
    /// One or two lines, never empty.
    pub lines: Vec<String>,
    pub speaker: Option<String>,
}

/// A piece of text that is never broken, with its time in seconds.
#[derive(Clone, Debug)]
struct Token {
    text: String,
    /// A space stands before it.
    spaced: bool,
    start: f64,
    end: f64,
    width: usize,
}

/// All captions of `segments`, in order.
pub fn captions(segments: &[Segment]) -> Vec<Caption> {
    let mut all: Vec<Caption> = Vec::new();
    for segment in segments {
        let tokens = tokens(segment);
        if tokens.is_empty() {
            continue;
        }
        let speaker = segment.speaker.as_deref().map(clean).filter(|name| !name.is_empty());
        let groups = group(&tokens);
        let count = groups.len();
        let mut from = 0;
        for (index, length) in groups.into_iter().enumerate() {
            let part = &tokens[from..from + length];
            from += length;
            let start = if index == 0 { segment.start } else { part[0].start };
            let end = if index + 1 == count { segment.end } else { part[length - 1].end };
            let floor = all.last().map_or(0, |caption| caption.end);
            let start = millis(start).max(floor);
            let end = millis(end).max(start + 1);
            all.push(Caption { start, end, lines: lines(part), speaker: speaker.clone() });
        }
    }
    all
}

/// The segment's words with their times; where words and text do not agree, times follow the share of the text.
fn tokens(segment: &Segment) -> Vec<Token> {
    let text = clean(&segment.text);
    let aligned = align(&text, segment).unwrap_or_else(|| spread(&text, segment.start, segment.end));
    aligned.into_iter().flat_map(split_long).collect()
}

/// Finds each timed word in the text, in order; `None` unless they cover it exactly.
fn align(text: &str, segment: &Segment) -> Option<Vec<Token>> {
    let mut rest = text;
    let mut found = Vec::with_capacity(segment.words.len());
    for word in &segment.words {
        let wanted = clean(&word.text);
        if wanted.is_empty() {
            continue;
        }
        let trimmed = rest.trim_start();
        let spaced = trimmed.len() < rest.len();
        rest = trimmed.strip_prefix(wanted.as_str())?;
        let width = width(&wanted);
        found.push(Token { text: wanted, spaced, start: word.start, end: word.end.max(word.start), width });
    }
    (rest.trim().is_empty() && !found.is_empty()).then_some(found)
}

/// Words at white space, their times by their share of the characters.
fn spread(text: &str, start: f64, end: f64) -> Vec<Token> {
    let length = (end - start).max(0.0);
    let total = width(text).max(1) as f64;
    let mut at = 0usize;
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let width = width(word);
            let from = start + length * at as f64 / total;
            let to = start + length * (at + width) as f64 / total;
            at += width + 1;
            Token { text: word.to_string(), spaced: at > width + 1, start: from, end: to.min(end), width }
        })
        .collect()
}

/// A word wider than a line becomes pieces (languages without spaces, addresses); characters stay whole.
fn split_long(token: Token) -> Vec<Token> {
    if token.width <= MAX_LINE {
        return vec![token];
    }
    let characters: Vec<&str> = token.text.graphemes(true).collect();
    let length = token.end - token.start;
    let total = characters.len() as f64;
    characters
        .chunks(MAX_LINE)
        .enumerate()
        .map(|(index, chunk)| {
            let from = index * MAX_LINE;
            Token {
                text: chunk.concat(),
                spaced: token.spaced && index == 0,
                start: token.start + length * from as f64 / total,
                end: token.start + length * (from + chunk.len()) as f64 / total,
                width: chunk.len(),
            }
        })
        .collect()
}

/// How many tokens go into each caption: as many as fit, ended early at a sentence's end once half full, and
/// never leaving one short word alone for the last.
fn group(tokens: &[Token]) -> Vec<usize> {
    let mut groups = Vec::new();
    let mut from = 0;
    while from < tokens.len() {
        let mut length = fitting(&tokens[from..]);
        let left = tokens.len() - from - length;
        if left > 0 {
            if let Some(early) = sentence_end(&tokens[from..from + length]) {
                length = early;
            } else if left < 3 && length > 3 {
                length -= 3 - left;
            }
        }
        groups.push(length);
        from += length;
    }
    groups
}

/// How many of the first tokens fit into one caption; at least one.
fn fitting(tokens: &[Token]) -> usize {
    let (mut line, mut used) = (1, 0);
    for (index, token) in tokens.iter().enumerate() {
        let wanted = used + token.width + usize::from(token.spaced && used > 0);
        if used == 0 || wanted <= MAX_LINE {
            used = wanted;
        } else if line < MAX_LINES {
            line += 1;
            used = token.width;
        } else {
            return index;
        }
    }
    tokens.len()
}

/// Tokens up to the last one in the second half that ends a sentence.
fn sentence_end(tokens: &[Token]) -> Option<usize> {
    let total: usize = tokens.iter().map(|token| token.width + 1).sum();
    let mut seen: usize = tokens.iter().map(|token| token.width + 1).sum();
    for (index, token) in tokens.iter().enumerate().rev() {
        if seen * 2 < total {
            return None;
        }
        if token.text.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟', '।']) {
            return Some(index + 1);
        }
        seen -= token.width + 1;
    }
    None
}

/// The tokens on one line where they fit, else on two of lengths as even as can be.
fn lines(tokens: &[Token]) -> Vec<String> {
    let whole = join(tokens);
    if width(&whole) <= MAX_LINE {
        return vec![whole];
    }
    let best = (1..tokens.len())
        .map(|at| (join(&tokens[..at]), join(&tokens[at..])))
        .filter(|(first, second)| width(first) <= MAX_LINE && width(second) <= MAX_LINE)
        .min_by_key(|(first, second)| width(first).abs_diff(width(second)));
    match best {
        Some((first, second)) => vec![first, second],
        None => vec![whole],
    }
}

fn join(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        if token.spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}

fn width(text: &str) -> usize {
    text.graphemes(true).count()
}
