//! Addresses and playlists that want more than a video: they read nothing and reach nothing.
//!
//! A canary file holds a word that must turn up nowhere; a canary server on loopback must see nobody.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod web;

use domain::ErrorCode;
use media::download::{NetPolicy, check_url};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::tempdir;
use tokio::net::TcpListener;
use web::{Reply, Web, header, run};

const WORD: &str = "canary-5f1c";

/// A server that counts who connects.
async fn canary() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let visits = Arc::new(AtomicUsize::new(0));
    let count = visits.clone();
    tokio::spawn(async move {
        loop {
            let _ = listener.accept().await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (host, visits)
}

/// Whether any file below a folder holds the word.
fn holds_word(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds_word(&path);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(WORD.len()).any(|w| w == WORD.as_bytes())
    })
}

#[test]
fn addresses_of_the_inside_are_refused_in_every_spelling() {
    let policy = NetPolicy::default();
    for url in [
        "http://127.1",
        "http://0x7f000001",
        "http://2130706433",
        "http://0177.0.0.1",
        "http://[::1]",
        "http://[::ffff:169.254.169.254]",
        "http://[fe80::1%25eth0]",
        "http://[64:ff9b::7f00:1]",
        "http://100.64.0.1",
        "http://localhost.",
        "http://example.com@127.0.0.1",
        "http://127.0.0.1@example.com",
        "http://127.0.0.1:80\\@example.com/",
        "http://example.com:22/",
        "http://example.com:25/",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://metadata.google.internal/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "--exec=calc",
        "-i",
    ] {
        let error = check_url(url, &policy).unwrap_err();
        assert!(
            matches!(
                error.code,
                ErrorCode::HostBlocked | ErrorCode::UrlInvalid | ErrorCode::UrlSchemeUnsupported
            ),
            "{url}: {error:?}"
        );
    }
}

#[tokio::test]
async fn loopback_is_not_reached_unless_allowed() {
    let (host, visits) = canary().await;
    let port = host.rsplit_once(':').unwrap().1.to_owned();
    let folder = tempdir().unwrap();
    let web = Web::start().await;
    for url in [
        format!("http://{host}/v.mp4"),
        format!("http://127.1:{port}/v.mp4"),
        format!("http://localhost:{port}/v.mp4"),
        format!("http://localhost.:{port}/v.mp4"),
        format!("http://[::ffff:127.0.0.1]:{port}/v.mp4"),
        format!("http://0.0.0.0:{port}/v.mp4"),
        format!("http://{}@{host}/v.mp4", web.host.replace(':', "%3A")),
    ] {
        // Another loopback server is allowed; this one is not.
        let mut request = web.request("/", folder.path());
        request.url.clone_from(&url);
        let error = run(request).await.unwrap_err();
        assert!(matches!(error.code, ErrorCode::HostBlocked | ErrorCode::UrlInvalid), "{url}: {error:?}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn redirects_inside_are_not_followed() {
    let (host, visits) = canary().await;
    let web = Web::start().await;
    let secrets = tempdir().unwrap();
    std::fs::write(secrets.path().join("secret"), WORD).unwrap();
    let file = format!("file://{}/secret", secrets.path().display());
    for (target, code) in [
        (format!("http://{host}/"), ErrorCode::HostBlocked),
        (format!("//{host}/"), ErrorCode::HostBlocked),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), ErrorCode::HostBlocked),
        ("http://[::1]/".to_owned(), ErrorCode::HostBlocked),
        (file, ErrorCode::UrlSchemeUnsupported),
        ("data:video/mp4;base64,AAAA".to_owned(), ErrorCode::UrlSchemeUnsupported),
        (format!("http://user:pass@{}/", web.host), ErrorCode::UrlInvalid),
    ] {
        let to = target.clone();
        web.on("/one", |_| Reply::to("/two")).on("/two", move |_| Reply::to(to.clone()));
        let folder = tempdir().unwrap();
        let error = web.get("/one", folder.path()).await.unwrap_err();
        assert_eq!(error.code, code, "{target}: {error:?}");
        assert!(!holds_word(folder.path()));
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

/// Every address a playlist should not be able to use, for a canary file and a canary host.
fn traps(file: &Path, host: &str) -> Vec<String> {
    let path = file.display();
    vec![
        format!("file://{path}"),
        format!("file:{path}"),
        format!("concat:http://{host}/h.m3u8|file://{path}"),
        format!("concat:{path}"),
        format!("subfile,,start,0,end,64,,:{path}"),
        format!("subfile:{path}"),
        format!("crypto:file://{path}"),
        format!("crypto+file://{path}"),
        format!("async:file://{path}"),
        format!("cache:file://{path}"),
        format!("data:text/plain,{WORD}"),
        format!("pipe:{path}"),
        format!("gopher://{host}/"),
        format!("ftp://{host}/x"),
        format!("tcp://{host}"),
        format!("http://{host}/segment.ts"),
        format!("//{host}/segment.ts"),
        format!("http:{host}/segment.ts"),
        format!("{path}"),
        format!("../../../../../../../..{path}"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::ffff:169.254.169.254]/".to_owned(),
        "skd://key".to_owned(),
        "lavfi:testsrc".to_owned(),
        "-i".to_owned(),
        format!("\\\\{host}\\share\\file"),
    ]
}

#[tokio::test]
async fn hostile_playlists_read_nothing_and_reach_nothing() {
    let (host, visits) = canary().await;
    let secrets = tempdir().unwrap();
    let file = secrets.path().join("secret.ts");
    // It even looks like media, so that only its place protects it.
    let mut bytes = vec![0u8; 188 * 8];
    bytes.iter_mut().step_by(188).for_each(|b| *b = 0x47);
    bytes[10..10 + WORD.len()].copy_from_slice(WORD.as_bytes());
    std::fs::write(&file, bytes).unwrap();
    let web = Web::start().await;
    web.on("/good.ts", |_| {
        let mut bytes = vec![0u8; 188 * 8];
        bytes.iter_mut().step_by(188).for_each(|b| *b = 0x47);
        Reply::ok(bytes)
    });
    web.file("/key", vec![1u8; 16]);
    let web = &web;
    let all = traps(&file, &host).into_iter().enumerate().map(|(number, trap)| async move {
        let head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
        let good = "#EXTINF:1,\n/good.ts\n";
        let shapes = [
            format!("{head}#EXTINF:1,\n{trap}\n#EXT-X-ENDLIST\n"),
            format!("{head}{good}#EXTINF:1,\n{trap}\n#EXT-X-ENDLIST\n"),
            format!("{head}#EXT-X-KEY:METHOD=AES-128,URI=\"{trap}\"\n{good}#EXT-X-ENDLIST\n"),
            format!("{head}#EXT-X-MAP:URI=\"{trap}\"\n{good}#EXT-X-ENDLIST\n"),
            format!("{head}#EXT-X-MAP:URI=\"{trap}\",BYTERANGE=\"64@0\"\n{good}#EXT-X-ENDLIST\n"),
            format!("{head}#EXTINF:1,\n#EXT-X-BYTERANGE:64@0\n{trap}\n#EXT-X-ENDLIST\n"),
            format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{trap}\n"),
            format!(
                "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\",DEFAULT=YES,URI=\"{trap}\"\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\n/child{number}.m3u8\n"
            ),
        ];
        for shape in shapes {
            let text = shape.clone();
            let child = format!("{head}#EXTINF:1,\n{trap}\n#EXT-X-ENDLIST\n");
            let main = format!("/main{number}.m3u8");
            web.on(&main, move |_| Reply::ok(text.clone()));
            web.on(&format!("/child{number}.m3u8"), move |_| Reply::ok(child.clone()));
            let folder = tempdir().unwrap();
            let result = web.get(&main, folder.path()).await;
            let error = result.expect_err(&shape);
            assert!(
                matches!(
                    error.code,
                    ErrorCode::UrlSchemeUnsupported
                        | ErrorCode::HostBlocked
                        | ErrorCode::UrlInvalid
                        // A path is one of the same web server, where there is nothing.
                        | ErrorCode::UrlNotFound
                        | ErrorCode::PlaylistInvalid
                        | ErrorCode::PlaylistProtected
                ),
                "{shape}: {error:?}"
            );
            assert!(!holds_word(folder.path()) && !format!("{error:?}").contains("root:"), "{shape}");
        }
    });
    futures::future::join_all(all).await;
    assert_eq!(visits.load(Ordering::SeqCst), 0, "the canary server was reached");
}

#[tokio::test]
async fn segments_that_are_playlists_are_not_opened() {
    // What a server gives in place of media never reaches ffmpeg as anything else.
    let (host, visits) = canary().await;
    let secrets = tempdir().unwrap();
    let file = secrets.path().join("secret");
    std::fs::write(&file, WORD).unwrap();
    let web = Web::start().await;
    for inside in [
        format!("#EXTM3U\n#EXTINF:1,\nfile://{}\n#EXT-X-ENDLIST\n", file.display()),
        format!("ffconcat version 1.0\nfile '{}'\n", file.display()),
        format!("v=0\nc=IN IP4 {host}\nm=video 1 RTP/AVP 96\n"),
        format!("<?xml version=\"1.0\"?><MPD><BaseURL>file://{}</BaseURL></MPD>", file.display()),
        format!("<asx><entry><ref href=\"http://{host}/\"/></entry></asx>"),
    ] {
        let text = inside.clone();
        web.on("/seg.ts", move |_| Reply::ok(text.clone()));
        web.on("/main.m3u8", |_| Reply::ok("#EXTM3U\n#EXTINF:1,\nseg.ts\n#EXT-X-ENDLIST\n"));
        let folder = tempdir().unwrap();
        assert_eq!(
            web.get("/main.m3u8", folder.path()).await.unwrap_err().code,
            ErrorCode::PlaylistInvalid,
            "{inside}"
        );
        // And as the source itself, called a video.
        let text = inside.clone();
        web.on("/film.mp4", move |_| Reply::ok(text.clone()).with("content-type", "video/mp4"));
        let folder = tempdir().unwrap();
        let error = web.get("/film.mp4", folder.path()).await.unwrap_err();
        assert!(!matches!(error.code, ErrorCode::Internal), "{inside}: {error:?}");
        assert!(!folder.path().join("media.mp4").exists() && !holds_word(folder.path()), "{inside}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn secrets_stay_out_of_errors_and_notes() {
    let web = Web::start().await;
    web.on("/v.mp4", |_| Reply::new(403, ""));
    web.on("/w.mp4", |seen| {
        let reply = Reply::file(&web::fake_mp4(900_000, 1), Some("\"v\""), seen);
        if seen.before < 9 { reply.cut(400_000) } else { reply }
    });
    let folder = tempdir().unwrap();
    for path in ["/v.mp4", "/w.mp4"] {
        let mut request = web.request(&format!("{path}?signature={WORD}"), folder.path());
        request.headers = vec![header("Authorization", &format!("Bearer {WORD}")), header("Cookie", WORD)];
        let ended = run(request).await;
        assert!(!format!("{ended:?}").contains(&format!("Bearer {WORD}")));
        if let Err(error) = ended {
            assert!(!format!("{error:?}").contains(WORD), "{error:?}");
        }
    }
    let notes = tempdir().unwrap();
    let mut request = web.request(&format!("/x.mp4?signature={WORD}"), notes.path());
    request.headers = vec![header("Cookie", WORD)];
    web.on("/x.mp4", |seen| {
        if seen.header("range").is_some() {
            Reply::new(403, "")
        } else {
            Reply::file(&web::fake_mp4(900_000, 1), Some("\"v\""), seen).cut(400_000)
        }
    });
    run(request).await.unwrap_err();
    assert!(notes.path().join("direct.json").is_file() && !holds_word(notes.path()));
}
