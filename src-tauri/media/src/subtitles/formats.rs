//! The formats that programs read: SRT, WebVTT, ASS, JSON, CSV.

use super::captions::captions;
use super::{clean, clock, millis};
use domain::{Segment, Transcript};
use serde::Serialize;
use std::fmt::Write as _;

/// Stands inside what a reader would take for syntax; it has no width and breaks no word.
const WORD_JOINER: char = '\u{2060}';

/// SubRip. It has no escapes, and readers take whatever stands between angle brackets for a tag and look for ASS
/// overrides too: full-width brackets stand for those that were said.
pub(super) fn srt(transcript: &Transcript) -> String {
    let mut out = String::new();
    for (index, caption) in captions(&transcript.segments).iter().enumerate() {
        let text: Vec<String> = caption.lines.iter().map(|line| srt_line(line)).collect();
        let speaker = caption.speaker.as_deref().map(|name| format!("{}: ", srt_line(name)));
        let _ = write!(
            out,
            "{}\n{} --> {}\n{}{}\n\n",
            index + 1,
            stamp(caption.start, ','),
            stamp(caption.end, ','),
            speaker.unwrap_or_default(),
            text.join("\n")
        );
    }
    out
}

/// Some readers take any two times in a line for the start of a caption, so the times that people say are parted too.
fn part_times(line: &str) -> String {
    let bytes = line.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut out = String::with_capacity(line.len());
    let mut from = 0;
    for (at, _) in line.match_indices(['.', ',']) {
        // The seconds before the point: one or two digits after a colon.
        let colon = (1..=2).any(|width| {
            at > width
                && bytes[at - width - 1] == b':'
                && (at - width..at).all(digit)
                && digit(at.wrapping_sub(width + 2))
        });
        if colon && digit(at + 1) {
            out.push_str(&line[from..at]);
            out.push(WORD_JOINER);
            from = at;
        }
    }
    out.push_str(&line[from..]);
    out
}

fn srt_line(line: &str) -> String {
    part_times(&ass_escape(line)).replace('<', "＜").replace('>', "＞")
}

/// WebVTT with voice tags for speakers and a NOTE for every stretch that was not heard.
pub(super) fn vtt(transcript: &Transcript, title: &str) -> String {
    let mut out = String::from("WEBVTT");
    let title = vtt_escape(&clean(title));
    if !title.is_empty() {
        let _ = write!(out, " {title}");
    }
    out.push_str("\n\n");
    for gap in &transcript.gaps {
        let reason = vtt_escape(&clean(&gap.reason));
        let _ = write!(out, "NOTE not heard from {} to {}: {reason}\n\n", clock(gap.start), clock(gap.end));
    }
    for caption in captions(&transcript.segments) {
        let text: Vec<String> = caption.lines.iter().map(|line| vtt_escape(line)).collect();
        let voice = caption.speaker.as_deref().map(|name| format!("<v {}>", vtt_escape(name)));
        let _ = write!(
            out,
            "{} --> {}\n{}{}\n\n",
            stamp(caption.start, '.'),
            stamp(caption.end, '.'),
            voice.unwrap_or_default(),
            text.join("\n")
        );
    }
    out
}

fn vtt_escape(text: &str) -> String {
    part_times(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Advanced SubStation Alpha with one plain style.
pub(super) fn ass(transcript: &Transcript, title: &str) -> String {
    let mut out = format!(
        "[Script Info]\nTitle: {}\nScriptType: v4.00+\nWrapStyle: 0\nScaledBorderAndShadow: yes\nPlayResX: 1920\nPlayResY: 1080\n\n\
         [V4+ Styles]\n\
         Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n\
         Style: Default,Arial,64,&H00FFFFFF,&H000000FF,&H00000000,&H64000000,0,0,0,0,100,100,0,0,1,3,1,2,80,80,60,1\n\n\
         [Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n",
        ass_escape(&clean(title))
    );
    for gap in &transcript.gaps {
        let (start, end) = (ass_stamp(millis(gap.start)), ass_stamp(millis(gap.end)));
        let reason = ass_escape(&clean(&gap.reason));
        let _ = writeln!(out, "Comment: 0,{start},{end},Default,,0,0,0,,not heard: {reason}");
    }
    for caption in captions(&transcript.segments) {
        let text: Vec<String> = caption.lines.iter().map(|line| ass_escape(line)).collect();
        let name = caption.speaker.as_deref().map(|name| ass_escape(name).replace(',', ";"));
        // Hundredths round down at the start and up at the end, so that no caption vanishes.
        let _ = writeln!(
            out,
            "Dialogue: 0,{},{},Default,{},0,0,0,,{}",
            ass_stamp(caption.start),
            ass_stamp(caption.end.div_ceil(10) * 10),
            name.unwrap_or_default(),
            text.join("\\N")
        );
    }
    out
}

/// A backslash is parted from what follows it. Braces have no escape that all readers know, so their full-width
/// forms stand for them.
fn ass_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' => out.push('｛'),
            '}' => out.push('｝'),
            '\\' => out.extend(['\\', WORD_JOINER]),
            _ => out.push(c),
        }
    }
    out
}

#[derive(Serialize)]
struct Document<'a> {
    language: &'a str,
    engine: &'a str,
    duration: f64,
    text: &'a str,
    segments: &'a [Segment],
}

/// `{"language","engine","duration","text","segments":[{"start","end","text","words":[…]}]}`, seconds as numbers.
pub(super) fn json(transcript: &Transcript) -> String {
    let document = Document {
        language: &transcript.language,
        engine: &transcript.engine,
        duration: transcript.duration,
        text: &transcript.text,
        segments: &transcript.segments,
    };
    // Strings and numbers only: encoding them cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// Comma-separated values (RFC 4180); what a spreadsheet would take for a formula is quoted away.
pub(super) fn csv(transcript: &Transcript) -> String {
    let mut out = String::from("start,end,speaker,text\r\n");
    for segment in &transcript.segments {
        let speaker = segment.speaker.as_deref().unwrap_or_default();
        let _ = write!(
            out,
            "{},{},{},{}\r\n",
            seconds(segment.start),
            seconds(segment.end),
            csv_field(speaker),
            csv_field(&segment.text)
        );
    }
    out
}

fn csv_field(text: &str) -> String {
    let mut text = clean(text);
    if text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '|', '%']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn seconds(value: f64) -> String {
    let millis = millis(value);
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// `00:00:01,500`; `point` parts the seconds from their thousandths.
fn stamp(millis: u64, point: char) -> String {
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{point}{:03}", millis / 1000 % 60, millis % 1000)
}

/// `0:00:01.50`.
fn ass_stamp(millis: u64) -> String {
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours}:{minutes:02}:{:02}.{:02}", millis / 1000 % 60, millis % 1000 / 10)
}
