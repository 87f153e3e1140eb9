//! Who is let in, decided before any routing.
//!
//! Owns the checks of `Host`, `Origin`, `Sec-Fetch-Site` and the bearer token, and slowing down wrong tokens.
//! Leaves what a request does to the routes.
//! Invariant: a web page of another origin reaches nothing; without the token only the UI's files are readable,
//! and media only under the token in its path. There are no cookies, and no token is read from a query.

use crate::answer;
use crate::token::Token;
use axum::response::Response;
use domain::{ApiError, ErrorCode};
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request};
use std::sync::Mutex;
use std::time::Instant;

/// The window's own origins: WebKit (Linux, macOS), and WebView2 with and without TLS.
const WINDOW_ORIGINS: [&str; 3] = ["tauri://localhost", "http://tauri.localhost", "https://tauri.localhost"];

/// Wrong tokens in a row that are answered at once.
const BURST: f64 = 10.0;
/// Wrong tokens a second that are answered after that; the others get 429.
const PER_SECOND: f64 = 1.0;

/// The WebSocket subprotocol that carries the token, since a browser cannot send a header there.
pub(crate) const WEBSOCKET_BEARER: &str = "bobina.bearer.";

/// What a listener lets in.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) port: u16,
    pub(crate) bearer: Token,
    /// The token of this start in every media path.
    pub(crate) media: Token,
    wrong: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Instant,
}

/// The parts of the server by what they ask of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Area {
    /// Commands and events: the bearer token.
    Api,
    /// The same, with the token in the subprotocol.
    Socket,
    /// Media: the token in the path, cross-site reads by the window.
    Media,
    /// The public API: a token that its own routes look at.
    Public,
    /// The UI's own files: public, but to its own origin only.
    Ui,
}

/// The document that describes the public API; it holds nothing that is not in our documentation.
const DOCUMENT: &str = "/api/v1/openapi.json";

fn area(path: &str) -> Area {
    if path == DOCUMENT {
        return Area::Ui;
    }
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "media" => Area::Media,
        "ws" => Area::Socket,
        "rpc" | "events" | "health" => Area::Api,
        "api" | "v1" | "metrics" => Area::Public,
        _ => Area::Ui,
    }
}

impl Guard {
    pub(crate) fn new(port: u16, bearer: Token, media: Token) -> Self {
        Self { port, bearer, media, wrong: Mutex::new(Bucket { left: BURST, filled: Instant::now() }) }
    }

    /// Lets a request pass, or says why not. The error is the whole answer.
    pub(crate) fn admit<B>(&self, request: &Request<B>) -> Result<(), Box<Response>> {
        let headers = request.headers();
        let area = area(request.uri().path());
        let host = self.host(request).ok_or_else(|| forbidden("This address is not Bobina's."))?;
        let origin = only(headers, &header::ORIGIN).map_err(|()| forbidden("More than one Origin."))?;
        if let Some(origin) = origin {
            let own = origin.strip_prefix("http://").is_some_and(|rest| rest == host);
            let by_window = area == Area::Media && is_window(origin);
            if !own && !by_window {
                return Err(forbidden("Requests from other web pages are refused."));
            }
        }
        let site = only(headers, &HeaderName::from_static("sec-fetch-site"))
            .map_err(|()| forbidden("More than one Sec-Fetch-Site."))?;
        // <video> sends no Origin, so for media the unguessable path alone has to do.
        // Following a link to the UI's page is harmless: it holds nothing until it is given the token.
        let is_open = area == Area::Media || (area == Area::Ui && is_visit(request));
        if !is_open && !matches!(site, None | Some("same-origin" | "none")) {
            return Err(forbidden("Requests from other web pages are refused."));
        }
        if area == Area::Media && request.method() == Method::OPTIONS && origin.is_some_and(is_window) {
            return Ok(());
        }
        match self.token_of(area, request) {
            Some(false) => Err(Box::new(answer::error(&self.wrong_token()))),
            _ => Ok(()),
        }
    }

    /// The request's own host, when it names this listener.
    fn host<'r, B>(&self, request: &'r Request<B>) -> Option<&'r str> {
        let named = only(request.headers(), &header::HOST).ok()??;
        if let Some(authority) = request.uri().authority()
            && authority.as_str() != named
        {
            return None;
        }
        let (name, port) = named.rsplit_once(':')?;
        (matches!(name, "127.0.0.1" | "localhost") && port == self.port.to_string()).then_some(named)
    }

    /// Whether the right token came; `None` where none is asked for.
    fn token_of<B>(&self, area: Area, request: &Request<B>) -> Option<bool> {
        let headers = request.headers();
        match area {
            // Of the public API the token is looked at by `rest::access`, which knows the other tokens too.
            Area::Ui | Area::Public => None,
            Area::Media => {
                let given = request.uri().path().split('/').nth(2).unwrap_or_default();
                Some(self.media.is(given))
            }
            Area::Api => {
                let given = only(headers, &header::AUTHORIZATION).ok().flatten().and_then(bearer_of);
                Some(given.is_some_and(|given| self.bearer.is(given)))
            }
            Area::Socket => {
                let by_header = only(headers, &header::AUTHORIZATION).ok().flatten().and_then(bearer_of);
                let given = by_header.or_else(|| {
                    protocols(headers).find_map(|offered| offered.strip_prefix(WEBSOCKET_BEARER))
                });
                Some(given.is_some_and(|given| self.bearer.is(given)))
            }
        }
    }

    /// The answer to a wrong token: 401, and 429 once too many came. Right tokens are never slowed down.
    pub(crate) fn wrong_token(&self) -> ApiError {
        let mut bucket = self.wrong.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        let passed = now.duration_since(bucket.filled).as_secs_f64();
        bucket.left = (bucket.left + passed * PER_SECOND).min(BURST);
        bucket.filled = now;
        if bucket.left < 1.0 {
            return ApiError::new(ErrorCode::RateLimited, "Too many wrong tokens. Wait a little.")
                .with_retry_after_ms(1000);
        }
        bucket.left -= 1.0;
        ApiError::new(
            ErrorCode::Unauthorized,
            "The token is missing or wrong. Open the address that Bobina printed.",
        )
    }
}

/// The token a request of the public API presents: in its header, or, for the WebSocket, in the subprotocol.
pub(crate) fn presented<B>(request: &Request<B>) -> Option<&str> {
    let headers = request.headers();
    let by_header = only(headers, &header::AUTHORIZATION).ok().flatten().and_then(bearer_of);
    by_header.or_else(|| {
        let is_socket = request.uri().path() == "/api/v1/ws";
        protocols(headers).filter(|_| is_socket).find_map(|offered| offered.strip_prefix(WEBSOCKET_BEARER))
    })
}

/// The window's origin, when the request comes from there: it alone may read media across origins.
pub(crate) fn window_origin(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(header::ORIGIN).filter(|origin| origin.to_str().is_ok_and(is_window)).cloned()
}

/// The subprotocols a WebSocket client offers.
pub(crate) fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// A person opening a page in a tab of its own, as the browser says.
fn is_visit<B>(request: &Request<B>) -> bool {
    let says = |name: &str, word: &str| request.headers().get(name).is_some_and(|value| value == word);
    request.method() == Method::GET
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
}

fn is_window(origin: &str) -> bool {
    WINDOW_ORIGINS.contains(&origin)
}

fn bearer_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The only value of a header; an error when it stands twice or is not text.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(());
    }
    first.map(|value| value.to_str().map_err(|_| ())).transpose()
}

fn forbidden(message: &str) -> Box<Response> {
    Box::new(answer::refuse(ErrorCode::Forbidden, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard::new(4782, Token::new(), Token::new())
    }

    fn status(guard: &Guard, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        guard.admit(&request.body(()).unwrap()).map_or_else(|refused| refused.status().as_u16(), |()| 200)
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:4782");

    #[test]
    fn only_our_own_host_names_pass() {
        let guard = guard();
        for host in ["127.0.0.1:4782", "localhost:4782"] {
            assert_eq!(status(&guard, "/", &[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.com",
            "evil.com:4782",
            "127.0.0.1.evil.com:4782",
            "localhost.:4782",
            "[::ffff:127.0.0.1]:4782",
            "127.0.0.1",
            "127.0.0.1:4783",
            "127.1:4782",
            "",
        ] {
            assert_eq!(status(&guard, "/", &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&guard, "/", &[]), 403, "missing");
        assert_eq!(status(&guard, "/", &[HOST, ("host", "evil.com")]), 403, "twice");
        assert_eq!(status(&guard, "http://evil.com/", &[HOST]), 403, "absolute form");
    }

    #[test]
    fn other_origins_are_refused() {
        let guard = guard();
        let bearer = format!("Bearer {}", guard.bearer.as_str());
        let allowed = ("authorization", bearer.as_str());
        for origin in [
            "https://evil.com",
            "null",
            "http://127.0.0.1:3000",
            "https://127.0.0.1:4782",
            "tauri://localhost",
        ] {
            assert_eq!(status(&guard, "/rpc/x", &[HOST, allowed, ("origin", origin)]), 403, "{origin}");
            assert_eq!(status(&guard, "/ws", &[HOST, allowed, ("origin", origin)]), 403, "{origin}");
        }
        assert_eq!(status(&guard, "/rpc/x", &[HOST, allowed, ("origin", "http://127.0.0.1:4782")]), 200);
        for site in ["cross-site", "same-site"] {
            assert_eq!(status(&guard, "/rpc/x", &[HOST, allowed, ("sec-fetch-site", site)]), 403, "{site}");
            assert_eq!(status(&guard, "/", &[HOST, ("sec-fetch-site", site)]), 403, "{site}");
            let link = [HOST, ("sec-fetch-site", site), ("sec-fetch-mode", "navigate")];
            let page = [link.as_slice(), &[("sec-fetch-dest", "document")]].concat();
            let frame = [link.as_slice(), &[("sec-fetch-dest", "iframe")]].concat();
            assert_eq!(status(&guard, "/", &page), 200, "a link to the page, {site}");
            assert_eq!(status(&guard, "/", &frame), 403, "a frame, {site}");
            let page = [page.as_slice(), &[allowed]].concat();
            assert_eq!(status(&guard, "/rpc/x", &page), 403, "a link to a command, {site}");
        }
    }

    #[test]
    fn media_admits_the_window_and_nobody_else() {
        let guard = guard();
        let path = format!("/media/{}/file/m1", guard.media.as_str());
        assert_eq!(status(&guard, &path, &[HOST, ("sec-fetch-site", "cross-site")]), 200);
        for origin in WINDOW_ORIGINS {
            assert_eq!(status(&guard, &path, &[HOST, ("origin", origin)]), 200, "{origin}");
        }
        assert_eq!(status(&guard, &path, &[HOST, ("origin", "https://evil.com")]), 403);
        assert_eq!(status(&guard, "/media/wrong/file/m1", &[HOST]), 401);
        assert_eq!(status(&guard, "/media", &[HOST]), 401);
    }

    #[test]
    fn wrong_tokens_are_refused_and_then_slowed_down() {
        let guard = guard();
        let right = guard.bearer.as_str().to_string();
        let by_query = format!("/events?token={right}");
        assert_eq!(status(&guard, &by_query, &[HOST]), 401);
        for wrong in ["", "Bearer", "Bearer x", "Basic x"] {
            assert_eq!(status(&guard, "/events", &[HOST, ("authorization", wrong)]), 401, "{wrong}");
        }
        let short = format!("Bearer {}", &right[..63]);
        assert_eq!(status(&guard, "/events", &[HOST, ("authorization", &short)]), 401);
        let answers: Vec<u16> = (0..100).map(|_| status(&guard, "/events", &[HOST])).collect();
        assert!(answers.iter().filter(|answer| **answer == 429).count() >= 90, "{answers:?}");
        let bearer = format!("Bearer {right}");
        assert_eq!(
            status(&guard, "/events", &[HOST, ("authorization", &bearer)]),
            200,
            "right ones still pass"
        );
        let protocol = format!("bobina, {WEBSOCKET_BEARER}{right}");
        assert_eq!(status(&guard, "/ws", &[HOST, ("sec-websocket-protocol", &protocol)]), 200);
    }
}
