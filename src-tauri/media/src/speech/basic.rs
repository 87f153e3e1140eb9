//! The basic engine: PocketSphinx through `pocketsphinx_batch`, English, with no download.
//!
//! Owns how it is called and how its output is read. Whole utterances of up to 30 s are its strength; its streaming
//! programs hear far worse, and so do single islands of voice.
//! Invariant: word times are true (`-remove_silence no`); windows are handed on in order though heard side by side.

use super::WindowHeard;
use super::host::Hearing;
use super::wav::{Wav, position};
use super::windows::Window;
use crate::tools::{Program, Tools};
use crate::{MediaError, Run};
use domain::{ErrorCode, Segment, Word};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Frames a second in PocketSphinx's times.
const FRAMES: f64 = 100.0;
/// A pause this long ends a segment.
const PAUSE: f64 = 0.7;

/// Where the acoustic model, the dictionary and the language model lie.
#[derive(Clone, Debug)]
struct English {
    folder: PathBuf,
}

impl English {
    /// Beside the program, below its prefix, or where Debian puts it.
    fn find(program: &Path) -> Result<Self, MediaError> {
        let folder = program.parent().unwrap_or(Path::new("/usr/bin"));
        let candidates = [
            folder.join("model/en-us"),
            folder.join("../share/pocketsphinx/model/en-us"),
            PathBuf::from("/usr/share/pocketsphinx/model/en-us"),
            PathBuf::from("/usr/local/share/pocketsphinx/model/en-us"),
        ];
        let whole = |c: &PathBuf| {
            c.join("en-us").is_dir()
                && c.join("en-us.lm.bin").is_file()
                && c.join("cmudict-en-us.dict").is_file()
        };
        candidates.into_iter().find(whole).map(|folder| Self { folder }).ok_or_else(|| {
            MediaError::new(
                ErrorCode::ToolMissing,
                "The English model of PocketSphinx (pocketsphinx-en-us) is not installed.",
            )
        })
    }
}

pub(super) async fn hear<'w>(
    hearing: &Hearing<'_>,
    tools: &Tools,
    on_window: &mut (dyn FnMut(WindowHeard) -> BoxFuture<'w, Result<(), MediaError>> + Send),
) -> Result<(), MediaError> {
    let program = tools.pocketsphinx()?.path.clone();
    let english = English::find(&program)?;
    let run = hearing.run;
    std::fs::create_dir_all(&run.scratch).map_err(|e| MediaError::storage("Making a folder", &e))?;
    let folder = tempfile::Builder::new()
        .prefix("basic-")
        .tempdir_in(&run.scratch)
        .map_err(|e| MediaError::storage("Making a folder", &e))?;
    let one = |window: Window| hear_window(&program, &english, &hearing.job.wav, window, folder.path(), run);
    let mut heard =
        stream::iter(hearing.left.clone().into_iter().map(one)).buffered(hearing.job.threads.max(1));
    if let Some(first) = hearing.left.first() {
        hearing.report(*first, 0.0);
    }
    while let Some(result) = heard.next().await {
        let (window, segments) = result?;
        hearing.report(window, 1.0);
        on_window(hearing.heard(window, segments, "en", None)).await?;
    }
    Ok(())
}

async fn hear_window(
    program: &Path,
    english: &English,
    wav: &Path,
    window: Window,
    folder: &Path,
    run: &Run,
) -> Result<(Window, Vec<Segment>), MediaError> {
    run.check()?;
    let name = format!("w{}", window.index);
    let file = |extension: &str| folder.join(format!("{name}.{extension}"));
    let storage = |error: std::io::Error| MediaError::storage("Writing a window of sound", &error);
    let first = position(window.start);
    let raw = Wav::open(wav)?.raw(first, position(window.end).saturating_sub(first))?;
    std::fs::write(file("raw"), raw).map_err(storage)?;
    std::fs::write(file("ctl"), format!("{name}\n")).map_err(storage)?;
    let finished = Program::new(program)
        .args(["-adcin", "yes", "-cepext", ".raw", "-remove_silence", "no", "-backtrace", "yes"])
        .arg("-cepdir")
        .arg(folder)
        .arg("-ctl")
        .arg(file("ctl"))
        .arg("-hmm")
        .arg(english.folder.join("en-us"))
        .arg("-lm")
        .arg(english.folder.join("en-us.lm.bin"))
        .arg("-dict")
        .arg(english.folder.join("cmudict-en-us.dict"))
        .arg("-hypseg")
        .arg(file("seg"))
        .arg("-logfn")
        .arg(file("log"))
        .dir(folder)
        .low_priority()
        .output(run, Duration::from_secs_f64(60.0 + 40.0 * (window.end - window.start)))
        .await?;
    let log =
        std::fs::read(file("log")).map(|l| String::from_utf8_lossy(&l).into_owned()).unwrap_or_default();
    if finished.code != 0 {
        let last: Vec<&str> =
            log.lines().rev().filter(|l| l.contains("ERROR") || l.contains("FATAL")).take(3).collect();
        return Err(MediaError::new(ErrorCode::EngineCrashed, "The basic speech engine failed.")
            .with_detail(format!("exit {}\n{}\n{}", finished.code, last.join("\n"), finished.stderr_tail)));
    }
    let spoken = std::fs::read(file("seg")).map_err(|e| MediaError::storage("Reading what was heard", &e))?;
    for extension in ["raw", "ctl", "seg", "log"] {
        std::fs::remove_file(file(extension)).map_err(storage)?;
    }
    let words = read_words(&String::from_utf8_lossy(&spoken), &posteriors(&log), window);
    Ok((window, segments(words)))
}

/// Posterior probabilities by first frame and word, from the table in the log
/// (`word start end pprob ascr lscr lback`).
fn posteriors(log: &str) -> HashMap<(u32, String), f64> {
    let rows = log.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let word = fields.next()?.to_owned();
        let (start, _end) = (fields.next()?.parse().ok()?, fields.next()?.parse::<u32>().ok()?);
        let probability = fields.next()?.parse::<f64>().ok()?;
        Some(((start, word), probability.clamp(0.0, 1.0)))
    });
    rows.collect()
}

/// A line of `-hypseg`: `name S n T n A n L n`, then for each word its first frame, two scores and the word,
/// and at the end the last frame.
fn read_words(line: &str, posteriors: &HashMap<(u32, String), f64>, window: Window) -> Vec<Word> {
    let fields: Vec<&str> = line.split_whitespace().skip(9).collect();
    let starts: Vec<(u32, Option<&str>)> =
        fields.chunks(4).filter_map(|c| Some((c[0].parse().ok()?, c.get(3).copied()))).collect();
    let place = |frame: u32| {
        let second = window.start + f64::from(frame) / FRAMES;
        (second.clamp(window.start, window.end) * 1000.0).round() / 1000.0
    };
    let mut words = Vec::new();
    for pair in starts.windows(2) {
        let ((start, word), (end, _)) = (pair[0], pair[1]);
        if let Some((raw, text)) = word.and_then(|w| Some((w, plain(w)?))) {
            let confidence = posteriors.get(&(start, raw.to_owned())).copied();
            words.push(Word { start: place(start), end: place(end), text, confidence });
        }
    }
    words
}

/// `and(2)` is `and`; `<sil>`, `[NOISE]` and `++UH++` are no words; the first person is written large.
fn plain(word: &str) -> Option<String> {
    if word.starts_with(['<', '[', '+']) {
        return None;
    }
    let word = word.split('(').next()?;
    let first_person = word == "i" || word.starts_with("i'");
    (!word.is_empty()).then(|| if first_person { word.replacen('i', "I", 1) } else { word.to_owned() })
}

/// The engine knows no sentences: pauses divide.
fn segments(words: Vec<Word>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for word in words {
        match segments.last_mut() {
            Some(last) if word.start - last.end < PAUSE => {
                last.end = word.end;
                last.text.push(' ');
                last.text.push_str(&word.text);
                last.words.push(word);
            }
            _ => segments.push(Segment {
                start: word.start,
                end: word.end,
                text: word.text.clone(),
                speaker: None,
                words: vec![word],
            }),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { index: 2, start: 10.0, end: 14.0 };

    #[test]
    fn words_are_read_with_true_times_and_without_marks() {
        let line = "w2 S 0 T -9 A -8 L -1 0 -4 0 <s> 8 -5 -5 <sil> 29 -1 -242 and(2) 69 -1 -3 i'm 98 -5 -2 ++UH++ 124 -1 -4 [NOISE] 200 -1 -6 here 214 -2 -1 </s> 398";
        let log = "INFO: x\nword start end pprob ascr lscr lback\nand(2)               29    68    0.949 -1155072   -242       1\n";
        let words = read_words(line, &posteriors(log), WINDOW);
        let got: Vec<_> = words.iter().map(|w| (w.text.as_str(), w.start, w.end, w.confidence)).collect();
        assert_eq!(
            got,
            [("and", 10.29, 10.69, Some(0.949)), ("I'm", 10.69, 10.98, None), ("here", 12.0, 12.14, None)]
        );
        let segments = segments(words);
        assert_eq!(segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), ["and I'm", "here"]);
    }

    #[test]
    fn nothing_heard_is_no_word() {
        assert_eq!(read_words("w3 S 0 T 0 A 0 L 0 0", &HashMap::new(), WINDOW), vec![]);
        assert_eq!(read_words("", &HashMap::new(), WINDOW), vec![]);
    }
}
