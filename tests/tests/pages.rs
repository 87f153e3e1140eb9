//! Web pages of many shapes: the video on them is found, with the right referer and title.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod web;

use domain::ErrorCode;
use media::download::Method;
use tempfile::tempdir;
use web::{Reply, Web, fake_mp4};

const FILM: usize = 900_000;

/// A server with a film at `/film.mp4` and a page at `/page`.
async fn site(page: &str) -> Web {
    let web = Web::start().await;
    web.file("/film.mp4", fake_mp4(FILM, 1));
    let page = page.replace("{host}", &web.host);
    web.on("/page", move |_| Reply::html(page.clone()));
    web
}

async fn finds(page: &str) {
    let web = site(page).await;
    let folder = tempdir().unwrap();
    let got = web.get("/page", folder.path()).await.unwrap_or_else(|e| panic!("{page}: {e:?}"));
    assert_eq!(got.method, Method::Page);
    assert_eq!(std::fs::read(&got.path).unwrap(), fake_mp4(FILM, 1), "{page}");
    assert!(got.final_url.contains("film"), "{page}: {}", got.final_url);
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0u32, |sum, b| sum << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char;
            out.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

#[tokio::test]
async fn pages_of_every_shape_give_their_video() {
    let encoded = base64(r#"{"video":{"src":"/film.mp4"}}"#);
    let shapes = [
        // Markup.
        r#"<title>T</title><video src="film.mp4"></video>"#.to_owned(),
        r#"<video poster="p.jpg"><source src="/none.webm" type="video/webm"><source data-src="film.mp4"></video>"#.into(),
        r#"<a href="/about">x</a><a href="film.mp4">Download</a>"#.into(),
        // Metadata.
        r#"<meta property="og:video:url" content="http://{host}/film.mp4"><meta property="og:video:type" content="video/mp4">"#.into(),
        r#"<meta name="twitter:player:stream" content="/film.mp4">"#.into(),
        r#"<script type="application/ld+json">{"@graph":[{"@type":["VideoObject"],"name":"Offer","contentUrl":"http:\/\/{host}\/film.mp4"}]}</script>"#.into(),
        r#"<div itemscope itemtype="http://schema.org/VideoObject"><meta itemprop="contentURL" content="/film.mp4"></div>"#.into(),
        r#"<link rel="preload" as="fetch" href="/film.mp4">"#.into(),
        // Players configured in scripts and attributes.
        r#"<script>jwplayer("p").setup({"playlist":[{"sources":[{"file":"http:\/\/{host}\/film.mp4?x=1\u0026y=2"}]}]})</script>"#.into(),
        r#"<video id="v" data-setup='{"sources":[{"type":"video/mp4","src":"//{host}/film.mp4"}]}'></video>"#.into(),
        r#"<div data-plyr-provider="html5" data-config="{&quot;src&quot;:&quot;/film.mp4&quot;}"></div>"#.into(),
        format!(r#"<div class="smartplayer" data-config="{encoded}"></div>"#),
        format!(r#"<script>start(JSON.parse(atob("{encoded}")))</script>"#),
        // Base address, hidden markup, frames.
        r#"<base href="http://{host}/"><video src="film.mp4"></video>"#.into(),
        r#"<noscript><video src="/film.mp4"></video></noscript>"#.into(),
        r#"<iframe srcdoc="&lt;video src='/film.mp4'&gt;&lt;/video&gt;"></iframe>"#.into(),
    ];
    for shape in shapes {
        finds(&shape).await;
    }
}

#[tokio::test]
async fn frames_are_followed_two_deep_with_their_own_referer() {
    let web = site(r#"<title>The Offer &amp; more</title><iframe src="/outer"></iframe>"#).await;
    web.on("/outer", |_| Reply::html(r#"<iframe data-src="/inner?id=1"></iframe>"#));
    web.on("/inner", |_| {
        Reply::html(r#"<script>var config = {"url": "/film.mp4"}</script><iframe src="/deeper"></iframe>"#)
    });
    web.on("/deeper", |_| Reply::html(""));
    let film = fake_mp4(FILM, 1);
    // As content networks do that want to be shown the player.
    web.on("/film.mp4", move |seen| match seen.header("referer") {
        Some(referer) if referer.ends_with("/inner?id=1") => Reply::file(&film, None, seen),
        other => Reply::new(403, format!("{other:?}")),
    });
    let folder = tempdir().unwrap();
    let got = web.get("/page", folder.path()).await.unwrap();
    assert_eq!(got.title.as_deref(), Some("The Offer & more"));
    assert_eq!(web.asked("/deeper"), 0, "three deep");
}

#[tokio::test]
async fn players_that_load_their_configuration_are_followed() {
    let web = site(
        r#"<div id="vid_65f"></div><script>var s=document.createElement("script");
           s.src="http://{host}/acc/players/65f/v4/player.js";</script><script src="/js/jquery.player.js"></script>"#,
    )
    .await;
    web.on("/acc/players/65f/v4/player.js", |_| {
        Reply::ok(r#"!function(){var o={"file":"..\/..\/..\/..\/film.mp4"}}()"#)
    });
    let folder = tempdir().unwrap();
    let got = web.get("/page", folder.path()).await.unwrap();
    assert_eq!(std::fs::read(got.path).unwrap(), fake_mp4(FILM, 1));
    assert_eq!(web.asked("/js/jquery.player.js"), 0, "a library holds no film");
}

#[tokio::test]
async fn the_film_wins_over_loops_advertisements_and_samples() {
    let web = site(
        r#"<video autoplay loop muted src="/background.mp4"></video>
           <video src="/ads/spot.mp4"></video>
           <video src="/preview.mp4"></video>
           <script>var sources = ["/sd/other.mp4", "/hd/film.mp4", "/gone.mp4", "/page.mp4"]</script>"#,
    )
    .await;
    for (path, size) in
        [("/background.mp4", 2_000_000), ("/ads/spot.mp4", 3_000_000), ("/preview.mp4", 700_000)]
    {
        web.file(path, fake_mp4(size, 9));
    }
    web.file("/sd/other.mp4", fake_mp4(50_000, 8)).file("/hd/film.mp4", fake_mp4(FILM, 1));
    web.on("/page.mp4", |_| Reply::html("<!DOCTYPE html><html>not found</html>"));
    let folder = tempdir().unwrap();
    let got = web.get("/page", folder.path()).await.unwrap();
    assert!(got.final_url.ends_with("/hd/film.mp4"), "{}", got.final_url);
}

#[tokio::test]
async fn a_candidate_that_fails_gives_way_to_the_next() {
    let web = site(r#"<video><source src="/broken.mp4"><source src="/film.mp4"></video>"#).await;
    // Its beginning can be had, the rest cannot.
    web.on("/broken.mp4", |seen| match seen.header("range") {
        Some("bytes=0-4095") => {
            Reply::new(206, fake_mp4(4096, 3)).with("content-range", "bytes 0-4095/9000000")
        }
        _ => Reply::new(403, ""),
    });
    let folder = tempdir().unwrap();
    let got = web.get("/page", folder.path()).await.unwrap();
    assert!(got.final_url.ends_with("/film.mp4"));
}

#[tokio::test]
async fn pages_without_a_video_say_so() {
    let web = site("").await;
    for (path, page) in [
        ("/a", "<!DOCTYPE html><html><title>Nothing</title><p>words</p></html>"),
        ("/b", r#"<html><video src="blob:http://x/1"></video><a href="file:///etc/passwd">x</a></html>"#),
        ("/c", r#"<html><video src="/page-again"></video></html>"#),
        ("/d", r#"<html><script>var formats = [".mp4", ".m3u8", "*.webm"]</script></html>"#),
    ] {
        web.on(path, move |_| Reply::html(page));
        web.on("/page-again", |_| Reply::html("<html>nothing</html>"));
        let folder = tempdir().unwrap();
        let error = web.get(path, folder.path()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::NoVideoOnPage, "{path}: {error:?}");
    }
    // What the only candidate failed with says more.
    web.on("/e", |_| Reply::html(r#"<html><video src="/private.mp4"></video></html>"#));
    web.on("/private.mp4", |_| Reply::new(403, ""));
    let folder = tempdir().unwrap();
    assert_eq!(web.get("/e", folder.path()).await.unwrap_err().code, ErrorCode::AccessRefused);
    web.on("/f", |_| Reply::html(r#"<html><video src="http://10.0.0.1/x.mp4"></video></html>"#));
    let folder = tempdir().unwrap();
    assert_eq!(web.get("/f", folder.path()).await.unwrap_err().code, ErrorCode::HostBlocked);
}

#[tokio::test]
async fn endless_frames_come_to_an_end() {
    let web = site("").await;
    let many: String = (0..60).map(|n| format!(r#"<iframe src="/frame{n}"></iframe>"#)).collect();
    let page = format!(r#"<html>{many}<iframe src="/loop"></iframe></html>"#);
    web.on("/loop", |_| Reply::html(r#"<iframe src="/loop"></iframe>"#));
    web.on("/many", move |_| Reply::html(page.clone()));
    let folder = tempdir().unwrap();
    assert_eq!(web.get("/many", folder.path()).await.unwrap_err().code, ErrorCode::NoVideoOnPage);
    assert!(web.all().len() <= 17, "{} documents", web.all().len());
}
