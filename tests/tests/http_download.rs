//! Direct files from a server with faults: what is got is whole, and what was got is not fetched twice.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod web;

use bytes::Bytes;
use domain::ErrorCode;
use media::Run;
use media::download::{Method, fetch};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::tempdir;
use web::{Reply, Web, fake_mp4, header, run, tools};

#[tokio::test]
async fn a_file_is_saved_whole_with_its_name() {
    let web = Web::start().await;
    let data = fake_mp4(3_000_000, 1);
    web.file("/v/My%20Film_1.mp4", data.clone());
    let folder = tempdir().unwrap();
    let got = web.get("/v/My%20Film_1.mp4?key=1", folder.path()).await.unwrap();
    assert_eq!(std::fs::read(&got.path).unwrap(), data);
    assert_eq!(got.title.as_deref(), Some("My Film_1"));
    assert_eq!((got.method, got.path.extension().unwrap().to_str()), (Method::Direct, Some("mp4")));
    // A second call finds the result and asks nobody.
    let asked = web.all().len();
    assert_eq!(web.get("/v/My%20Film_1.mp4?key=1", folder.path()).await.unwrap().path, got.path);
    assert_eq!(web.all().len(), asked);
}

#[tokio::test]
async fn a_cut_connection_is_taken_up_where_it_broke() {
    let web = Web::start().await;
    let data = fake_mp4(2_000_000, 2);
    let served = data.clone();
    web.on("/v.mp4", move |seen| {
        let reply = Reply::file(&served, Some("\"v1\""), seen);
        if seen.before < 2 { reply.cut(600_000) } else { reply }
    });
    let folder = tempdir().unwrap();
    let got = web.get("/v.mp4", folder.path()).await.unwrap();
    assert_eq!(std::fs::read(got.path).unwrap(), data);
    let seen = web.all();
    assert_eq!(seen.len(), 3);
    for again in &seen[1..] {
        assert!(again.header("range").unwrap().starts_with("bytes="), "{again:?}");
        assert_eq!(again.header("if-range"), Some("\"v1\""));
    }
}

/// Fetches until about `bytes` are on disk, then ends as a killed process would.
async fn stop_midway(web: &Web, path: &str, folder: &std::path::Path) {
    let task = tokio::spawn(run(web.request(path, folder)));
    let start = Instant::now();
    while std::fs::metadata(folder.join("direct.part")).map_or(0, |m| m.len()) < 1_000_000 {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    task.abort();
    let _ = task.await;
}

fn dripping(
    data: &Bytes,
    validator: Option<&'static str>,
) -> impl Fn(&web::Seen) -> Reply + Send + Sync + 'static {
    let data = data.clone();
    move |seen| {
        let mut reply = Reply::file(&data, validator, seen);
        reply.drip = Duration::from_millis(if seen.before == 0 { 5 } else { 0 });
        reply
    }
}

#[tokio::test]
async fn a_new_process_goes_on_where_the_last_one_stopped() {
    for validator in [Some("\"v1\""), None] {
        let web = Web::start().await;
        let data = fake_mp4(6_000_000, 3);
        web.on("/v.mp4", dripping(&data, validator));
        let folder = tempdir().unwrap();
        stop_midway(&web, "/v.mp4?signature=a", folder.path()).await;
        let got = web.get("/v.mp4?signature=b", folder.path()).await.unwrap();
        assert_eq!(std::fs::read(got.path).unwrap(), data);
        let seen = web.all();
        assert_eq!(seen.len(), 2, "{validator:?}");
        let from: u64 = seen[1].header("range").unwrap()[6..].trim_end_matches('-').parse().unwrap();
        assert!(from > 900_000, "began at {from}");
    }
}

#[tokio::test]
async fn another_version_of_the_file_begins_anew() {
    for (first, second) in [(Some("\"v1\""), Some("\"v2\"")), (None, None)] {
        let web = Web::start().await;
        let (old, new) = (fake_mp4(6_000_000, 4), fake_mp4(6_000_000, 5));
        web.on("/v.mp4", dripping(&old, first));
        let folder = tempdir().unwrap();
        stop_midway(&web, "/v.mp4", folder.path()).await;
        web.on("/v.mp4", dripping(&new, second));
        let got = web.get("/v.mp4", folder.path()).await.unwrap();
        assert!(std::fs::read(got.path).unwrap() == new, "versions were mixed");
    }
}

#[tokio::test]
async fn a_file_that_was_whole_already_is_kept() {
    let web = Web::start().await;
    let data = fake_mp4(1_500_000, 6);
    web.file("/v.mp4", data.clone());
    let folder = tempdir().unwrap();
    // As a process leaves it that ends between the last byte and the renaming.
    std::fs::write(folder.path().join("direct.part"), &data).unwrap();
    let note = serde_json::json!({
        "place": web.url("/v.mp4"), "validator": "\"v1\"", "total": data.len(), "extension": "mp4", "title": null
    });
    std::fs::write(folder.path().join("direct.json"), note.to_string()).unwrap();
    let got = web.get("/v.mp4", folder.path()).await.unwrap();
    assert_eq!(std::fs::read(got.path).unwrap(), data);
    assert_eq!(web.all().len(), 1, "416 was answer enough");
    // A note that is longer than the file of today: 416 with another length begins anew.
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("direct.part"), vec![1; 2_000_000]).unwrap();
    std::fs::write(folder.path().join("direct.json"), note.to_string()).unwrap();
    let got = web.get("/v.mp4", folder.path()).await.unwrap();
    assert_eq!(std::fs::read(got.path).unwrap(), data);
}

#[tokio::test]
async fn a_server_without_ranges_sends_it_all_again() {
    let web = Web::start().await;
    let data = fake_mp4(2_000_000, 7);
    let served = data.clone();
    web.on("/v.mp4", move |seen| {
        let reply = Reply::ok(served.clone());
        if seen.before == 0 { reply.cut(1_200_000) } else { reply }
    });
    let folder = tempdir().unwrap();
    assert_eq!(std::fs::read(web.get("/v.mp4", folder.path()).await.unwrap().path).unwrap(), data);
}

#[tokio::test]
async fn wrong_lengths_end_in_an_error_and_keep_what_came() {
    let web = Web::start().await;
    let data = fake_mp4(100_000, 8);
    web.on("/v.mp4", move |seen| {
        // It promises ten bytes more than it ever has.
        match seen.header("range") {
            None => {
                Reply::ok(data.clone()).with("content-length", "100010").with("etag", "\"x\"").cut(100_000)
            }
            Some(_) => Reply::new(500, ""),
        }
    });
    let folder = tempdir().unwrap();
    let error = web.get("/v.mp4", folder.path()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ServerFault);
    assert_eq!(std::fs::metadata(folder.path().join("direct.part")).unwrap().len(), 100_000);
}

#[tokio::test]
async fn every_status_has_its_code() {
    let web = Web::start().await;
    let folder = tempdir().unwrap();
    for (status, code) in [
        (401, ErrorCode::AccessRefused),
        (403, ErrorCode::AccessRefused),
        (404, ErrorCode::UrlNotFound),
        (410, ErrorCode::UrlNotFound),
        (429, ErrorCode::RateLimited),
        (451, ErrorCode::AccessRefused),
    ] {
        let path = format!("/{status}");
        web.on(&path, move |_| Reply::new(status, "no"));
        assert_eq!(web.get(&path, folder.path()).await.unwrap_err().code, code, "{status}");
        assert_eq!(web.asked(&path), 1, "{status} was tried again in place");
    }
    web.on("/busy", |_| Reply::new(503, "").with("retry-after", "77"));
    let error = web.get("/busy", folder.path()).await.unwrap_err();
    assert_eq!((error.code, error.retry_after), (ErrorCode::RateLimited, Some(Duration::from_secs(77))));
    web.on("/empty.mp4", |_| Reply::ok(""));
    assert_eq!(web.get("/empty.mp4", folder.path()).await.unwrap_err().code, ErrorCode::FileEmpty);
    web.on("/archive.mp4", |_| Reply::ok(&b"PK\x03\x04rest"[..]));
    assert_eq!(
        web.get("/archive.mp4", folder.path()).await.unwrap_err().code,
        ErrorCode::FileTypeUnsupported
    );
    web.on("/answer.mp4", |_| Reply::ok("{\"error\":\"expired\"}"));
    assert_eq!(web.get("/answer.mp4", folder.path()).await.unwrap_err().code, ErrorCode::FileTypeUnsupported);
    assert!(!folder.path().join("direct.part").exists());
}

#[tokio::test]
async fn short_faults_are_waited_out() {
    let web = Web::start().await;
    let data = fake_mp4(50_000, 9);
    let served = data.clone();
    web.on(
        "/v.mp4",
        move |seen| if seen.before < 2 { Reply::new(502, "") } else { Reply::ok(served.clone()) },
    );
    let folder = tempdir().unwrap();
    assert_eq!(std::fs::read(web.get("/v.mp4", folder.path()).await.unwrap().path).unwrap(), data);
}

#[tokio::test]
async fn nobody_there_is_network_lost_and_silence_a_timeout() {
    let web = Web::start().await;
    let folder = tempdir().unwrap();
    let mut request = web.request("/v.mp4", folder.path());
    // A port that was just free.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    request.url = format!("http://127.0.0.1:{port}/v.mp4");
    request.policy.allow_hosts = vec!["127.0.0.1".into()];
    assert_eq!(run(request).await.unwrap_err().code, ErrorCode::NetworkLost);

    let data = fake_mp4(50_000, 1);
    web.on("/v.mp4", move |_| {
        let mut reply = Reply::ok(data.clone());
        reply.drip = Duration::from_secs(30);
        reply
    });
    let mut request = web.request("/v.mp4", folder.path());
    request.policy.idle_timeout = Duration::from_millis(200);
    assert_eq!(run(request).await.unwrap_err().code, ErrorCode::NetworkTimeout);
}

#[tokio::test]
async fn the_size_limit_holds_announced_or_not() {
    let web = Web::start().await;
    let data = fake_mp4(400_000, 1);
    let (a, b) = (data.clone(), data.clone());
    web.on("/announced.mp4", move |_| Reply::ok(a.clone()));
    web.on("/unannounced.mp4", move |_| {
        let mut reply = Reply::ok(b.clone()).with("transfer-encoding", "chunked");
        reply.drip = Duration::from_millis(1);
        reply
    });
    for path in ["/announced.mp4", "/unannounced.mp4"] {
        let folder = tempdir().unwrap();
        let mut request = web.request(path, folder.path());
        request.policy.max_bytes = 300_000;
        assert_eq!(run(request).await.unwrap_err().code, ErrorCode::DownloadTooLarge, "{path}");
    }
}

#[tokio::test]
async fn redirects_are_followed_and_counted() {
    let web = Web::start().await;
    let data = fake_mp4(10_000, 1);
    web.file("/end.mp4", data.clone());
    web.on("/a", |_| Reply::to("b")).on("/b", |_| Reply::to("/end.mp4"));
    web.on("/loop", |_| Reply::to("/loop"));
    let folder = tempdir().unwrap();
    let got = web.get("/a", folder.path()).await.unwrap();
    assert_eq!(got.final_url, web.url("/end.mp4"));
    let folder = tempdir().unwrap();
    assert_eq!(web.get("/loop", folder.path()).await.unwrap_err().code, ErrorCode::TooManyRedirects);
    assert_eq!(web.asked("/loop"), 11);
}

#[tokio::test]
async fn secret_headers_never_leave_their_origin() {
    let (home, away) = (Web::start().await, Web::start().await);
    away.file("/v.mp4", fake_mp4(10_000, 1));
    let target = away.url("/v.mp4");
    home.on("/v", move |_| Reply::to(target.clone()));
    let folder = tempdir().unwrap();
    let mut request = home.request("/v", folder.path());
    request.policy.allow_hosts.push(away.host.clone());
    request.headers = vec![
        header("Cookie", "session=secret"),
        header("Authorization", "Bearer secret"),
        header("X-Api-Key", "secret"),
        header("Referer", "https://course.example/"),
    ];
    run(request).await.unwrap();
    let at_home = &home.all()[0];
    assert_eq!(at_home.header("cookie"), Some("session=secret"));
    assert_eq!(at_home.header("authorization"), Some("Bearer secret"));
    let at_away = &away.all()[0];
    assert_eq!(at_away.header("referer"), Some("https://course.example/"));
    assert!(!format!("{:?}", at_away.headers).contains("secret"), "{:?}", at_away.headers);
}

#[tokio::test]
async fn cancelling_ends_at_once_and_progress_tells_the_speed() {
    let web = Web::start().await;
    let data = fake_mp4(30_000_000, 1);
    web.on("/v.mp4", dripping(&data, Some("\"v1\"")));
    let folder = tempdir().unwrap();
    let said: Arc<Mutex<Vec<(f64, String)>>> = Arc::default();
    let heard = said.clone();
    let mut work = Run::quiet(folder.path());
    work.progress = Arc::new(move |f, d| heard.lock().unwrap().push((f, d.unwrap_or_default().to_owned())));
    let cancel = work.cancel.clone();
    let request = web.request("/v.mp4", folder.path());
    let task = tokio::spawn(async move { fetch(request, &tools().await, &work).await });
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let start = Instant::now();
    cancel.cancel();
    assert_eq!(task.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
    assert!(start.elapsed() < Duration::from_secs(1));
    let said = said.lock().unwrap();
    assert!(said.len() >= 3 && said.last().unwrap().1.ends_with("B/s"), "{said:?}");
    assert!(said.windows(2).all(|w| w[0].0 <= w[1].0) && said.last().unwrap().0 > 0.0, "{said:?}");
}
