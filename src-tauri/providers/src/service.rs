//! One configured service: where it is, how the key is shown to it.

use crate::call::Call;
use crate::error::ProviderError;
use crate::http::Http;
use crate::key::ApiKey;
use domain::ErrorCode;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

/// How a key is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// `Authorization: Bearer <key>`.
    #[default]
    Bearer,
    /// `Authorization: Token <key>`: Deepgram.
    Token,
    /// `Authorization: Key <key>`: fal.
    Key,
    /// `Authorization: <key>`: AssemblyAI.
    Bare,
    /// `x-api-key: <key>`: sync.so, PiAPI, Pika.
    XApiKey,
    /// `xi-api-key: <key>`: ElevenLabs.
    XiApiKey,
    /// `x-goog-api-key: <key>`: Gemini.
    XGoogApiKey,
    /// The service asks for none.
    None,
}

/// A service as this user has set it up.
#[derive(Clone, Debug)]
pub struct Service {
    /// Name in the registry, such as `openai`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Where its paths begin.
    pub base: Url,
    pub auth: Auth,
    pub key: Option<ApiKey>,
    pub http: Http,
    /// Time between two looks at a job.
    pub pace: Duration,
    /// The wait after a 429 that names none.
    pub wait_when_limited: Option<Duration>,
}

impl Service {
    /// The address of a path below the base; segments are escaped by the caller where they come from outside.
    pub(crate) fn url(&self, path: &str) -> Result<Url, ProviderError> {
        let joined = format!("{}/{}", self.base.as_str().trim_end_matches('/'), path.trim_start_matches('/'));
        Url::parse(&joined).map_err(|e| {
            let message = format!("The address of {} is broken: {e}.", self.title);
            ProviderError::new(ErrorCode::UrlInvalid, &self.name, message)
        })
    }

    /// Whether the key may go there: same scheme, host and port as the base.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// The text without the key.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_string(), |key| key.removed_from(text))
    }

    pub(crate) fn sign(&self, headers: &mut HeaderMap) -> Result<(), ProviderError> {
        if self.auth == Auth::None {
            return Ok(());
        }
        let Some(key) = &self.key else {
            let message = format!("There is no key for {}.", self.title);
            return Err(ProviderError::new(ErrorCode::KeyMissing, &self.name, message));
        };
        let own = |name: &'static str, scheme: &str| (HeaderName::from_static(name), scheme.to_string());
        let (name, prefix) = match self.auth {
            Auth::Bearer => (AUTHORIZATION, "Bearer ".to_string()),
            Auth::Token => (AUTHORIZATION, "Token ".to_string()),
            Auth::Key => (AUTHORIZATION, "Key ".to_string()),
            Auth::Bare | Auth::None => (AUTHORIZATION, String::new()),
            Auth::XApiKey => own("x-api-key", ""),
            Auth::XiApiKey => own("xi-api-key", ""),
            Auth::XGoogApiKey => own("x-goog-api-key", ""),
        };
        let mut value = HeaderValue::try_from(format!("{prefix}{}", key.expose())).map_err(|_| {
            let message = format!("The key for {} holds characters that no key has.", self.title);
            ProviderError::new(ErrorCode::KeyRefused, &self.name, message)
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }

    /// Asks something that costs nothing and needs the key, to see whether it is good. `path` below the base.
    pub async fn check_key(&self, call: &Call, path: &str) -> Result<(), ProviderError> {
        let ask = crate::http::Ask::get(self.url(path)?);
        self.send(call, ask).await.map(drop)
    }
}
