//! The one way to a cloud service: requests with a key, time limits, size bounds, and what refusals mean.
//!
//! Owns sending, the local-only rule, and telling a lost answer from a lost connection. Leaves what the body says to
//! the services, the meaning of refusals to [`classify`], and polling to [`crate::driver`].
//! Invariants: nothing is sent twice by itself; a paid request whose answer was lost ends as `OUTCOME_UNKNOWN`; with
//! local-only on, no host but this machine is connected to; redirects are never followed, since they would carry the
//! key elsewhere.

pub(crate) mod classify;
pub(crate) mod multipart;
pub(crate) mod wait;

use crate::call::Call;
use crate::error::ProviderError;
use crate::service::Service;
use bytes::{Bytes, BytesMut};
use domain::ErrorCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, StatusCode};
use serde_json::Value;
use std::time::Duration;
use url::{Host, Url};

const CONNECT: Duration = Duration::from_secs(15);
/// A body may pause this long.
const IDLE: Duration = Duration::from_secs(90);
/// Largest JSON answer that is read, in bytes.
pub(crate) const MAX_JSON: usize = 64 * 1024 * 1024;
/// Largest refusal that is read, in bytes.
const MAX_REFUSAL: usize = 256 * 1024;

/// Whether sending it may cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Asking, uploading, cancelling: may be sent again.
    Free,
    /// Starts or does work that is charged for.
    Paid,
}

/// A request to be sent.
pub(crate) struct Ask {
    pub method: Method,
    pub url: Url,
    pub effect: Effect,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Largest answer, in bytes.
    pub most: usize,
}

impl Ask {
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url, Effect::Free)
    }

    pub fn new(method: Method, url: Url, effect: Effect) -> Self {
        Self { method, url, effect, headers: HeaderMap::new(), body: Bytes::new(), most: MAX_JSON }
    }

    pub fn json(method: Method, url: Url, effect: Effect, body: &Value) -> Self {
        let ask = Self::new(method, url, effect).header(CONTENT_TYPE, "application/json");
        Self { body: Bytes::from(body.to_string()), ..ask }
    }

    pub fn bytes(url: Url, effect: Effect, content_type: &str, body: Bytes) -> Self {
        Self { body, ..Self::new(Method::POST, url, effect).header(CONTENT_TYPE, content_type) }
    }

    /// Sets a header; one that cannot be written is left out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Connections to services; cheap to clone.
#[derive(Clone, Debug)]
pub struct Http {
    /// Obeys the proxies of the system.
    secure: reqwest::Client,
    /// For plain http, which is this machine or its network: a proxy would read the key.
    plain: reqwest::Client,
    local_only: bool,
}

impl Http {
    /// Errors: `INTERNAL` when the TLS set-up of this machine cannot be read.
    pub fn new() -> Result<Self, ProviderError> {
        // Whoever installed a provider before us has decided; either way there is one now.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT)
                .read_timeout(IDLE)
                .pool_idle_timeout(Duration::from_secs(30))
                .build()
                .map_err(|e| {
                    ProviderError::new(ErrorCode::Internal, "", "The network client cannot be made.")
                        .with_detail(e.to_string())
                })
        };
        let secure = build(reqwest::Client::builder())?;
        let plain = build(reqwest::Client::builder().no_proxy())?;
        Ok(Self { secure, plain, local_only: false })
    }

    /// Whether only this machine may be contacted.
    #[must_use]
    pub fn local_only(mut self, yes: bool) -> Self {
        self.local_only = yes;
        self
    }

    fn client(&self, url: &Url) -> &reqwest::Client {
        if url.scheme() == "https" { &self.secure } else { &self.plain }
    }
}

/// Whether an address is this machine by its very form; names but `localhost` are not trusted.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl Service {
    /// Sends with the service's key and hands back a success; anything else is the error it stands for.
    pub(crate) async fn send(&self, call: &Call, ask: Ask) -> Result<Answer, ProviderError> {
        let keyed = self.is_own(&ask.url);
        let answer = self.exchange(call, ask, keyed).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(classify::refusal(self, &answer)) }
    }

    /// Sends and reads JSON. A paid request whose answer cannot be read ends as `OUTCOME_UNKNOWN`.
    pub(crate) async fn json(&self, call: &Call, ask: Ask) -> Result<Value, ProviderError> {
        let effect = ask.effect;
        let answer = self.send(call, ask).await?;
        serde_json::from_slice(&answer.body).map_err(|_| self.unreadable(effect, "it is not JSON"))
    }

    /// The error of an accepted request whose answer makes no sense.
    pub(crate) fn unreadable(&self, effect: Effect, what: &str) -> ProviderError {
        match effect {
            Effect::Free => ProviderError::odd(&self.name, &self.title, what),
            Effect::Paid => self.lost(&format!("its answer cannot be read: {what}")),
        }
    }

    fn lost(&self, why: &str) -> ProviderError {
        let message = format!(
            "{} was sent a request that may have been charged, and {why}. It is not sent again by itself.",
            self.title
        );
        ProviderError::new(ErrorCode::OutcomeUnknown, &self.name, message)
    }

    async fn exchange(&self, call: &Call, ask: Ask, keyed: bool) -> Result<Answer, ProviderError> {
        if self.http.local_only && !is_this_machine(&ask.url) {
            let message = format!("{} was not contacted: local-only mode is on.", self.title);
            return Err(ProviderError::new(ErrorCode::LocalOnly, &self.name, message));
        }
        let left = call.left(&self.name)?;
        let (effect, most) = (ask.effect, ask.most);
        let mut headers = ask.headers;
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Bobina/", env!("CARGO_PKG_VERSION"))));
        if keyed {
            self.sign(&mut headers)?;
        }
        if let Some(host) = ask.url.host_str() {
            call.note_host(host);
        }
        let request = self.http.client(&ask.url).request(ask.method, ask.url).headers(headers).body(ask.body);
        let work = async {
            let response = request.send().await.map_err(|e| self.broken(e, effect))?;
            self.read(response, effect, most).await
        };
        let answer = tokio::select! {
            () = call.cancel.cancelled() => return Err(self.cut(effect, ErrorCode::Cancelled)),
            () = tokio::time::sleep(left) => return Err(self.cut(effect, ErrorCode::NetworkTimeout)),
            answer = work => answer?,
        };
        call.note_limits(wait::limits(&answer.headers));
        tracing::debug!(provider = self.name, status = answer.status.as_u16(), "answered");
        Ok(answer)
    }

    async fn read(
        &self,
        mut response: reqwest::Response,
        effect: Effect,
        most: usize,
    ) -> Result<Answer, ProviderError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let most = if status.is_success() { most } else { MAX_REFUSAL };
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(piece)) if body.len() + piece.len() > most && status.is_success() => {
                    return Err(self.unreadable(effect, &format!("it is longer than {most} bytes")));
                }
                Ok(Some(piece)) => body.extend_from_slice(&piece[..piece.len().min(most - body.len())]),
                Ok(None) => break,
                // A refusal's status says enough.
                Err(_) if !status.is_success() => break,
                Err(error) => return Err(self.broken(error, effect)),
            }
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }

    /// What is said of a request that was stopped while it was under way.
    fn cut(&self, effect: Effect, code: ErrorCode) -> ProviderError {
        match effect {
            Effect::Paid => self.lost("the answer was not waited for"),
            Effect::Free if code == ErrorCode::Cancelled => ProviderError::cancelled(&self.name),
            Effect::Free => {
                ProviderError::new(code, &self.name, format!("{} did not answer in time.", self.title))
            }
        }
    }

    /// What a failed exchange means. The address is left out: its query may hold a key.
    fn broken(&self, error: reqwest::Error, effect: Effect) -> ProviderError {
        let (connecting, timed_out) = (error.is_connect(), error.is_timeout());
        let text = self.clean(&chain(&error.without_url()));
        let error = if connecting {
            // Nothing was sent yet, so nothing was charged.
            ProviderError::new(
                ErrorCode::NetworkLost,
                &self.name,
                format!("No connection to {}.", self.title),
            )
        } else if effect == Effect::Paid {
            self.lost("the connection broke before its answer came")
        } else if timed_out {
            ProviderError::new(
                ErrorCode::NetworkTimeout,
                &self.name,
                format!("{} has gone silent.", self.title),
            )
        } else {
            let message = format!("The connection to {} broke.", self.title);
            ProviderError::new(ErrorCode::NetworkLost, &self.name, message)
        };
        error.with_detail(text)
    }
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
