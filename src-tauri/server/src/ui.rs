//! The browser's UI: the built files of `ui/dist`, embedded.
//!
//! Without a built UI everything else works, and this says plainly what is missing.

use crate::answer;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Files;

/// Scripts, styles, fonts, requests and media from this very origin only; nothing inline, nobody frames us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; \
    worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether the UI was there when this program was built.
pub(crate) fn is_built() -> bool {
    Files::get("index.html").is_some()
}

/// A file of the UI; any other address without a dot in its last part is one of the UI's own routes.
pub(crate) async fn serve(request: Request) -> Response {
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let path = request.uri().path().trim_start_matches('/');
    let is_route = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let (name, file) = match Files::get(path) {
        Some(file) if !path.is_empty() => (path, Some(file)),
        _ if is_route => ("index.html", Files::get("index.html")),
        _ => (path, None),
    };
    let mut response = match file {
        Some(file) => {
            let kind = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
            let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.into() };
            let length = file.data.len();
            let mut response = Response::new(if head { Body::empty() } else { Body::from(file.data) });
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            if let Ok(kind) = HeaderValue::from_str(&kind) {
                headers.insert(header::CONTENT_TYPE, kind);
            }
            // Vite puts the content's hash into the names of its assets; the page itself has to be asked for again.
            let cache =
                if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
            response
        }
        None if is_route => missing(),
        None => answer::empty(StatusCode::NOT_FOUND),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

fn missing() -> Response {
    let text = "This program was built without its user interface.\n\
        Build it with: npm --prefix ui ci && npm --prefix ui run build, and then build bobina again.\n";
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
