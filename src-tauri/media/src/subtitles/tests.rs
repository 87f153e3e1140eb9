//! What each format writes for the same transcript.

use super::*;
use domain::transcript::{Gap, Word};
use domain::{Segment, UtcTime};
use unicode_segmentation::UnicodeSegmentation;

fn segment(start: f64, end: f64, text: &str) -> Segment {
    Segment { start, end, text: text.into(), speaker: None, words: Vec::new() }
}

/// Words a second apart, as an engine gives them.
fn timed(start: f64, text: &str) -> Segment {
    let words: Vec<Word> = text
        .split(' ')
        .enumerate()
        .map(|(i, word)| Word {
            start: start + i as f64,
            end: start + i as f64 + 0.9,
            text: word.into(),
            confidence: None,
        })
        .collect();
    let end = words.last().map_or(start, |word| word.end);
    Segment { start, end, text: text.into(), speaker: None, words }
}

fn transcript(segments: Vec<Segment>) -> Transcript {
    Transcript {
        transcript_id: "t1".into(),
        media_id: "m1".into(),
        language: "en".into(),
        engine: "basic".into(),
        duration: 100.0,
        text: segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" "),
        segments,
        gaps: Vec::new(),
        complete: true,
        parent: None,
        revision: 0,
        created_at: UtcTime(0),
    }
}

const LONG: &str = "so the first thing you have to know about this method is that it was not found by a doctor but by a tired mother of three who simply would not give up.";

#[test]
fn long_segments_break_at_the_times_of_their_words() {
    let all = captions(&[timed(10.0, LONG)]);
    assert!(all.len() >= 2);
    let mut word = 0;
    for caption in &all {
        assert!(caption.lines.len() <= MAX_LINES);
        for line in &caption.lines {
            assert!(line.graphemes(true).count() <= MAX_LINE, "{line}");
        }
        assert_eq!(caption.start, 10_000 + 1000 * word as u64, "a caption starts with its first word");
        word += caption.lines.join(" ").split(' ').count();
    }
    let said: Vec<String> = all.iter().map(|caption| caption.lines.join(" ")).collect();
    assert_eq!(said.join(" "), LONG);
    assert_eq!(all.last().unwrap().end, 10_000 + 1000 * (word as u64 - 1) + 900);
    assert!(all.last().unwrap().lines.join(" ").split(' ').count() >= 3, "no word is left alone");
}

#[test]
fn two_lines_are_of_even_length() {
    let all = captions(&[timed(0.0, "we tested it on a hundred families for a whole long year")]);
    assert_eq!(all[0].lines, ["we tested it on a hundred", "families for a whole long year"]);
}

#[test]
fn words_that_do_not_match_the_text_are_not_trusted() {
    let mut odd = segment(0.0, 10.0, LONG);
    odd.words = vec![Word { start: 9.0, end: 9.5, text: "nothing".into(), confidence: None }];
    let all = captions(&[odd]);
    assert!(all.len() > 1);
    assert!(all.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert_eq!((all[0].start, all.last().unwrap().end), (0, 10_000));
}

#[test]
fn captions_never_overlap_or_vanish() {
    let broken = [
        segment(5.0, 5.0, "no length"),
        segment(4.0, 4.5, "goes back"),
        segment(f64::NAN, f64::INFINITY, "no time"),
        segment(-3.0, -1.0, "before the start"),
        segment(6.0, 7.0, "  \u{7} "),
    ];
    let all = captions(&broken);
    assert_eq!(all.len(), 4);
    let mut floor = 0;
    for caption in &all {
        assert!(caption.start >= floor && caption.end > caption.start, "{caption:?}");
        floor = caption.end;
    }
}

#[test]
fn characters_are_never_cut() {
    let family = "👨‍👩‍👧‍👦";
    let flags = "🇧🇷".repeat(100);
    let all = captions(&[segment(0.0, 10.0, &family.repeat(90)), segment(10.0, 20.0, &flags)]);
    let joined: String =
        all.iter().flat_map(|caption| caption.lines.concat().chars().collect::<Vec<_>>()).collect();
    assert_eq!(joined, format!("{}{flags}", family.repeat(90)));
    for caption in &all {
        assert!(caption.lines.concat().graphemes(true).all(|g| g == family || g == "🇧🇷"));
    }
    let chinese = "我们".repeat(60);
    let all = captions(&[segment(0.0, 12.0, &chinese)]);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].lines.concat() + &all[1].lines.concat(), chinese);
    let hebrew = captions(&[segment(0.0, 1.0, "שלום \u{200f}עולם\u{202e}!")]);
    assert_eq!(hebrew[0].lines, ["שלום \u{200f}עולם!"], "marks stay, overrides go");
}

#[test]
fn srt_times_and_numbers() {
    let text = write(
        TextFormat::Srt,
        &transcript(vec![segment(0.0, 1.5, "one"), segment(3599.9996, 7325.25, "two")]),
        "",
    );
    assert_eq!(text, "1\n00:00:00,000 --> 00:00:01,500\none\n\n2\n01:00:00,000 --> 02:02:05,250\ntwo\n\n");
}

#[test]
fn nothing_said_becomes_syntax() {
    let nasty = transcript(vec![
        segment(0.0, 1.0, "<i>a</i> {\\an8}b --> c & \\N d\n\n2\n00:00:09,000 --> 00:00:10,000\nfake"),
        segment(1.0, 2.0, "=cmd|' /C calc'!A0, \"x\""),
        segment(2.0, 3.0, "\u{1b}[31mred\u{0}"),
    ]);
    let srt = write(TextFormat::Srt, &nasty, "t");
    assert_eq!(srt.matches(" --> ").count(), captions(&nasty.segments).len());
    assert!(!srt.contains("<i>") && !srt.contains("{\\") && !srt.contains('\u{1b}'));
    let vtt = write(TextFormat::Vtt, &nasty, "a --> b\n<x>");
    assert!(vtt.starts_with("WEBVTT a --&gt; b &lt;x&gt;\n\n"));
    assert!(vtt.contains("&lt;i&gt;a&lt;/i&gt;") && vtt.contains("&amp;"));
    assert_eq!(vtt.matches("-->").count(), captions(&nasty.segments).len());
    for text in [&srt, &vtt] {
        assert!(text.contains("00:00:09\u{2060}"), "a time that was said is no time line");
    }
    let ass = write(TextFormat::Ass, &nasty, "t");
    assert!(!ass.contains("{\\") && ass.contains("｛\\\u{2060}an8｝"));
    assert_eq!(
        ass.lines().filter(|line| line.starts_with("Dialogue")).count(),
        captions(&nasty.segments).len()
    );
    let csv = write(TextFormat::Csv, &nasty, "t");
    assert!(csv.contains("\r\n1.000,2.000,,\"'=cmd|' /C calc'!A0, \"\"x\"\"\"\r\n"), "{csv}");
    assert_eq!(csv.matches("\r\n").count(), 4);
    let md = write(TextFormat::Md, &nasty, "# <script>");
    assert!(md.starts_with("# \\# \\<script\\>\n") && md.contains("\\<i\\>a\\</i\\>"));
}

#[test]
fn formulas_of_every_kind_are_inert() {
    for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", "\u{0}=1", "\u{feff}=1"] {
        let csv = write(TextFormat::Csv, &transcript(vec![segment(0.0, 1.0, text)]), "");
        assert!(csv.lines().nth(1).unwrap().starts_with("0.000,1.000,,'"), "{text:?}: {csv}");
    }
}

#[test]
fn json_holds_exactly_the_documented_keys() {
    let mut heard = transcript(vec![timed(1.0, "hello world")]);
    heard.gaps.push(Gap { start: 5.0, end: 6.0, reason: "crash".into() });
    let value: serde_json::Value = serde_json::from_str(&write(TextFormat::Json, &heard, "t")).unwrap();
    let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = ["language", "engine", "duration", "text", "segments"];
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    let first = &value["segments"][0];
    assert_eq!(first.as_object().unwrap().len(), 4);
    assert_eq!(first["words"][1], serde_json::json!({"start": 2.0, "end": 2.9, "text": "world"}));
}

#[test]
fn paragraphs_speakers_and_gaps_are_shown() {
    let mut heard =
        transcript(vec![segment(0.0, 1.0, "one."), segment(1.2, 2.0, "two."), segment(9.0, 10.0, "three.")]);
    heard.segments[2].speaker = Some("Ann".into());
    heard.gaps.push(Gap { start: 2.0, end: 9.0, reason: "the engine gave up".into() });
    assert_eq!(
        write(TextFormat::Txt, &heard, "t"),
        "one. two.\n\n[00:02 to 00:09 not heard: the engine gave up]\n\nAnn: three.\n"
    );
    assert!(write(TextFormat::Md, &heard, "t").contains("\n\\[00:09\\] **Ann:** three.\n"));
    assert!(write(TextFormat::Vtt, &heard, "t").contains("<v Ann>three.\n"));
    assert_eq!(write(TextFormat::Txt, &transcript(vec![]), "t"), "");
}

#[test]
fn file_names_are_safe_everywhere() {
    assert_eq!(TextFormat::Srt.file_name("../../etc/passwd"), "_.._etc_passwd.srt");
    assert_eq!(TextFormat::Txt.file_name("NUL"), "transcript NUL.txt");
    assert_eq!(TextFormat::Txt.file_name(" \n. "), "transcript.txt");
    assert!(TextFormat::Vtt.file_name(&"é".repeat(400)).len() <= 205);
    assert_eq!("SRT".parse(), Ok(TextFormat::Srt));
    assert_eq!("doc".parse::<TextFormat>(), Err(UnknownFormat("doc".into())));
}
