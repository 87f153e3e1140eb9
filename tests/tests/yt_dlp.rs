//! The yt-dlp adapter against a server of ours, with the real program where it is on `PATH`.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod web;

#[path = "hls_clips/mod.rs"]
mod clips;

use clips::{check, dash, expect};
use domain::ErrorCode;
use media::download::{FetchRequest, Fetched, Method, fetch};
use media::tools::{ToolPaths, Tools};
use media::{MediaError, Run};
use tempfile::tempdir;
use tokio::net::TcpListener;
use web::{Reply, Web};

/// Fetches with whatever yt-dlp is installed; `None` says that none is.
async fn run_with_yt_dlp(request: FetchRequest) -> Option<Result<Fetched, MediaError>> {
    let tools = Tools::find(&ToolPaths::default()).await;
    if tools.yt_dlp().is_err() {
        println!("skipped: yt-dlp is not on PATH");
        return None;
    }
    let scratch = tempdir().unwrap();
    Some(fetch(request, &tools, &Run::quiet(scratch.path())).await)
}

#[tokio::test]
async fn what_we_do_not_read_it_reads() {
    let web = Web::start().await;
    web.folder("/d", &dash());
    let folder = tempdir().unwrap();
    let Some(got) = run_with_yt_dlp(web.request("/d/main.mpd", folder.path())).await else { return };
    let got = got.unwrap();
    assert_eq!(got.method, Method::YtDlp);
    assert_eq!(got.path.parent(), Some(folder.path()));
    assert!(!folder.path().join("ytdlp").exists());
    check(&got.path, expect(8.0, 200));
}

#[tokio::test]
async fn it_reaches_only_what_we_would_reach() {
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let inside = canary.local_addr().unwrap();
    let web = Web::start().await;
    let manifest = std::fs::read_to_string(dash().join("main.mpd")).unwrap();
    let manifest = manifest.replacen("<Period", &format!("<BaseURL>http://{inside}/</BaseURL><Period"), 1);
    web.on("/d/main.mpd", move |_| Reply::ok(manifest.clone()).with("content-type", "application/dash+xml"));
    let folder = tempdir().unwrap();
    let Some(got) = run_with_yt_dlp(web.request("/d/main.mpd", folder.path())).await else { return };
    assert_eq!(got.unwrap_err().code, ErrorCode::HostBlocked);
    let visit = tokio::time::timeout(std::time::Duration::from_millis(200), canary.accept()).await;
    assert!(visit.is_err(), "it reached the inside");
}

#[tokio::test]
async fn a_page_with_nothing_stays_a_page_with_nothing() {
    let web = Web::start().await;
    web.on("/page", |_| Reply::html("<!DOCTYPE html><title>x</title><p>words</p>"));
    let folder = tempdir().unwrap();
    let Some(got) = run_with_yt_dlp(web.request("/page", folder.path())).await else { return };
    assert_eq!(got.unwrap_err().code, ErrorCode::NoVideoOnPage);
}

#[cfg(unix)]
#[tokio::test]
async fn how_it_is_called() {
    use std::os::unix::fs::PermissionsExt;
    // A stand-in that writes down how it was called and behaves like the real one.
    let folder = tempdir().unwrap();
    let stand_in = folder.path().join("yt-dlp");
    let log = folder.path().join("called");
    let script = format!(
        "#!/bin/sh\nlog={}\nif [ \"$2\" = --help ]; then echo '--ignore-config --no-exec --no-playlist --playlist-items --output \
         --paths --newline --progress-template --max-filesize --downloader --no-cache-dir --restrict-filenames --no-plugin-dirs'; exit 0; fi\n\
         printf '%s\\n' \"$@\" > $log\nenv >> $log; umask 077\necho 'bobina-title ../../x'\n\
         while [ $# -gt 0 ]; do [ \"$1\" = --paths ] && out=$2; [ \"$1\" = --cookies ] && cp -p \"$2\" $log.cookies; shift; done\n\
         printf '\\000\\000\\000\\030ftypisom0000' > \"$out/video.mp4\"\n",
        log.display()
    );
    std::fs::write(&stand_in, script).unwrap();
    std::fs::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tools = Tools::find(&ToolPaths { yt_dlp: Some(stand_in), ..ToolPaths::default() }).await;
    let web = Web::start().await;
    web.on("/page", |_| Reply::html("<!DOCTYPE html><p>words</p>"));
    let into = tempdir().unwrap();
    let mut request = web.request("/page?id=--exec=x", into.path());
    request.headers = vec![
        web::header("Cookie", "sid=canary-secret"),
        web::header("Authorization", "Bearer canary-secret"),
    ];
    let got = fetch(request, &tools, &Run::quiet(folder.path())).await.unwrap();
    assert_eq!((got.method, got.title.as_deref()), (Method::YtDlp, Some("../../x")));
    assert_eq!(got.path, into.path().join("media.mp4"));
    let called = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = called.lines().collect();
    let dashes = lines.iter().position(|l| *l == "--").unwrap();
    assert_eq!(lines[dashes + 1], web.url("/page?id=--exec=x"));
    assert_eq!(lines[0], "--ignore-config");
    for switch in [
        "--no-exec",
        "--no-plugin-dirs",
        "--no-playlist",
        "--no-cache-dir",
        "--max-filesize",
        "video.%(ext)s",
    ] {
        assert!(lines[..dashes].contains(&switch), "{switch}");
    }
    assert!(!lines.contains(&"--no-remote-components"), "a switch its help does not name");
    assert!(!called.contains("canary-secret"), "a secret stands in its command line or its environment");
    let given = folder.path().join("called.cookies");
    let cookies = std::fs::read_to_string(&given).unwrap();
    assert!(cookies.lines().any(|l| l == "127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\tcanary-secret"), "{cookies:?}");
    assert!(!cookies.contains("Bearer"), "what it would send to every host is not given to it");
    assert_eq!(std::fs::metadata(&given).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!folder.path().join("cookies.txt").exists(), "the cookies stayed on the disk");
    assert!(called.contains("http_proxy=http://bobina:") && called.contains("https_proxy=http://bobina:"));
    let secret = called.split("http_proxy=http://bobina:").nth(1).unwrap().split('@').next().unwrap();
    assert!(!lines[..dashes + 2].iter().any(|l| l.contains(secret)), "the token stands in the command line");
}
