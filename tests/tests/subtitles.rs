//! Subtitle files read back by other programs' parsers: pysubs2 and webvtt-py from PyPI.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use domain::{Segment, Transcript, UtcTime, Word};
use media::subtitles::{TextFormat, captions, write};
use std::path::{Path, PathBuf};

const READER: &str = r#"
import json, sys
import pysubs2, webvtt
out = {}
for name in ("srt", "vtt", "ass"):
    subs = pysubs2.load(sys.argv[1] + "." + name, encoding="utf-8")
    out["pysubs2 " + name] = [[e.start, e.end, e.plaintext] for e in subs if e.type == "Dialogue"]
def ms(text):
    h, m, s = text.split(":")
    return int(h) * 3600000 + int(m) * 60000 + int(s[:2]) * 1000 + int(s[3:])
for name, read in (("vtt", webvtt.read), ("srt", webvtt.from_srt)):
    out["webvtt " + name] = [[ms(c.start), ms(c.end), c.text] for c in read(sys.argv[1] + "." + name)]
json.dump(out, sys.stdout)
"#;

#[allow(clippy::disallowed_methods)] // harness: Python with the peers' parsers
fn run(program: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = std::process::Command::new(program).args(arguments).output().ok()?;
    if !output.status.success() {
        println!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(output.stdout)
}

/// A Python that knows the parsers, below the build folder; made once.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("subtitle-parsers");
    let python = folder.join("bin/python");
    if run(&python, &["-c", "import pysubs2, webvtt"]).is_none() {
        run(Path::new("python3"), &["-m", "venv", folder.to_str()?])?;
        run(&python, &["-m", "pip", "-q", "install", "pysubs2", "webvtt-py"])?;
    }
    Some(python)
}

fn said(start: f64, text: &str) -> Segment {
    let words: Vec<Word> = text
        .split(' ')
        .enumerate()
        .map(|(place, word)| Word {
            start: start + place as f64 * 0.321,
            end: start + place as f64 * 0.321 + 0.3,
            text: word.into(),
            confidence: None,
        })
        .collect();
    let end = words.last().map_or(start, |word| word.end);
    Segment { start, end, text: text.into(), speaker: None, words }
}

fn transcript() -> Transcript {
    let long = "this is a long stretch of speech which nobody could read in one piece on a screen, so it has to \
                be cut into several captions of two lines each, at the times of its words, without losing any";
    let mut segments = vec![
        said(0.0, "Hello there."),
        said(3.25, long),
        said(40.0, "Você não vai acreditar: é «incrível» 100 % — ação!"),
        said(50.5, "שלום עולם مرحبا بالعالم"),
        said(60.0, "👨‍👩‍👧‍👦 emoji 🇧🇷 and 漢字"),
        said(70.0, "5 < 6 & 7 > 3, a <b>bold</b> claim --> here {\\an8} \\N \\h end"),
        said(3_725.5, "an hour later"),
    ];
    segments.push(Segment {
        start: 3_800.0,
        end: 3_801.0,
        text: "two\n\n7\n00:00:01,000 --> 00:00:02,000\nlines".into(),
        speaker: None,
        words: Vec::new(),
    });
    segments[0].speaker = None;
    Transcript {
        transcript_id: "t".into(),
        media_id: "m".into(),
        language: "en".into(),
        engine: "basic".into(),
        duration: 3_900.0,
        text: segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" "),
        segments,
        gaps: vec![domain::transcript::Gap {
            start: 100.0,
            end: 130.0,
            reason: "the engine gave up -->".into(),
        }],
        complete: true,
        parent: None,
        revision: 0,
        created_at: UtcTime(0),
    }
}

/// Without what we put in to part syntax, and without how a parser shows line ends.
fn plain(text: &str) -> String {
    let text = text
        .replace('\u{2060}', "")
        .replace('｛', "{")
        .replace('｝', "}")
        .replace('＜', "<")
        .replace('＞', ">");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn other_parsers_read_the_same_words_at_the_same_times() {
    let Some(python) = python() else {
        println!("skipped: no Python with pysubs2 and webvtt-py, and pip could not fetch them");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let transcript = transcript();
    for format in [TextFormat::Srt, TextFormat::Vtt, TextFormat::Ass] {
        let path = folder.path().join(format!("file.{format}"));
        std::fs::write(path, write(format, &transcript, "A title --> with {syntax}")).unwrap();
    }
    let base = folder.path().join("file");
    let output =
        run(&python, &["-c", READER, base.to_str().unwrap()]).expect("the parsers fail on our files");
    let read: serde_json::Value = serde_json::from_slice(&output).unwrap();
    let expected = captions(&transcript.segments);
    assert!(expected.len() > transcript.segments.len());
    for (parser, cues) in read.as_object().unwrap() {
        let cues = cues.as_array().unwrap();
        assert_eq!(cues.len(), expected.len(), "{parser}");
        for (cue, caption) in cues.iter().zip(&expected) {
            // ASS knows hundredths only.
            let slack = if parser.ends_with("ass") { 10 } else { 0 };
            let (start, end) = (cue[0].as_u64().unwrap(), cue[1].as_u64().unwrap());
            assert!(start.abs_diff(caption.start) <= slack, "{parser}: {cue} {caption:?}");
            assert!(end.abs_diff(caption.end) <= slack, "{parser}: {cue} {caption:?}");
            // Braces and backslashes are text in WebVTT, but pysubs2 reads every format as if it were ASS.
            if parser == "pysubs2 vtt" && caption.lines.concat().contains('\\') {
                continue;
            }
            let mut text = cue[2].as_str().unwrap().to_string();
            if parser.ends_with(" vtt") {
                // Both leave WebVTT's escapes as they stand.
                text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            }
            assert_eq!(plain(&text), plain(&caption.lines.join(" ")), "{parser}");
        }
    }
    assert_eq!(read.as_object().unwrap().len(), 5);
}
