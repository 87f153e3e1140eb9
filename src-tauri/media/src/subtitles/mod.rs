//! A transcript as a file: plain text, Markdown, SRT, WebVTT, ASS, JSON, CSV.
//!
//! Owns the formats, their escapes and the breaking of long segments into short captions.
//! Leaves where the file goes to the caller, and reading such files to others.
//! Invariant: what is spoken stays text. Nothing said can become a time line, a tag, an override or a formula in
//! the program that opens the file; control characters never reach it; times never go back.

mod captions;
mod formats;
mod prose;

pub use captions::{Caption, MAX_LINE, MAX_LINES, captions};

use domain::Transcript;
use std::fmt;
use std::str::FromStr;

/// A format a transcript is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextFormat {
    Txt,
    Md,
    Srt,
    Vtt,
    Ass,
    Json,
    Csv,
}

impl TextFormat {
    pub const ALL: [TextFormat; 7] =
        [Self::Txt, Self::Md, Self::Srt, Self::Vtt, Self::Ass, Self::Json, Self::Csv];

    /// The format's name, which is also its file extension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Md => "md",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Ass => "ass",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    /// The media type a browser is told.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Txt => "text/plain; charset=utf-8",
            Self::Md => "text/markdown; charset=utf-8",
            Self::Srt => "application/x-subrip; charset=utf-8",
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Ass => "text/x-ssa; charset=utf-8",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// `title` as a file name of this format that every file system takes.
    pub fn file_name(self, title: &str) -> String {
        let cleaned: String = clean(title)
            .chars()
            .map(|c| if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c })
            .collect();
        let mut stem = cleaned.trim_matches(|c: char| c == '.' || c.is_whitespace()).to_string();
        while stem.len() > 200 {
            stem.pop();
        }
        if stem.is_empty() || is_device_name(&stem) {
            stem.insert_str(0, "transcript ");
        }
        format!("{}.{}", stem.trim(), self.as_str())
    }
}

/// CON, NUL, COM1 … open devices on Windows, whatever follows the first dot.
fn is_device_name(stem: &str) -> bool {
    let first = stem.split('.').next().unwrap_or(stem).trim().to_ascii_uppercase();
    matches!(first.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ((first.starts_with("COM") || first.starts_with("LPT"))
            && first.len() == 4
            && first.ends_with(|c: char| c.is_ascii_digit()))
}

impl fmt::Display for TextFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is none of the formats.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not one of: txt, md, srt, vtt, ass, json, csv")]
pub struct UnknownFormat(pub String);

impl FromStr for TextFormat {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let name = text.trim().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| UnknownFormat(text.to_string()))
    }
}

/// The whole file as text; `title` heads the formats that have room for one.
pub fn write(format: TextFormat, transcript: &Transcript, title: &str) -> String {
    match format {
        TextFormat::Txt => prose::txt(transcript),
        TextFormat::Md => prose::markdown(transcript, title),
        TextFormat::Srt => formats::srt(transcript),
        TextFormat::Vtt => formats::vtt(transcript, title),
        TextFormat::Ass => formats::ass(transcript, title),
        TextFormat::Json => formats::json(transcript),
        TextFormat::Csv => formats::csv(transcript),
    }
}

/// One line without control characters: runs of white space become one space.
/// Joiners and direction marks stay, since emoji and right-to-left text are made of them; the overrides and
/// isolates that can turn a whole line around do not.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') {
            space = !out.is_empty();
            continue;
        }
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') {
            continue;
        }
        if space {
            out.push(' ');
            space = false;
        }
        out.push(c);
    }
    out
}

/// Seconds as whole milliseconds; what is no time at all counts as the start.
fn millis(seconds: f64) -> u64 {
    if seconds.is_finite() && seconds > 0.0 { (seconds.min(3.6e8) * 1000.0).round() as u64 } else { 0 }
}

/// `1:02:03` or `02:03`, for people.
fn clock(seconds: f64) -> String {
    let whole = millis(seconds) / 1000;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests;
