//! Fills a data folder with a library to look at: `seed_library FOLDER SEGMENTS [FILE]`.
//!
//! Owns made-up media and transcripts for the screens' tests and measurements; leaves real hearing to other tests.
//! The first media has a transcript of SEGMENTS segments heard by two engines; FILE is its film, for who wants to play
//! it. Eleven others are short. Invariant: the same arguments make the same library.

use anyhow::{Context, Result};
use backend::store::media::NewMedia;
use backend::store::{Store, media, transcripts};
use domain::{MediaInfo, MediaKind, Segment, Source, UtcTime, Word};
use std::path::PathBuf;

const NOW: UtcTime = UtcTime(1_795_000_000_000);
const WORDS: &[&str] = &[
    "please",
    "call",
    "me",
    "tomorrow",
    "morning",
    "the",
    "yellow",
    "train",
    "leaves",
    "station",
    "at",
    "seven",
    "garantia",
    "de",
    "sessenta",
    "dias",
    "você",
    "não",
    "promoção",
    "agora",
];
const TITLES: &[&str] = &[
    "Morning talk",
    "Ritual de 14 segundos",
    "Interview with Ana",
    "Keto offer",
    "Aula de fotografia",
    "Why prices rise",
    "Depoimento da Carla",
    "Podcast 41",
    "El método simple",
    "Product tour",
    "Raw take 3",
    "Webinar de vendas",
];

fn segment(place: usize, skip: usize) -> Segment {
    let start = place as f64 * 3.0;
    let word = |number: usize| {
        let from = start + number as f64 * 0.3;
        let text = WORDS[(place * 7 + number * skip) % WORDS.len()];
        let confidence = if number == 4 && place.is_multiple_of(5) { 0.2 } else { 0.9 };
        Word { start: from, end: from + 0.25, text: text.into(), confidence: Some(confidence) }
    };
    let words: Vec<Word> = (0..6 + place % 4).map(word).collect();
    let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    Segment { start, end: start + 2.9, text, speaker: None, words }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("which folder")?);
    let count: usize = arguments.next().context("how many segments")?.parse()?;
    let file = arguments.next();
    std::fs::create_dir_all(&folder)?;
    let store = Store::open(&folder, NOW)?;
    for (number, title) in TITLES.iter().enumerate() {
        let path = match (&file, number) {
            (Some(file), 0) => file.clone(),
            _ => folder.join(format!("{title}.mp4")).to_string_lossy().into_owned(),
        };
        let size = std::fs::metadata(&path).map_or(1_000_000 * (number as u64 + 1), |there| there.len());
        let length = if number == 0 { count } else { 20 + number };
        let info = MediaInfo {
            kind: if number % 5 == 4 { MediaKind::Audio } else { MediaKind::Video },
            format: "mp4".into(),
            duration: length as f64 * 3.0,
            size,
            bit_rate: None,
            streams: Vec::new(),
            width: Some(640),
            height: Some(360),
            frame_rate: Some(25.0),
            has_audio: true,
            loudness: None,
            true_peak: None,
            title: None,
        };
        let new = NewMedia {
            media_id: format!("m{number}"),
            hash: blake3::hash(title.as_bytes()).to_hex().to_string(),
            title: (*title).into(),
            source: Source::File { path },
            size,
            mtime: None,
            stored: None,
            kind: info.kind,
        };
        let at = UtcTime(NOW.0 - number as i64 * 86_400_000);
        let language = ["en", "pt", "en", "pt", "pt", "en", "pt", "en", "es", "en", "en", "pt"][number];
        let engines: &[(&str, usize)] =
            if number == 0 { &[("basic", 2), ("whisper:base", 1)] } else { &[("whisper:base", 1)] };
        let engines: Vec<(String, usize)> =
            engines.iter().map(|(name, skip)| ((*name).into(), *skip)).collect();
        store
            .write(move |tx| {
                let media_id = media::put(tx, &new, at)?;
                media::set_info(tx, &media_id, &info, at)?;
                for (later, (engine, skip)) in engines.iter().enumerate() {
                    let at = UtcTime(at.0 + later as i64);
                    let id = transcripts::begin(tx, &media_id, engine, engine, language, 1, at)?;
                    let segments: Vec<Segment> = (0..length).map(|place| segment(place, *skip)).collect();
                    transcripts::append_window(tx, &id, 0, &segments, language, None, at)?;
                    transcripts::finish(tx, &id, language, 1, at)?;
                }
                Ok(())
            })
            .await?;
    }
    store.close();
    Ok(())
}
