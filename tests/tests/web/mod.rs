//! A web server for download tests: scripted answers, faults, latency, and a log of what was asked.
//!
//! Shared by the test files of the download part; each uses what it needs of it.
#![allow(dead_code)]

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use bytes::Bytes;
use domain::Header;
use media::download::{FetchRequest, Fetched, NetPolicy, fetch};
use media::tools::{ToolPaths, Tools};
use media::{MediaError, Run};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    /// How often this path had been asked before.
    pub before: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What is answered.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// The connection is cut after so many bytes of the body.
    pub cut_after: Option<usize>,
    /// The body comes in pieces of 16 KiB with this pause between them.
    pub drip: Duration,
    pub delay: Duration,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let (headers, drip) = (Vec::new(), Duration::ZERO);
        Self { status, headers, body: body.into(), cut_after: None, drip, delay: Duration::ZERO }
    }

    pub fn ok(body: impl Into<Bytes>) -> Self {
        Self::new(200, body)
    }

    pub fn html(body: impl Into<String>) -> Self {
        Self::ok(body.into()).with("content-type", "text/html; charset=utf-8")
    }

    pub fn to(location: impl Into<String>) -> Self {
        Self::new(302, "").with("location", location)
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn cut(mut self, after: usize) -> Self {
        self.cut_after = Some(after);
        self
    }

    /// A file, with ranges and conditions as RFC 9110 has them.
    pub fn file(bytes: &Bytes, validator: Option<&str>, seen: &Seen) -> Self {
        let whole = || {
            let mut reply = Self::ok(bytes.clone()).with("accept-ranges", "bytes");
            reply.headers.extend(validator.map(|v| ("etag".to_owned(), v.to_owned())));
            reply
        };
        let changed = seen.header("if-range").is_some_and(|v| Some(v) != validator);
        let Some(range) = seen.header("range").filter(|_| !changed) else { return whole() };
        let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let from: usize = from.parse().unwrap();
        if from >= bytes.len() {
            return Self::new(416, "").with("content-range", format!("bytes */{}", bytes.len()));
        }
        let to = to.parse::<usize>().map_or(bytes.len(), |to| (to + 1).min(bytes.len()));
        let mut reply = Self::new(206, bytes.slice(from..to))
            .with("content-range", format!("bytes {from}-{}/{}", to - 1, bytes.len()));
        reply.headers.extend(validator.map(|v| ("etag".to_owned(), v.to_owned())));
        reply
    }
}

type Handler = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// A server on loopback.
pub struct Web {
    pub host: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pages: Arc<Mutex<HashMap<String, Handler>>>,
}

impl Web {
    pub async fn start() -> Web {
        Self::start_slow(Duration::ZERO).await
    }

    /// Every answer comes this much later.
    pub async fn start_slow(latency: Duration) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let pages: Arc<Mutex<HashMap<String, Handler>>> = Arc::default();
        let (log, table) = (seen.clone(), pages.clone());
        let app = axum::Router::new().fallback(move |request: Request| {
            let (log, table) = (log.clone(), table.clone());
            async move { answer(request, &log, &table, latency).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Web { host, seen, pages }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Answers a path by a function.
    pub fn on(&self, path: &str, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> &Self {
        self.pages.lock().unwrap().insert(path.to_owned(), Arc::new(handler));
        self
    }

    /// Answers a path with a file, ranges and all.
    pub fn file(&self, path: &str, bytes: impl Into<Bytes>) -> &Self {
        let bytes = bytes.into();
        self.on(path, move |seen| Reply::file(&bytes, Some("\"v1\""), seen))
    }

    /// Answers with all files of a folder under a prefix.
    pub fn folder(&self, prefix: &str, folder: &Path) -> &Self {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                self.file(&format!("{prefix}/{name}"), std::fs::read(&path).unwrap());
            }
        }
        self
    }

    pub fn asked(&self, path: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|s| s.path == path).count()
    }

    pub fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// A policy that lets this server through, with short patience.
    pub fn policy(&self) -> NetPolicy {
        NetPolicy {
            allow_hosts: vec![self.host.clone()],
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(5),
            live_stall: Duration::from_secs(3),
            ..NetPolicy::default()
        }
    }

    pub fn request(&self, path: &str, folder: &Path) -> FetchRequest {
        FetchRequest {
            url: self.url(path),
            headers: Vec::new(),
            policy: self.policy(),
            folder: folder.to_owned(),
        }
    }

    pub async fn get(&self, path: &str, folder: &Path) -> Result<Fetched, MediaError> {
        run(self.request(path, folder)).await
    }
}

async fn answer(
    request: Request,
    log: &Mutex<Vec<Seen>>,
    table: &Mutex<HashMap<String, Handler>>,
    latency: Duration,
) -> Response<Body> {
    let seen = {
        let mut log = log.lock().unwrap();
        let path = request.uri().path().to_owned();
        let before = log.iter().filter(|s| s.path == path).count();
        let query = request.uri().query().unwrap_or_default().to_owned();
        log.push(Seen { path, query, headers: request.headers().clone(), before });
        log.last().unwrap().clone()
    };
    let handler = table.lock().unwrap().get(&seen.path).cloned();
    let reply = handler.map_or_else(|| Reply::new(404, "nothing here"), |handler| handler(&seen));
    tokio::time::sleep(latency + reply.delay).await;
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(name, value);
    }
    if reply.cut_after.is_none() && reply.drip.is_zero() {
        return builder.body(Body::from(reply.body)).unwrap();
    }
    let says_length = reply.headers.iter().any(|(n, _)| n == "content-length" || n == "transfer-encoding");
    if !says_length {
        builder = builder.header("content-length", reply.body.len());
    }
    let end = reply.cut_after.unwrap_or(usize::MAX).min(reply.body.len());
    let broken = reply.cut_after.is_some();
    let stream = futures::stream::unfold((reply.body, 0usize, false), move |(body, at, over)| async move {
        if over {
            return None;
        }
        if at >= end {
            // Let what was sent leave before the line is cut.
            tokio::time::sleep(Duration::from_millis(30)).await;
            return broken.then(|| (Err(std::io::Error::other("cut")), (body, at, true)));
        }
        if at > 0 {
            tokio::time::sleep(reply.drip).await;
        }
        let next = (at + (16 << 10)).min(end);
        Some((Ok(body.slice(at..next)), (body, next, false)))
    });
    builder.body(Body::from_stream(stream)).unwrap()
}

pub async fn tools() -> Tools {
    static TOOLS: OnceCell<Tools> = OnceCell::const_new();
    // Tests of our own search must not depend on what else is installed.
    let paths = ToolPaths { yt_dlp: Some("/nonexistent/yt-dlp".into()), ..ToolPaths::default() };
    TOOLS.get_or_init(|| async { Tools::find(&paths).await }).await.clone()
}

/// Fetches as one call of a process would.
pub async fn run(request: FetchRequest) -> Result<Fetched, MediaError> {
    std::fs::create_dir_all(&request.folder).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    fetch(request, &tools().await, &Run::quiet(scratch.path())).await
}

pub fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

/// Bytes that look like an MP4 file and differ everywhere.
pub fn fake_mp4(length: usize, seed: u8) -> Bytes {
    let mut bytes = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2".to_vec();
    let mut state = u32::from(seed) + 1;
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push((state >> 24) as u8);
    }
    bytes.into()
}
