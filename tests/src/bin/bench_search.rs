//! Times the search of the first page over many segments: `bench_search [segments]`, a million when absent.
//!
//! The rows are written through the store's own functions, the queries go through its own search. With the feature
//! `bench-tantivy` the same segments and queries go through tantivy in the same run, best twenty by BM25 with snippets.

use anyhow::{Context, Result};
use backend::search::Query;
use backend::store::{Durability, connect, media, search, transcripts};
use domain::{MediaKind, Segment, Source, UtcTime, Word};
use std::time::{Duration, Instant};

const NOW: UtcTime = UtcTime(1_795_000_000_000);
const SEGMENTS_OF_A_MEDIA: usize = 500;
const VOCABULARY: usize = 40_000;
const RUNS: usize = 60;
const PAGE: u32 = 20;

/// Xorshift: the same segments in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A rank with about the frequencies of words in speech (Zipf).
    fn rank(&mut self) -> usize {
        ((VOCABULARY as f64).powf(self.roll()) - 1.0) as usize
    }
}

/// Made-up words that can be spoken; frequent ones are short, some have accents.
fn vocabulary() -> Vec<String> {
    let (first, second) =
        (["b", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v"], ["a", "e", "i", "o", "u", "ã"]);
    (0..VOCABULARY)
        .map(|rank| {
            let mut word = String::new();
            let mut rest = rank;
            loop {
                word.push_str(first[rest % first.len()]);
                rest /= first.len();
                word.push_str(second[rest % second.len()]);
                rest /= second.len();
                if rest == 0 {
                    break word;
                }
            }
        })
        .collect()
}

fn texts(count: usize, vocabulary: &[String]) -> Vec<String> {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let text = |_| {
        let length = 6 + (dice.roll() * 14.0) as usize;
        let words: Vec<&str> = (0..length).map(|_| vocabulary[dice.rank()].as_str()).collect();
        words.join(" ")
    };
    (0..count).map(text).collect()
}

/// Gives a word whose rank lies between the two.
type Pick<'a> = &'a mut dyn FnMut(usize, usize) -> String;

/// What people type: name of the kind and the queries.
fn queries(vocabulary: &[String], texts: &[String]) -> Vec<(&'static str, Vec<String>)> {
    let mut dice = Dice(7);
    let mut pick =
        |from: usize, to: usize| vocabulary[from + (dice.roll() * (to - from) as f64) as usize].clone();
    let mut make = |kind: &'static str, query: &mut dyn FnMut(Pick<'_>) -> String| {
        (kind, (0..RUNS).map(|_| query(&mut pick)).collect::<Vec<_>>())
    };
    let mut all = vec![
        make("one very common word", &mut |w| w(0, 5) + " "),
        make("one common word", &mut |w| w(20, 200) + " "),
        make("one rare word", &mut |w| w(5_000, 40_000) + " "),
        make("two very common words", &mut |w| format!("{} {} ", w(0, 8), w(0, 8))),
        make("common and rare", &mut |w| format!("{} {} ", w(0, 20), w(2_000, 9_000))),
        make("three words", &mut |w| format!("{} {} {} ", w(0, 50), w(0, 300), w(0, 1_000))),
        make("two rare words (no hit)", &mut |w| format!("{} {} ", w(9_000, 40_000), w(9_000, 40_000))),
        make("prefix of two letters", &mut |w| w(0, 3_000).chars().take(2).collect()),
        make("prefix of three letters", &mut |w| w(73, 3_000).chars().take(3).collect()),
        make("prefix of five letters", &mut |w| w(5_200, 9_000).chars().take(5).collect()),
        make("phrase of common words", &mut |w| format!("\"{} {}\"", w(0, 10), w(0, 10))),
    ];
    let mut dice = Dice(99);
    let said = (0..RUNS).map(|_| {
        let text = &texts[(dice.roll() * texts.len() as f64) as usize];
        let words: Vec<&str> = text.split(' ').take(4).collect();
        format!("\"{}\"", words.join(" "))
    });
    all.push(("phrase that was said", said.collect()));
    all
}

fn fill(conn: &rusqlite::Connection, texts: &[String]) -> Result<()> {
    for (number, part) in texts.chunks(SEGMENTS_OF_A_MEDIA).enumerate() {
        let new = media::NewMedia {
            media_id: format!("m{number}"),
            hash: format!("{number:064}"),
            title: format!("Interview {number}"),
            source: Source::File { path: format!("/videos/{number}.mp4") },
            size: 1,
            mtime: None,
            stored: None,
            kind: MediaKind::Video,
        };
        conn.execute_batch("BEGIN")?;
        media::put(conn, &new, NOW)?;
        let id = transcripts::begin(conn, &new.media_id, "basic", "k", "en", 0, NOW)?;
        for (window, texts) in part.chunks(8).enumerate() {
            let segments: Vec<Segment> = texts
                .iter()
                .enumerate()
                .map(|(i, text)| segment((window * 8 + i) as f64 * 5.0, text))
                .collect();
            transcripts::append_window(conn, &id, window as u32, &segments, "en", None, NOW)?;
        }
        transcripts::finish(conn, &id, "en", 0, NOW)?;
        conn.execute_batch("COMMIT")?;
    }
    Ok(())
}

fn segment(start: f64, text: &str) -> Segment {
    let word = |(place, word): (usize, &str)| Word {
        start: start + place as f64 * 0.25,
        end: start + place as f64 * 0.25 + 0.2,
        text: word.into(),
        confidence: Some(0.9),
    };
    let words = text.split(' ').enumerate().map(word).collect();
    Segment { start, end: start + 5.0, text: text.into(), speaker: None, words }
}

/// Milliseconds at a share of the sorted times.
fn at(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let index = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse()).context("segments")?;
    let vocabulary = vocabulary();
    let texts = texts(count, &vocabulary);
    let queries = queries(&vocabulary, &texts);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bobina.db");
    let conn = connect(&path, NOW, Durability::Off)?;
    let started = Instant::now();
    fill(&conn, &texts)?;
    let wrote = started.elapsed();
    println!(
        "{count} segments written in {:.1} s; database {} MB, of it index {} MB",
        wrote.as_secs_f64(),
        std::fs::metadata(&path)?.len() / 1_000_000,
        backend::store::search::index_bytes(&conn)? / 1_000_000,
    );
    #[cfg(feature = "bench-tantivy")]
    let peer = peer::Peer::build(folder.path(), &texts)?;
    println!(
        "{:<26} {:>8} {:>9} {:>9} {:>20} {:>8}",
        "query", "hits", "p50 ms", "p95 ms", "tantivy p50/p95 ms", "ratio"
    );
    let (mut all, mut all_peer) = (Vec::new(), Vec::new());
    for (kind, queries) in &queries {
        let (mut times, mut hits) = (Vec::new(), 0);
        let mut peer_times: Vec<Duration> = Vec::new();
        for text in queries {
            let query = Query::parse(text).context("a query without a word")?;
            let started = Instant::now();
            let (total, _) = search::search(&conn, &query, None, PAGE, 0)?;
            times.push(started.elapsed());
            hits += total;
            #[cfg(feature = "bench-tantivy")]
            peer_times.push(peer.search(text)?);
        }
        all.extend(times.iter().copied());
        all_peer.extend(peer_times.iter().copied());
        print_row(kind, hits / queries.len() as u64, &mut times, &mut peer_times);
    }
    print_row("all", 0, &mut all, &mut all_peer);
    Ok(())
}

fn print_row(kind: &str, hits: u64, times: &mut [Duration], peer: &mut [Duration]) {
    let (p50, p95) = (at(times, 0.5), at(times, 0.95));
    let theirs = match peer {
        [] => String::new(),
        _ => format!("{:>12.2} /{:>7.2} {:>7.2}", at(peer, 0.5), at(peer, 0.95), p95 / at(peer, 0.95)),
    };
    println!("{kind:<26} {hits:>8} {p50:>9.2} {p95:>9.2} {theirs}");
}

#[cfg(feature = "bench-tantivy")]
mod peer {
    //! The same work with tantivy: all words, the last a prefix, the best twenty by BM25 with snippets.

    use anyhow::Result;
    use std::path::Path;
    use std::time::{Duration, Instant};
    use tantivy::collector::{Count, TopDocs};
    use tantivy::query::{BooleanQuery, Occur, PhraseQuery, Query, RegexQuery, TermQuery};
    use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value};
    use tantivy::snippet::SnippetGenerator;
    use tantivy::tokenizer::{AsciiFoldingFilter, LowerCaser, SimpleTokenizer, TextAnalyzer};
    use tantivy::{Index, IndexReader, TantivyDocument, Term, doc};

    pub struct Peer {
        reader: IndexReader,
        text: Field,
        number: Field,
    }

    impl Peer {
        pub fn build(folder: &Path, texts: &[String]) -> Result<Self> {
            let folder = folder.join("tantivy");
            std::fs::create_dir(&folder)?;
            let mut schema = Schema::builder();
            let indexing = TextFieldIndexing::default()
                .set_tokenizer("folded")
                .set_index_option(IndexRecordOption::WithFreqsAndPositions);
            let text = schema
                .add_text_field("text", TextOptions::default().set_indexing_options(indexing).set_stored());
            let number = schema.add_u64_field("number", STORED);
            let index = Index::create_in_dir(&folder, schema.build())?;
            let folded = TextAnalyzer::builder(SimpleTokenizer::default())
                .filter(LowerCaser)
                .filter(AsciiFoldingFilter)
                .build();
            index.tokenizers().register("folded", folded);
            let started = Instant::now();
            let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, 200_000_000)?;
            for (id, said) in texts.iter().enumerate() {
                writer.add_document(doc!(text => said.as_str(), number => id as u64))?;
            }
            writer.commit()?;
            writer.wait_merging_threads()?;
            println!("tantivy: indexed in {:.1} s (one thread)", started.elapsed().as_secs_f64());
            Ok(Self { reader: index.reader()?, text, number })
        }

        pub fn search(&self, typed: &str) -> Result<Duration> {
            let started = Instant::now();
            let query = self.query(typed)?;
            let searcher = self.reader.searcher();
            let (found, _) = searcher.search(&query, &(TopDocs::with_limit(20).order_by_score(), Count))?;
            let generator = SnippetGenerator::create(&searcher, &query, self.text)?;
            for (_, address) in found {
                let document: TantivyDocument = searcher.doc(address)?;
                std::hint::black_box(generator.snippet_from_doc(&document).to_html());
                std::hint::black_box(document.get_first(self.number).and_then(|number| number.as_u64()));
            }
            Ok(started.elapsed())
        }

        fn query(&self, typed: &str) -> Result<BooleanQuery> {
            let folded = backend::search::fold(typed);
            let term = |word: &str| Term::from_field_text(self.text, word);
            if let Some(phrase) = folded.strip_prefix('"') {
                let terms: Vec<Term> = phrase.trim_end_matches('"').split(' ').map(term).collect();
                let query: Box<dyn Query> = Box::new(PhraseQuery::new(terms));
                return Ok(BooleanQuery::new(vec![(Occur::Must, query)]));
            }
            let words: Vec<&str> = folded.split_whitespace().collect();
            let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
            for (place, word) in words.iter().enumerate() {
                let query: Box<dyn Query> = if place + 1 == words.len() && !folded.ends_with(' ') {
                    Box::new(RegexQuery::from_pattern(&format!("{word}.*"), self.text)?)
                } else {
                    Box::new(TermQuery::new(term(word), IndexRecordOption::WithFreqs))
                };
                parts.push((Occur::Must, query));
            }
            Ok(BooleanQuery::new(parts))
        }
    }
}
