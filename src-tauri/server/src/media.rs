//! Media over HTTP: registered files and artifacts, with Range, for `<video>`, `<audio>` and `<img>`.
//!
//! Owns how a file becomes an answer. Leaves which file a path means to the engine, and letting in to the guard.
//! Invariant: only what the engine names is opened; its length, type and validators come from the open handle, so a
//! file swapped after the check is not served under the old one's word; a pipe or device is never read.

use crate::engine::Place;
use crate::range::{self, Slice, Validators};
use crate::start::App;
use crate::{answer, guard};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::ErrorCode;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

/// Bytes read from the disk at once.
const CHUNK: usize = 256 * 1024;
/// Longest media path; ids and artifact names are far shorter.
const MAX_PATH: usize = 512;

/// `GET`, `HEAD` and `OPTIONS` of `/media/<token>/<path>`.
pub(crate) async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path().splitn(4, '/').nth(3).unwrap_or_default();
    let mut response = match parts.method {
        Method::OPTIONS => preflight(),
        Method::GET | Method::HEAD => read(&app, path, &parts.headers, parts.method == Method::HEAD).await,
        _ => answer::empty(StatusCode::METHOD_NOT_ALLOWED),
    };
    let headers = response.headers_mut();
    if let Some(origin) = guard::window_origin(&parts.headers) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("Accept-Ranges, Content-Length, Content-Range, ETag");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    // The window is another site; without this its <video> could be kept from reading.
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    // Should a media file ever be opened as a page, it can do nothing.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; media-src 'self'; img-src 'self'; sandbox"),
    );
    response
}

fn preflight() -> Response {
    let mut response = answer::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Range, If-Range"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

async fn read(app: &App, path: &str, headers: &HeaderMap, head: bool) -> Response {
    if !is_media_path(path) {
        return answer::refuse(ErrorCode::MediaNotFound, "There is no such media.");
    }
    match app.engine.place(path).await {
        Ok(Some(Place::File(file))) => {
            send(&file, headers, head).await.unwrap_or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    answer::refuse(ErrorCode::FileNotFound, "The file is not where it was.")
                }
                _ => {
                    tracing::warn!(path, "media could not be read: {error}");
                    answer::refuse(ErrorCode::FileUnreadable, "The file cannot be read.")
                }
            })
        }
        Ok(Some(Place::Owner(url))) => forward(app, &url, headers, head).await,
        Ok(None) => answer::refuse(ErrorCode::MediaNotFound, "There is no such media."),
        Err(error) => answer::error(&error),
    }
}

/// Two or more plain segments: no percent signs, no backslashes, no dots that lead elsewhere.
fn is_media_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    path.len() <= MAX_PATH
        && path.contains('/')
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain))
}

/// A file as an answer.
async fn send(path: &Path, headers: &HeaderMap, head: bool) -> std::io::Result<Response> {
    let mut options = tokio::fs::OpenOptions::new();
    // Without O_NONBLOCK the open of a pipe would wait for its writer.
    let mut file = options.read(true).custom_flags(libc::O_NONBLOCK).open(path).await?;
    let meta = file.metadata().await?;
    if !meta.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let length = meta.len();
    let validators = Validators {
        etag: format!("\"{length:x}-{:x}-{:x}-{:x}\"", meta.mtime(), meta.mtime_nsec(), meta.ino()),
        modified: http_date(meta.mtime()),
    };
    let slice = range::slice(headers, length, &validators, head);
    let (status, first, count) = match slice {
        Slice::Whole => (StatusCode::OK, 0, length),
        Slice::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Slice::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
        Slice::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
    };
    let body = if head || count == 0 {
        Body::empty()
    } else {
        file.seek(std::io::SeekFrom::Start(first)).await?;
        Body::from_stream(ReaderStream::with_capacity(file.take(count), CHUNK))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let out = response.headers_mut();
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    insert(out, header::ETAG, &validators.etag);
    insert(out, header::LAST_MODIFIED, &validators.modified);
    match slice {
        Slice::Unsatisfiable => insert(out, header::CONTENT_RANGE, &format!("bytes */{length}")),
        Slice::Part { first, last } => {
            insert(out, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
        }
        Slice::Whole | Slice::NotModified => {}
    }
    if status.is_success() {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
        out.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    }
    Ok(response)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The type by the file's name, but only types that cannot run anything; players sniff the rest.
fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        // The registry's word for these keeps browsers from playing them.
        "mkv" => return "video/webm",
        "mov" | "m4v" => return "video/mp4",
        "m4a" => return "audio/mp4",
        "ts" | "m2ts" | "mts" => return "video/mp2t",
        "svg" => return "application/octet-stream",
        _ => {}
    }
    match mime_guess::from_ext(&extension).first_raw() {
        Some(kind) if ["video/", "audio/", "image/"].iter().any(|top| kind.starts_with(top)) => kind,
        Some("application/json") => "application/json",
        _ => "application/octet-stream",
    }
}

/// RFC 9110 date of a Unix second.
fn http_date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|stamp| stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

/// The owner's answer, passed on as it comes.
async fn forward(app: &App, url: &str, headers: &HeaderMap, head: bool) -> Response {
    let method = if head { Method::HEAD } else { Method::GET };
    let mut request = app.forwarder.request(method, url);
    for name in [header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let Ok(found) = request.send().await else {
        return answer::refuse(
            ErrorCode::NetworkLost,
            "The Bobina that has the media has just ended. Try again.",
        );
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = found.status();
    let passed = [
        header::ACCEPT_RANGES,
        header::CACHE_CONTROL,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::ETAG,
        header::LAST_MODIFIED,
    ];
    for name in passed {
        if let Some(value) = found.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    *response.body_mut() = Body::from_stream(found.bytes_stream());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_looked_up() {
        for good in ["file/m_0123", "artifact/ab12.jpg", "artifact/blake3:ab/poster.jpg"] {
            assert!(is_media_path(good), "{good}");
        }
        let long = format!("file/{}", "a".repeat(4096));
        for bad in [
            "",
            "file",
            "file/",
            "/etc/passwd",
            "file/../../etc/passwd",
            "file/..\\..\\x",
            "file/%2e%2e%2fetc",
            "file/C:\\x:ads",
            "file/\\\\host\\share",
            "file//x",
            "file/.hidden",
            "file/a\0b",
            "file/\u{202e}gpj",
            long.as_str(),
        ] {
            assert!(!is_media_path(bad), "{bad}");
        }
    }

    #[test]
    fn types_that_could_run_something_are_never_said() {
        assert_eq!(content_type(Path::new("a.MP4")), "video/mp4");
        assert_eq!(content_type(Path::new("a.jpg")), "image/jpeg");
        assert_eq!(content_type(Path::new("w.json")), "application/json");
        for name in ["a.html", "a.svg", "a.js", "a.xml", "a"] {
            assert_eq!(content_type(Path::new(name)), "application/octet-stream", "{name}");
        }
    }

    #[test]
    fn dates_are_as_http_wants_them() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[tokio::test]
    async fn a_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the name is a valid C string for the call's duration.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let headers = HeaderMap::new();
        let sent = tokio::time::timeout(std::time::Duration::from_secs(5), send(&path, &headers, false));
        assert!(sent.await.expect("opening must not wait for a writer").is_err());
    }
}
