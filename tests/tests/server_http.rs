//! The loopback server over real sockets: who is let in, what a range gives, how events arrive.
//! Numbers in the names are the items of the security checklist they prove.

#![allow(clippy::unwrap_used)] // A test ends where it fails.

use async_trait::async_trait;
use domain::{ApiError, ErrorCode, Event};
use futures::StreamExt;
use serde_json::{Value, json};
use server::{Engine, EventStream, Place, Running, ServeOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast;

/// An engine that answers what it was asked, so that the server alone is looked at.
struct Echo {
    events: broadcast::Sender<Event>,
    file: PathBuf,
}

#[async_trait]
impl Engine for Echo {
    async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        match name {
            "refuse" => Err(ApiError::new(ErrorCode::TaskNotFound, "There is no such task.")),
            _ => Ok(json!({ "name": name, "input": input })),
        }
    }

    fn events(&self) -> EventStream {
        let receiver = self.events.subscribe();
        futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.ok().map(|event| (event, receiver))
        })
        .boxed()
    }

    async fn place(&self, path: &str) -> Result<Option<Place>, ApiError> {
        Ok(match path {
            "file/m1" => Some(Place::File(self.file.clone())),
            "file/gone" => Some(Place::File("/nowhere/at/all.mp4".into())),
            "file/device" => Some(Place::File("/dev/zero".into())),
            _ => None,
        })
    }

    fn works(&self) -> bool {
        true
    }

    fn data_dir(&self) -> PathBuf {
        self.file.parent().unwrap().to_path_buf()
    }
}

struct Server {
    running: Running,
    events: broadcast::Sender<Event>,
    content: Vec<u8>,
    _folder: tempfile::TempDir,
}

async fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..200_000u32).map(|each| (each % 251) as u8).collect();
    let file = folder.path().join("clip.mp4");
    std::fs::write(&file, &content).unwrap();
    let (events, _) = broadcast::channel(64);
    let engine = Echo { events: events.clone(), file };
    let running =
        server::serve(Arc::new(engine), ServeOptions { port: None, ui: true, api: true }).await.unwrap();
    Server { running, events, content, _folder: folder }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Server {
    /// Sends exactly these bytes and reads to the end.
    async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.running.port)).await.unwrap();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        read.expect("an answer in time").ok();
        let split = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..split]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head, body: answer.get(split + 4..).unwrap_or_default().to_vec() }
    }

    async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request.push_str(&format!("Host: 127.0.0.1:{}\r\n", self.running.port));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        self.raw(request.as_bytes()).await
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.running.token)
    }

    async fn rpc(&self, name: &str, body: &str, more: &[(&str, &str)]) -> Answer {
        let bearer = self.bearer();
        let own = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        self.ask(&format!("POST /rpc/{name}"), &[&own[..], more].concat(), body).await
    }

    fn media(&self, path: &str) -> String {
        let start = self.running.media_url.find("/media/").unwrap();
        format!("{}/{path}", &self.running.media_url[start..])
    }

    async fn get_media(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(&format!("GET {}", self.media(path)), headers, "").await
    }
}

#[tokio::test]
async fn item_1_only_loopback_is_listened_on() {
    let server = server().await;
    let port = server.running.port;
    // Another address of this very machine must not reach it; 127.0.0.2 is loopback too, but not ours.
    assert!(TcpStream::connect(("127.0.0.2", port)).await.is_err());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let wildcard = format!("00000000:{port:04X}");
    assert!(!table.contains(&wildcard), "listens on every address");
    assert!(
        std::fs::read_to_string("/proc/net/tcp6")
            .is_ok_and(|table| !table.contains(&format!(":{port:04X} ")))
    );
}

#[tokio::test]
async fn item_2_other_hosts_are_refused_before_routing() {
    let server = server().await;
    let port = server.running.port;
    for host in [
        "evil.com".to_string(),
        format!("127.0.0.1.evil.com:{port}"),
        format!("localhost.:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("0.0.0.0:{port}"),
    ] {
        for line in ["GET /", "GET /no/such/route", "POST /rpc/x", "GET /events"] {
            let bearer = server.bearer();
            let answer = server.ask(line, &[("Host", &host), ("Authorization", &bearer)], "").await;
            assert_eq!(answer.status, 403, "{line} to {host}");
        }
    }
    let missing = server.raw(b"GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(missing.status, 403, "no Host at all");
}

#[tokio::test]
async fn item_3_other_pages_are_refused() {
    let server = server().await;
    for (name, value) in [
        ("Origin", "https://evil.com"),
        ("Origin", "null"),
        ("Origin", "tauri://localhost"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let answer = server.rpc("x", "{}", &[(name, value)]).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("set-cookie"), None);
    }
    let bearer = server.bearer();
    let form = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
    assert_eq!(server.ask("POST /rpc/x", &form, "{}").await.status, 403, "a form's content type");
    let preflight = [
        ("Origin", "https://evil.com"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    let answer = server.ask("OPTIONS /rpc/x", &preflight, "").await;
    assert_eq!(answer.status, 403);
    assert!(!answer.head.to_ascii_lowercase().contains("access-control-allow"), "{}", answer.head);
    let own = format!("http://127.0.0.1:{}", server.running.port);
    assert_eq!(server.rpc("x", "{}", &[("Origin", &own)]).await.status, 200);
}

#[tokio::test]
async fn item_4_wrong_tokens_are_refused_and_slowed_down() {
    let server = server().await;
    let token = server.running.token.clone();
    assert_eq!(token.len(), 64, "256 bits");
    assert_eq!(server.ask(&format!("GET /events?token={token}"), &[], "").await.status, 401, "in a query");
    let wrong = format!("Bearer {}0", &token[..63]);
    let mut slowed = 0;
    for _ in 0..100 {
        let answer = server.ask("POST /rpc/x", &[("Authorization", &wrong)], "").await;
        assert!(matches!(answer.status, 401 | 429) || wrong.ends_with(&token), "{}", answer.status);
        if answer.status == 429 {
            assert!(answer.header("retry-after").is_some());
            slowed += 1;
        }
    }
    assert!(slowed > 50, "only {slowed} of 100 were slowed down");
    assert_eq!(server.rpc("x", "{}", &[]).await.status, 200, "the right token still passes");
}

#[tokio::test]
async fn item_5_bodies_and_streams_are_bounded() {
    let server = server().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(server.rpc("x", &deep, &[]).await.status, 400, "100,000 deep");
    assert_eq!(server.rpc("x", "{nonsense", &[]).await.status, 400);
    let large = server.rpc("x", "", &[("Content-Length", "11000000")]).await;
    assert_eq!(large.status, 413);
    assert_eq!(large.json()["error"]["code"], "BODY_TOO_LARGE");
    let bearer = server.bearer();
    let socket = [
        ("Authorization", bearer.as_str()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Origin", "https://evil.com"),
    ];
    assert_eq!(server.ask("GET /ws", &socket, "").await.status, 403, "WebSocket of another page");
    let events = [("Authorization", bearer.as_str()), ("Origin", "https://evil.com")];
    assert_eq!(server.ask("GET /events", &events, "").await.status, 403, "events of another page");
}

#[tokio::test]
async fn item_6_paths_lead_nowhere_but_to_registered_media() {
    let server = server().await;
    let long = format!("file/{}", "a".repeat(4096));
    for path in [
        "../../etc/passwd",
        "file/../../../etc/passwd",
        "file/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "file/..%5c..%5cx",
        "file/C:%5cx:ads",
        "file/%5c%5chost%5cshare",
        "file//dev/zero",
        "file/CON",
        "file/a%00b",
        "file/%E2%80%AEgpj",
        "artifact/../../owner.json",
        long.as_str(),
        "",
    ] {
        let answer = server.get_media(path, &[]).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }
    assert_eq!(server.get_media("file/gone", &[]).await.status, 404);
    assert_eq!(server.get_media("file/device", &[]).await.status, 403, "a device is never read");
    let stranger = server.ask("GET /media/0000/file/m1", &[], "").await;
    assert_eq!(stranger.status, 401);
}

#[tokio::test]
async fn ranges_give_the_bytes_they_name() {
    let server = server().await;
    let content = &server.content;
    let last = content.len() - 1;
    let whole = server.get_media("file/m1", &[]).await;
    assert_eq!((whole.status, whole.body == *content), (200, true));
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let etag = whole.header("etag").unwrap().to_string();
    for (range, from, to) in [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=150000-", 150_000, last),
        ("bytes=-500", last - 499, last),
        ("bytes=199990-999999", 199_990, last),
    ] {
        let part = server.get_media("file/m1", &[("Range", range)]).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.body, content[from..=to], "{range}");
        let wanted = format!("bytes {from}-{to}/{}", content.len());
        assert_eq!(part.header("content-range"), Some(wanted.as_str()));
        assert_eq!(part.header("content-length"), Some((to - from + 1).to_string().as_str()));
    }
    let behind = server.get_media("file/m1", &[("Range", "bytes=200000-")]).await;
    assert_eq!((behind.status, behind.header("content-range")), (416, Some("bytes */200000")));
    let same = server.get_media("file/m1", &[("Range", "bytes=0-9"), ("If-Range", &etag)]).await;
    assert_eq!((same.status, same.body.len()), (206, 10));
    let other = server.get_media("file/m1", &[("Range", "bytes=0-9"), ("If-Range", "\"other\"")]).await;
    assert_eq!((other.status, other.body.len()), (200, content.len()));
    let known = server.get_media("file/m1", &[("If-None-Match", &etag)]).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = server.ask(&format!("HEAD {}", server.media("file/m1")), &[], "").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("200000"), 0));
    let post = server.ask(&format!("POST {}", server.media("file/m1")), &[], "").await;
    assert_eq!(post.status, 405);
}

#[tokio::test]
async fn the_window_reads_media_and_nobody_else_across_origins() {
    let server = server().await;
    for origin in ["tauri://localhost", "http://tauri.localhost", "https://tauri.localhost"] {
        let answer =
            server.get_media("file/m1", &[("Origin", origin), ("Sec-Fetch-Site", "cross-site")]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)));
    }
    let element = server.get_media("file/m1", &[("Sec-Fetch-Site", "cross-site")]).await;
    assert_eq!((element.status, element.header("access-control-allow-origin")), (200, None));
    assert_eq!(server.get_media("file/m1", &[("Origin", "https://evil.com")]).await.status, 403);
    let asked = [("Origin", "tauri://localhost"), ("Access-Control-Request-Private-Network", "true")];
    let preflight = server.ask(&format!("OPTIONS {}", server.media("file/m1")), &asked, "").await;
    assert_eq!(preflight.status, 204);
    assert!(!preflight.head.to_ascii_lowercase().contains("allow-private-network"), "{}", preflight.head);
}

#[tokio::test]
async fn commands_answer_with_json_and_the_status_of_their_error() {
    let server = server().await;
    let answer = server.rpc("tasks.list", r#"{"limit":3}"#, &[]).await;
    assert_eq!(answer.json(), json!({ "name": "tasks.list", "input": { "limit": 3 } }));
    let refused = server.rpc("refuse", "", &[]).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (404, &json!("TASK_NOT_FOUND")));
    let address = server.rpc("server.address", "", &[]).await.json();
    assert_eq!(
        address["media_url"],
        server.running.media_url.as_str(),
        "media plays from the listener asked"
    );
    let unknown = server.ask("GET /api/v1/tasks", &[("Authorization", &server.bearer())], "").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn the_page_allows_nothing_inline_and_needs_no_token() {
    let server = server().await;
    let page = server.ask("GET /library/m1", &[], "").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    if server::has_ui() {
        assert_eq!(page.status, 200);
    } else {
        assert!(String::from_utf8_lossy(&page.body).contains("without its user interface"));
    }
    assert_eq!(server.ask("GET /assets/none.js", &[], "").await.status, 404);
    assert!(server.running.ui_url.ends_with(&format!("/#token={}", server.running.token)));
}

#[tokio::test]
async fn events_stream_until_the_server_ends() {
    let server = server().await;
    let client = reqwest_client();
    let url = format!("http://127.0.0.1:{}/events", server.running.port);
    let answer = client.get(url).bearer_auth(&server.running.token).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut bytes = answer.bytes_stream();
    let first = bytes.next().await.unwrap().unwrap();
    assert!(first.starts_with(b":"), "a comment at once, so that the line is known to stand");
    server.events.send(Event::LibraryChanged { media_id: "m\n1".into() }).unwrap();
    let second = bytes.next().await.unwrap().unwrap();
    assert_eq!(&second[..], b"data: {\"type\":\"library_changed\",\"media_id\":\"m\\n1\"}\n\n");
    let began = std::time::Instant::now();
    server.running.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(3), "a listener must not hold up the end");
    assert!(bytes.next().await.is_none_or(|rest| rest.is_err()));
    assert!(TcpStream::connect(("127.0.0.1", server.running.port)).await.is_err(), "the port is free again");
}

#[tokio::test]
async fn a_websocket_brings_the_same_events() {
    let server = server().await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.running.port)).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: bobina, bobina.bearer.{}\r\n\r\n",
        server.running.port, server.running.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).await.unwrap();
    let head = String::from_utf8_lossy(&answer[..count]).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-protocol: bobina\r\n"), "the token is not sent back: {head}");
    server.events.send(Event::UrlsChanged).unwrap();
    let count = stream.read(&mut answer).await.unwrap();
    // One unmasked text frame: 0x81, the length, the text.
    assert_eq!(answer[0], 0x81);
    assert_eq!(&answer[2..count], b"{\"type\":\"urls_changed\"}");
}

#[tokio::test]
async fn a_taken_port_is_said_plainly() {
    let server = server().await;
    let (events, _) = broadcast::channel(1);
    let engine = Echo { events, file: PathBuf::new() };
    let options = ServeOptions { port: Some(server.running.port), ui: false, api: false };
    let error = server::serve(Arc::new(engine), options).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PortTaken);
    assert!(error.message.contains(&server.running.port.to_string()), "{}", error.message);
}

/// The test reads a stream, which a bare socket would make tedious.
fn reqwest_client() -> reqwest::Client {
    // `server::serve` has chosen a TLS provider already; none is used here.
    reqwest::Client::builder().no_proxy().build().unwrap()
}
