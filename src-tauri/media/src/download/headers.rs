//! Which header goes to which origin.
//!
//! Owns the user's own headers for one source and the referer a browser would send.
//! Invariant: secret headers go to the origin of their source alone, whatever redirects or playlists say.

use crate::MediaError;
use domain::{ErrorCode, Header};
use http::header::{HeaderMap, HeaderName, HeaderValue, REFERER};
use url::{Origin, Url};

/// Headers that tell nothing secret, so they may follow the media to another origin.
const HARMLESS: &[&str] = &["accept", "accept-language", "origin", "referer", "user-agent"];

/// The headers of one source and the rule where they go.
#[derive(Clone)]
pub struct SourceHeaders {
    home: Origin,
    /// Whether `home` is plain http; its https twin on the usual ports then counts as home too.
    home_url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The page the media was found on.
    page: Option<Url>,
}

impl SourceHeaders {
    /// The user's headers for `home`. Errors: `INVALID_INPUT` naming a header that is none.
    pub fn new(home: &Url, headers: &[Header]) -> Result<Self, MediaError> {
        let parse = |header: &Header| {
            let name = HeaderName::try_from(header.name.trim()).ok()?;
            let mut value = HeaderValue::try_from(header.value.trim()).ok()?;
            value.set_sensitive(header.is_secret());
            Some((name, value))
        };
        let headers = headers
            .iter()
            .map(|h| {
                parse(h).ok_or_else(|| {
                    MediaError::new(
                        ErrorCode::InvalidInput,
                        format!("“{}” is not a valid HTTP header.", h.name),
                    )
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { home: home.origin(), home_url: home.clone(), headers, page: None })
    }

    /// The same headers for media found on a page: a browser would name the page as the referer.
    #[must_use]
    pub fn found_on(&self, page: &Url) -> Self {
        Self { page: Some(page.clone()), ..self.clone() }
    }

    fn is_home(&self, url: &Url) -> bool {
        let upgraded = self.home_url.scheme() == "http"
            && url.scheme() == "https"
            && self.home_url.port().is_none()
            && url.port().is_none()
            && self.home_url.host() == url.host();
        url.origin() == self.home || upgraded
    }

    /// What is sent to `url`.
    pub(super) fn for_url(&self, url: &Url) -> HeaderMap {
        let home = self.is_home(url);
        let mut sent = HeaderMap::new();
        for (name, value) in &self.headers {
            if home || HARMLESS.contains(&name.as_str()) {
                sent.append(name.clone(), value.clone());
            }
        }
        if let Some(page) = &self.page
            && !sent.contains_key(REFERER)
            && let Some(value) = referer(page, url)
        {
            sent.insert(REFERER, value);
        }
        sent
    }
}

/// As browsers do by default: the whole address within an origin, the origin alone beyond it, nothing from https to http.
fn referer(page: &Url, to: &Url) -> Option<HeaderValue> {
    if page.scheme() == "https" && to.scheme() == "http" {
        return None;
    }
    let text = if page.origin() == to.origin() {
        page.to_string()
    } else {
        format!("{}/", page.origin().ascii_serialization())
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.into(), value: value.into() }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn secrets_stay_at_home() {
        let headers = [header("Cookie", "a=b"), header("X-Custom", "1"), header("User-Agent", "me")];
        let source = SourceHeaders::new(&url("https://home.example/v.m3u8"), &headers).unwrap();
        let home = source.for_url(&url("https://home.example/other"));
        assert_eq!(home.len(), 3);
        for away in ["https://cdn.example/", "http://home.example/", "https://home.example:8443/"] {
            let sent = source.for_url(&url(away));
            assert_eq!(sent.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["user-agent"], "{away}");
        }
        let plain = SourceHeaders::new(&url("http://home.example/"), &headers).unwrap();
        assert!(plain.for_url(&url("https://home.example/")).contains_key("cookie"));
        assert!(!plain.for_url(&url("https://cdn.example/")).contains_key("cookie"));
    }

    #[test]
    fn the_page_is_the_referer_as_browsers_send_it() {
        let page = url("https://site.example/sales?key=1");
        let source = SourceHeaders::new(&page, &[]).unwrap().found_on(&page);
        assert_eq!(
            source.for_url(&url("https://site.example/v.mp4"))[REFERER],
            "https://site.example/sales?key=1"
        );
        assert_eq!(source.for_url(&url("https://cdn.example/v.mp4"))[REFERER], "https://site.example/");
        assert!(!source.for_url(&url("http://cdn.example/v.mp4")).contains_key(REFERER));
    }

    #[test]
    fn a_broken_header_is_named() {
        let error = SourceHeaders::new(&url("https://a.example/"), &[header("a b", "x")]).err().unwrap();
        assert_eq!(error.code, ErrorCode::InvalidInput);
        let error = SourceHeaders::new(&url("https://a.example/"), &[header("X", "a\nb")]).err().unwrap();
        assert!(error.message.contains('X') && !error.message.contains("a\nb"));
    }
}
