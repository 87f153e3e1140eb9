//! The library through the backend's functions: lists, details, search, exports, URLs, on a real database file.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use backend::api::types::{ExportRequest, LibraryQuery, SearchQuery, UrlQuery};
use backend::artifacts::Artifacts;
use backend::categorize::Lists;
use backend::library;
use backend::store::artifacts::Artifact;
use backend::store::media::NewMedia;
use backend::store::{Store, artifacts, categories, media, transcripts, urls};
use domain::{ErrorCode, MediaKind, Segment, Source, UrlStatus, UtcTime, Word};

const NOW: UtcTime = UtcTime(1_795_000_000_000);

struct House {
    root: tempfile::TempDir,
    store: Store,
    downloads: Artifacts,
}

impl House {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), NOW).unwrap();
        let downloads = Artifacts::open(root.path().join("media")).unwrap();
        Self { root, store, downloads }
    }

    /// A file of the user's in the library.
    async fn add(&self, name: &str, at: i64) -> String {
        let path = self.root.path().join(name);
        std::fs::write(&path, name).unwrap();
        let new = NewMedia {
            media_id: format!("m{at}"),
            hash: blake3::hash(name.as_bytes()).to_hex().to_string(),
            title: name.into(),
            source: Source::File { path: path.to_string_lossy().into_owned() },
            size: name.len() as u64,
            mtime: Some(1),
            stored: None,
            kind: MediaKind::Video,
        };
        self.store.write(move |tx| media::put(tx, &new, UtcTime(NOW.0 + at))).await.unwrap()
    }

    async fn say(&self, media_id: &str, language: &'static str, lines: &[&str]) -> String {
        let (media_id, segments) =
            (media_id.to_string(), lines.iter().enumerate().map(segment).collect::<Vec<_>>());
        self.store
            .write(move |tx| {
                let id = transcripts::begin(tx, &media_id, "basic", "key", language, 1, NOW)?;
                transcripts::append_window(tx, &id, 0, &segments, language, None, NOW)?;
                transcripts::finish(tx, &id, language, 1, NOW)?;
                Ok(id)
            })
            .await
            .unwrap()
    }
}

fn segment((place, text): (usize, &&str)) -> Segment {
    let start = place as f64 * 10.0;
    let word = |(place, word): (usize, &str)| Word {
        start: start + place as f64 * 0.5,
        end: start + place as f64 * 0.5 + 0.4,
        text: word.into(),
        confidence: None,
    };
    Segment {
        start,
        end: start + 9.0,
        text: (*text).into(),
        speaker: None,
        words: text.split(' ').enumerate().map(word).collect(),
    }
}

fn all() -> LibraryQuery {
    LibraryQuery {
        kind: None,
        language: None,
        text: None,
        sort: None,
        filter: None,
        limit: None,
        offset: None,
    }
}

fn words(query: &str) -> SearchQuery {
    SearchQuery { query: query.into(), media_id: None, limit: None, offset: None }
}

#[tokio::test]
async fn items_show_what_there_is() {
    let house = House::new();
    let first = house.add("Primeiro vídeo.mp4", 1).await;
    let second = house.add("second.mp4", 2).await;
    let id = house
        .say(
            &first,
            "pt",
            &["Clique no botão abaixo para emagrecer", "e perder peso agora, emagrecer é fácil"],
        )
        .await;
    let (media_id, transcript_id) = (first.clone(), id.clone());
    let lists = Lists::load(house.root.path()).0;
    let transcript = library::transcript(&house.store, id.clone()).await.unwrap();
    let labels = lists.categorize(&transcript);
    house
        .store
        .write(move |tx| {
            categories::put(tx, &transcript_id, &labels)?;
            for (kind, name, details) in [
                ("poster", Some("ab/1.jpg"), None),
                (
                    "filmstrip",
                    Some("ab/2.jpg"),
                    Some(serde_json::json!({"count": 5, "width": 800, "height": 90})),
                ),
                ("waveform", None, None),
            ] {
                let artifact = Artifact {
                    media_id: media_id.clone(),
                    kind: kind.into(),
                    key: "k".into(),
                    name: name.map(Into::into),
                    size: 1,
                    engine: "ffmpeg".into(),
                    details,
                    created_at: NOW,
                };
                artifacts::put(tx, &artifact)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let page = library::list(&house.store, &house.downloads, all()).await.unwrap();
    assert_eq!((page.total, page.items.len(), page.limit), (2, 2, 20));
    assert_eq!(page.items[0].media_id, second, "newest first");
    let item = &page.items[1];
    assert_eq!(item.transcript_id.as_deref(), Some(id.as_str()));
    assert_eq!((item.language.as_deref(), item.engine.as_deref()), (Some("pt"), Some("basic")));
    assert_eq!(item.poster.as_deref(), Some("artifact/ab/1.jpg"));
    assert_eq!(
        item.filmstrip.as_ref().map(|strip| (strip.count, strip.width, strip.height)),
        Some((5, 800, 90))
    );
    assert_eq!((item.waveform.as_deref(), item.file.as_str()), (None, "file/m1"));
    assert!(item.labels.contains(&"weight loss".to_string()), "{:?}", item.labels);
    assert!(!item.missing);
    // The file changes its length: its bytes are no longer this media.
    std::fs::write(house.root.path().join("Primeiro vídeo.mp4"), "x").unwrap();
    let detail = library::get(&house.store, &house.downloads, first).await.unwrap();
    assert!(detail.item.missing);
    assert_eq!((detail.transcripts.len(), detail.transcripts[0].words), (1, 13));
    let niche = detail.categories.iter().find(|category| category.axis == "niche").unwrap();
    assert!(
        niche.evidence.iter().any(|evidence| evidence.phrase == "perder peso" && evidence.first_at == 10.5)
    );
    let error = library::get(&house.store, &house.downloads, "nobody".into()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::MediaNotFound);
}

#[tokio::test]
async fn lists_refuse_what_they_do_not_know() {
    let house = House::new();
    for query in [
        LibraryQuery { sort: Some("color".into()), ..all() },
        LibraryQuery { sort: Some("--title".into()), ..all() },
        LibraryQuery { limit: Some(0), ..all() },
        LibraryQuery { limit: Some(501), ..all() },
    ] {
        let error = library::list(&house.store, &house.downloads, query).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidInput);
    }
    let far = LibraryQuery { offset: Some(u32::MAX), sort: Some("-size".into()), ..all() };
    assert!(library::list(&house.store, &house.downloads, far).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn search_finds_words_to_the_second_and_survives_everything_typed() {
    let house = House::new();
    let portuguese = house.add("pt.mp4", 1).await;
    let english = house.add("en.mp4", 2).await;
    house.say(&portuguese, "pt", &["Olá, você está pronto?", "A promoção não vai durar"]).await;
    house.say(&english, "en", &["the promotion will not last", "naïve café owners"]).await;
    for query in ["promocao", "PROMOÇÃO", "não vai", "nao", "durar "] {
        let page = library::search(&house.store, words(query)).await.unwrap();
        assert_eq!((page.total, page.items[0].media_id.as_str()), (1, "m1"), "{query}");
    }
    let hit = &library::search(&house.store, words("durar")).await.unwrap().items[0];
    assert_eq!((hit.start, hit.snippet.as_str()), (12.0, "A promoção não vai \u{2}durar\u{3}"));
    let page = library::search(&house.store, words("promo")).await.unwrap();
    assert_eq!(page.total, 2, "a prefix in both languages");
    let only = SearchQuery { media_id: Some("m2".into()), ..words("promo") };
    assert_eq!(library::search(&house.store, only).await.unwrap().items[0].media_id, "m2");
    assert_eq!(library::search(&house.store, words("naive cafe")).await.unwrap().total, 1);
    let long = "palavra ".repeat(1_300_000);
    for query in
        ["", "   ", "\" OR *", "NEAR(", "\"unbalanced", "a AND OR NOT", "text:*", "😀", "\0", long.as_str()]
    {
        library::search(&house.store, words(query))
            .await
            .unwrap_or_else(|error| panic!("{query:.20}: {error}"));
    }
    let error =
        library::search(&house.store, SearchQuery { limit: Some(0), ..words("a") }).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput);
}

#[tokio::test]
async fn transcripts_are_found_by_their_media_and_exported() {
    let house = House::new();
    let media_id = house.add("Interview 1.mp4", 1).await;
    let id = house.say(&media_id, "en", &["hello world", "=SUM(A1)"]).await;
    let by_media = library::transcript(&house.store, media_id.clone()).await.unwrap();
    assert_eq!((by_media.transcript_id, by_media.text.as_str()), (id.clone(), "hello world =SUM(A1)"));
    let export =
        |format: &str| library::export(&house.store, ExportRequest { id: id.clone(), format: format.into() });
    let srt = export("srt").await.unwrap();
    assert_eq!(
        (srt.file_name.as_str(), srt.mime.as_str()),
        ("Interview 1.srt", "application/x-subrip; charset=utf-8")
    );
    assert!(srt.content.starts_with("1\n00:00:00,000 --> 00:00:09,000\nhello world\n"));
    assert!(export("csv").await.unwrap().content.contains(",'=SUM(A1)\r\n"));
    for format in ["txt", "md", "vtt", "ass", "json", "csv", "SRT"] {
        assert!(!export(format).await.unwrap().content.is_empty(), "{format}");
    }
    assert_eq!(export("docx").await.unwrap_err().code, ErrorCode::InvalidInput);
    let nobody = ExportRequest { id: "nobody".into(), format: "srt".into() };
    assert_eq!(library::export(&house.store, nobody).await.unwrap_err().code, ErrorCode::TranscriptNotFound);
}

#[tokio::test]
async fn a_url_is_one_item_with_its_own_life() {
    let house = House::new();
    let url = "https://example.com/video.mp4";
    for task in ["task1", "task2"] {
        house.store.write(move |tx| urls::ensure(tx, url, task, NOW)).await.unwrap();
    }
    let move_on = async |status| {
        house.store.write(move |tx| urls::set_status(tx, url, status, None, NOW)).await.unwrap()
    };
    assert!(move_on(UrlStatus::Downloaded).await);
    assert!(!move_on(UrlStatus::Downloading).await);
    let query = |status| UrlQuery { status, limit: None, offset: None };
    let page = library::urls(&house.store, query(None)).await.unwrap();
    assert_eq!((page.total, page.items[0].status), (1, UrlStatus::Downloaded));
    assert_eq!(page.items[0].task_id.as_deref(), Some("task2"));
    assert_eq!(library::urls(&house.store, query(Some(UrlStatus::Failed))).await.unwrap().total, 0);
}
