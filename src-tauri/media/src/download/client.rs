//! The one way out: GET requests with the guard at every hop, and single POSTs for webhooks.
//!
//! Owns connections, redirects, time-outs, and the codes that answers and broken connections become. Leaves which
//! header goes where to [`SourceHeaders`], retries and files to its callers.
//! Invariants: every hop passes [`check_url`]; a private address is reached only under a name the user allowed.
//!
//! The proxies of the environment are not used: a proxy resolves names by itself, beyond our check, so one line of
//! environment would undo the guard.

use super::guard::{self, BlockedName, Lookup, VettingResolver, check_parsed, shown, shown_host};
use super::headers::SourceHeaders;
use super::{NetPolicy, check_url};
use crate::MediaError;
use bytes::Bytes;
use domain::ErrorCode;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;
use url::Url;

/// Many content networks turn unknown programs away; this says both what we can read and who we are.
pub(super) const USER_AGENT: &str = concat!(
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Bobina/",
    env!("CARGO_PKG_VERSION")
);

/// The longest time a server may send us away for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A guarded client: cheap to clone, keeps its connections.
#[derive(Clone)]
pub struct Client {
    /// Reaches public addresses only.
    vetted: reqwest::Client,
    /// Used for hosts the user allowed; apart, so that no connection or name is shared.
    allowed: reqwest::Client,
    policy: Arc<NetPolicy>,
}

/// Makes a guarded client.
///
/// Errors: `INTERNAL` when the TLS set-up of this machine cannot be read.
pub fn client(policy: &NetPolicy) -> Result<Client, MediaError> {
    client_with(policy, guard::system_lookup())
}

pub(super) fn client_with(policy: &NetPolicy, lookup: Lookup) -> Result<Client, MediaError> {
    // Whoever installed a provider before us has decided; either way there is one now.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let build = |vet: bool| {
        reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(VettingResolver::new(lookup.clone(), vet)))
            .connect_timeout(policy.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|e| {
                MediaError::new(ErrorCode::Internal, "The network client cannot be made.")
                    .with_detail(chain(&e))
            })
    };
    Ok(Client { vetted: build(true)?, allowed: build(false)?, policy: Arc::new(policy.clone()) })
}

/// One GET to make.
#[derive(Clone)]
pub struct Ask<'a> {
    url: &'a Url,
    headers: &'a SourceHeaders,
    /// Set by us, sent to every hop: ranges and validators, nothing secret.
    own: HeaderMap,
}

impl<'a> Ask<'a> {
    pub fn new(url: &'a Url, headers: &'a SourceHeaders) -> Self {
        Self { url, headers, own: HeaderMap::new() }
    }

    /// Sets a header of our own; one that cannot be written is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.as_ref()) {
            self.own.insert(name, value);
        }
        self
    }

    /// Bytes as they lie on the server, so that ranges mean what they say.
    #[must_use]
    pub fn unpacked(self) -> Self {
        self.with(ACCEPT_ENCODING, "identity")
    }
}

/// An answer whose body is still to come.
pub struct Answer {
    response: Response,
    /// Taken down at once: the response itself only knows what is still to come.
    length: Option<u64>,
    idle: Duration,
    /// Where it came from, redirects followed.
    pub url: Url,
}

impl Client {
    pub fn policy(&self) -> &NetPolicy {
        &self.policy
    }

    /// Asks, follows redirects, hands back whatever answer ends them, whatever its status.
    ///
    /// Errors: those of [`check_url`], `TOO_MANY_REDIRECTS`, `NETWORK_LOST`, `NETWORK_TIMEOUT`, `SERVER_FAULT`.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, MediaError> {
        let mut url = check_parsed(ask.url.clone(), &self.policy)?;
        for _ in 0..=self.policy.max_redirects {
            let response = self.hop(&url, ask).await?;
            let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let Some(location) = response.headers().get(LOCATION).filter(|_| moved) else {
                let length = response.content_length();
                return Ok(Answer { response, length, idle: self.policy.idle_timeout, url });
            };
            let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
            let next = url.join(location.trim()).map_err(|e| {
                MediaError::new(
                    ErrorCode::ServerFault,
                    format!("{} redirects to no address: {e}.", shown_host(&url)),
                )
            })?;
            url = check_parsed(next, &self.policy)?;
        }
        Err(MediaError::new(
            ErrorCode::TooManyRedirects,
            format!("{} redirects more than {} times.", shown_host(ask.url), self.policy.max_redirects),
        ))
    }

    /// Asks, and makes an error of every status but 2xx.
    pub async fn get(&self, ask: &Ask<'_>) -> Result<Answer, MediaError> {
        let answer = self.ask(ask).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(answer.refusal()) }
    }

    /// Fetches a small text, such as a playlist or page, or `None` where it is longer than `most` bytes.
    pub async fn text(&self, ask: &Ask<'_>, most: usize) -> Result<(Option<String>, Url), MediaError> {
        let mut answer = self.get(ask).await?;
        let mut got = Vec::new();
        while let Some(piece) = answer.next().await? {
            if got.len() + piece.len() > most {
                return Ok((None, answer.url));
            }
            got.extend_from_slice(&piece);
        }
        Ok((Some(String::from_utf8_lossy(&got).into_owned()), answer.url))
    }

    /// Sends `body` once, follows no redirect, hands back whatever answer comes within `patience`.
    ///
    /// Errors: those of [`check_url`], `NETWORK_LOST`, `NETWORK_TIMEOUT`, `SERVER_FAULT`.
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        patience: Duration,
    ) -> Result<Answer, MediaError> {
        let url = check_parsed(url.clone(), &self.policy)?;
        let client = if guard::passes_freely(&url, &self.policy) { &self.allowed } else { &self.vetted };
        let sending = client.post(url.clone()).headers(headers).body(body).send();
        let response = match timeout(patience, sending).await {
            Err(_) => return Err(silent(&url)),
            Ok(Err(error)) => return Err(broken(error, &url)),
            Ok(Ok(response)) => response,
        };
        let length = response.content_length();
        Ok(Answer { response, length, idle: patience, url })
    }

    async fn hop(&self, url: &Url, ask: &Ask<'_>) -> Result<Response, MediaError> {
        let free = guard::passes_freely(url, &self.policy);
        let client = if free { &self.allowed } else { &self.vetted };
        let mut headers = ask.headers.for_url(url);
        headers.extend(ask.own.clone());
        let sending = client.get(url.clone()).headers(headers).send();
        let patience = self.policy.connect_timeout + self.policy.idle_timeout;
        match timeout(patience, sending).await {
            Err(_) => Err(silent(url)),
            Ok(Err(error)) => Err(broken(error, url)),
            Ok(Ok(response)) => Ok(response),
        }
    }
}

impl Answer {
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// When the server wants us back, as far as it says; at most a day.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header(RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now()))
    }

    /// The length the server promised for the whole body, when it is not packed.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next piece of the body, `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        match timeout(self.idle, self.response.chunk()).await {
            Err(_) => Err(silent(&self.url)),
            Ok(Err(error)) => Err(broken(error, &self.url)),
            Ok(Ok(piece)) => Ok(piece),
        }
    }

    /// The error a status that is no success stands for.
    pub fn refusal(&self) -> MediaError {
        let status = self.status();
        let host = shown_host(&self.url);
        let after = self.header(RETRY_AFTER).and_then(|v| retry_after(v, SystemTime::now()));
        let (code, says) = match status.as_u16() {
            401 | 403 | 407 | 451 => (ErrorCode::AccessRefused, format!("{host} refuses access")),
            404 | 410 => (ErrorCode::UrlNotFound, format!("{host} says there is nothing at this address")),
            408 => (ErrorCode::NetworkTimeout, format!("{host} waited too long for us")),
            429 => (ErrorCode::RateLimited, format!("{host} wants fewer requests")),
            503 if after.is_some() => {
                (ErrorCode::RateLimited, format!("{host} is busy and says when to come back"))
            }
            500.. => (ErrorCode::ServerFault, format!("{host} failed")),
            _ => (ErrorCode::AccessRefused, format!("{host} does not accept the request")),
        };
        let mut error =
            MediaError::new(code, format!("{says} ({}).", status.as_u16())).with_detail(shown(&self.url));
        error.retry_after = after.filter(|_| code == ErrorCode::RateLimited);
        error
    }
}

/// Reads `Retry-After`: seconds, or a date of RFC 9110.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    let then = SystemTime::from(date.timestamp());
    Some(then.duration_since(now).unwrap_or_default().min(MAX_RETRY_AFTER))
}

fn silent(url: &Url) -> MediaError {
    MediaError::new(ErrorCode::NetworkTimeout, format!("{} has gone silent.", shown_host(url)))
}

/// What a failed exchange means. Addresses are left out of the text: their queries may hold keys.
fn broken(error: reqwest::Error, url: &Url) -> MediaError {
    let host = shown_host(url);
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = source {
        if inner.is::<BlockedName>() {
            return guard::blocked(url);
        }
        source = inner.source();
    }
    let timed_out = error.is_timeout();
    let connecting = error.is_connect();
    let text = chain(&error.without_url());
    let (code, message) = if timed_out {
        (ErrorCode::NetworkTimeout, format!("{host} does not answer."))
    } else if connecting {
        (ErrorCode::NetworkLost, format!("No connection to {host}."))
    } else if text.contains("invalid HTTP") || text.contains("HTTP version") {
        (ErrorCode::ServerFault, format!("{host} does not speak HTTP."))
    } else {
        (ErrorCode::NetworkLost, format!("The connection to {host} broke."))
    };
    MediaError::new(code, message).with_detail(text)
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

/// Resolves one line of a playlist or one attribute of a page against its base, and checks it.
pub(super) fn resolve(base: &Url, reference: &str, policy: &NetPolicy) -> Result<Url, MediaError> {
    let joined = base.join(reference.trim()).map_err(|e| {
        MediaError::new(ErrorCode::UrlInvalid, format!("An address inside is broken: {e}."))
            .with_detail(reference.chars().take(200).collect::<String>())
    })?;
    check_url(joined.as_str(), policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_400);
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(80)));
        assert_eq!(retry_after("Fri, 21 Oct 2005 07:28:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("999999999", now), Some(MAX_RETRY_AFTER));
        assert_eq!(retry_after("soon", now), None);
    }

    #[tokio::test]
    async fn a_name_that_turns_private_is_not_reached() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        // A listener that must see nothing, and a name that leads to it.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let lookup: Lookup = Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]) })
        });
        let client = client_with(&NetPolicy::default(), lookup).unwrap();
        let target = url(&format!("http://rebind.example:{port}/"));
        let headers = SourceHeaders::new(&target, &[]).unwrap();
        let error = client.ask(&Ask::new(&target, &headers)).await.err().unwrap();
        assert_eq!(error.code, ErrorCode::HostBlocked);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let seen = timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(seen.is_err(), "a connection was opened");
    }
}
