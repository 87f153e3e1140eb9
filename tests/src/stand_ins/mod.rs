//! Stand-ins for cloud services: real servers on loopback that behave as the reference says, faults included.
//!
//! Owns listening, recording, injected faults and the ways an answer can arrive. Leaves each service's rules to its own
//! file, written from the reference and not from our adapters: header by header, field by field.
//! Invariant: a request that breaks a rule is answered as the service would and is kept as a complaint; what would be
//! charged for is counted.

mod form;
pub mod hearing;
pub mod speech;

pub use form::Part;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; a complaint when it is none or is not said to be.
    pub fn json(&self) -> Result<Value, Reply> {
        if self.header("content-type").is_none_or(|kind| !kind.starts_with("application/json")) {
            return Err(Reply::complaint("the content type is not application/json"));
        }
        serde_json::from_slice(&self.body).map_err(|_| Reply::complaint("the body is not JSON"))
    }

    /// The parts of a form.
    pub fn form(&self) -> Result<Vec<Part>, Reply> {
        form::parse(self.header("content-type").unwrap_or_default(), &self.body).map_err(Reply::complaint)
    }
}

/// How an answer arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Whole,
    /// Byte by byte in a few pieces, with a pause between.
    Slow,
    /// Half of it, then the connection is gone.
    Cut,
    /// Never.
    Hang,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub manner: Manner,
    /// What was wrong with the request, when it broke a rule.
    pub complaint: Option<String>,
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Self {
        let headers = vec![("content-type".to_string(), "application/json".to_string())];
        Self { status, headers, body: body.to_string().into(), manner: Manner::Whole, complaint: None }
    }

    pub fn bytes(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_string(), content_type.to_string())];
        Self { status, headers, body: body.into(), manner: Manner::Whole, complaint: None }
    }

    /// The request breaks a rule of the service.
    pub fn complaint(what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            complaint: Some(what.clone()),
            ..Self::json(
                400,
                json!({ "error": { "message": what, "type": "stand_in", "param": null, "code": null } }),
            )
        }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    #[must_use]
    pub fn arriving(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }
}

/// What a stand-in remembers between requests.
#[derive(Debug, Default)]
pub struct Memory {
    /// Wishes that would be charged for.
    pub purchases: usize,
    /// How often each job was looked at.
    pub looks: HashMap<String, usize>,
    /// Words a job's status goes through before its end.
    pub words: Vec<String>,
    /// How the job ends when not well.
    pub ends: Option<Value>,
    /// Where this stand-in listens, without a slash at its end.
    pub address: String,
    /// Time each paid answer takes.
    pub latency: Duration,
}

/// The rules of one service.
pub type Rules = fn(&Seen, &mut Memory) -> Result<Reply, Reply>;

#[derive(Default)]
struct Inner {
    memory: Memory,
    seen: Vec<Seen>,
    complaints: Vec<String>,
    /// Answers given instead of the rules' own to requests whose path holds the text, in order.
    faults: VecDeque<(String, Reply)>,
    /// The rules' answers to such paths arrive in this manner.
    manners: Vec<(String, Manner)>,
}

/// A running stand-in; ends with the test's runtime.
#[derive(Clone)]
pub struct StandIn {
    /// `http://127.0.0.1:<port>`.
    pub address: String,
    inner: Arc<Mutex<Inner>>,
}

impl StandIn {
    pub async fn start(rules: Rules) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let inner: Arc<Mutex<Inner>> = Arc::default();
        let stand_in = Self { address: address.clone(), inner };
        stand_in.locked().memory.address = address;
        let router = Router::new().fallback(serve).with_state((stand_in.clone(), rules));
        tokio::spawn(async move { axum::serve(listener, router).await });
        stand_in
    }

    /// The next request whose path holds `path` is answered so.
    pub fn fault(&self, path: &str, reply: Reply) {
        self.locked().faults.push_back((path.to_string(), reply));
    }

    /// Answers to paths that hold `path` arrive in that manner from now on.
    pub fn manner(&self, path: &str, manner: Manner) {
        self.locked().manners.push((path.to_string(), manner));
    }

    pub fn remember(&self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.locked().memory);
    }

    pub fn purchases(&self) -> usize {
        self.locked().memory.purchases
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.locked().seen.clone()
    }

    /// Rules that were broken.
    pub fn complaints(&self) -> Vec<String> {
        self.locked().complaints.clone()
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, seen: Seen, rules: Rules) -> (Reply, Duration) {
        let mut inner = self.locked();
        inner.seen.push(seen.clone());
        if let Some(at) = inner.faults.iter().position(|(path, _)| seen.path.contains(path.as_str()))
            && let Some((_, reply)) = inner.faults.remove(at)
        {
            return (reply, Duration::ZERO);
        }
        let before = inner.memory.purchases;
        let mut reply = rules(&seen, &mut inner.memory).unwrap_or_else(|refusal| refusal);
        if let Some(complaint) = &reply.complaint {
            inner.complaints.push(format!("{} {}: {complaint}", seen.method, seen.path));
        }
        if let Some((_, manner)) = inner.manners.iter().find(|(path, _)| seen.path.contains(path.as_str())) {
            reply.manner = *manner;
        }
        let wait = if inner.memory.purchases > before { inner.memory.latency } else { Duration::ZERO };
        (reply, wait)
    }
}

async fn serve(State((stand_in, rules)): State<(StandIn, Rules)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 256 * 1024 * 1024).await else { return Response::default() };
    let query = parts.uri.query().unwrap_or_default();
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let seen = Seen {
        method: parts.method,
        path: parts.uri.path().to_string(),
        query,
        headers: parts.headers,
        body,
    };
    let (reply, wait) = stand_in.answer(seen, rules);
    tokio::time::sleep(wait).await;
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).expect("a status"));
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = match reply.manner {
        Manner::Whole => Body::from(reply.body),
        Manner::Hang => std::future::pending().await,
        Manner::Slow => pieces(&reply.body, 5, false),
        Manner::Cut => {
            response = response.header("content-length", reply.body.len());
            pieces(&reply.body, 2, true)
        }
    };
    response.body(body).expect("an answer")
}

/// The bytes in that many pieces with pauses between; when cut, the last piece is a broken connection.
fn pieces(bytes: &Bytes, count: usize, cut: bool) -> Body {
    let size = bytes.len().div_ceil(count).max(1);
    let mut parts: Vec<std::io::Result<Bytes>> =
        bytes.chunks(size).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
    if cut {
        parts.pop();
        parts.push(Err(std::io::Error::other("cut")));
    }
    Body::from_stream(futures::stream::unfold(parts.into_iter(), |mut parts| async move {
        let part = parts.next()?;
        tokio::time::sleep(Duration::from_millis(40)).await;
        Some((part, parts))
    }))
}

/// Refuses a request whose header is not exactly that.
pub(crate) fn demand(seen: &Seen, header: &str, value: &str, refusal: Value) -> Result<(), Reply> {
    if seen.header(header) == Some(value) { Ok(()) } else { Err(Reply::json(401, refusal)) }
}
