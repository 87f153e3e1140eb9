//! Resumable uploads: tus 1.0 with creation, termination, checksum and expiration.
//!
//! Owns the files below `<data folder>/uploads`: a folder for each upload with what was announced, what has arrived,
//! and the finished file as `done/<name>`. Leaves using one to `tasks.submit` (`upload:<id>`).
//! Invariants: an upload grows only from where it stands, one writer at a time; what was answered as arrived is on the
//! disk; a name of the client's never leaves its folder; finished files stay, unfinished ones go after a day.

mod checksum;
mod store;

use crate::answer;
use crate::rest::{Caller, Refusal, Reply};
use crate::start::App;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use checksum::Checksum;
use domain::{ApiError, ErrorCode};
use futures::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::{Uploads, Writing, clean_name};

pub(crate) use store::WritingNow;

/// The most bytes of one upload.
const LARGEST: u64 = 64 << 30;
/// How long a client may be silent while it sends.
const SILENCE: Duration = Duration::from_secs(60);

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn with_protocol(mut response: Response, more: &[(&'static str, String)]) -> Response {
    let headers = response.headers_mut();
    headers.insert("tus-resumable", HeaderValue::from_static("1.0.0"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in more {
        if let Ok(value) = HeaderValue::try_from(value.as_str()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn uploads(app: &App) -> Uploads {
    Uploads::new(&app.engine.data_dir(), app.writing.clone())
}

/// Refuses other versions of the protocol.
fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    match header(headers, "tus-resumable") {
        Some("1.0.0") => Ok(()),
        _ => {
            Err(ApiError::invalid("Tus-Resumable: 1.0.0 is the version of the protocol that is spoken here."))
        }
    }
}

/// `OPTIONS /uploads`: what is spoken here.
pub(crate) async fn options() -> Response {
    with_protocol(
        answer::empty(StatusCode::NO_CONTENT),
        &[
            ("tus-version", "1.0.0".into()),
            ("tus-extension", "creation,expiration,checksum,termination".into()),
            ("tus-max-size", LARGEST.to_string()),
            ("tus-checksum-algorithm", "sha1,sha256".into()),
        ],
    )
}

/// `POST /uploads`: begins one.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Reply {
    check_version(&headers)?;
    let length = header(&headers, "upload-length").and_then(|length| length.parse::<u64>().ok());
    let Some(length) = length else {
        return Err(ApiError::invalid("Upload-Length must say how many bytes will come.").into());
    };
    if length > LARGEST {
        let message = format!("An upload may hold {} GB.", LARGEST >> 30);
        return Err(ApiError::new(ErrorCode::BodyTooLarge, message).into());
    }
    let name = file_name(header(&headers, "upload-metadata").unwrap_or_default())?;
    let made = uploads(&app).create(length, &name, &caller.name).await?;
    let more = [
        ("location", format!("/api/v1/uploads/{}", made.id)),
        ("upload-expires", made.expires()),
        ("upload-offset", "0".to_string()),
    ];
    Ok(with_protocol(answer::empty(StatusCode::CREATED), &more))
}

/// The name in `Upload-Metadata: filename <base64>,filetype <base64>`, made harmless.
fn file_name(metadata: &str) -> Result<String, ApiError> {
    for pair in metadata.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        if matches!(key, "filename" | "name") {
            let bytes = STANDARD
                .decode(value.trim())
                .map_err(|_| ApiError::invalid("Upload-Metadata holds a value that is not base64."))?;
            return Ok(clean_name(&String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(clean_name(""))
}

/// `HEAD /uploads/{id}`: where it stands.
pub(crate) async fn head(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    let upload = uploads(&app).find(&id).await?;
    let more = [
        ("upload-offset", upload.offset.to_string()),
        ("upload-length", upload.length.to_string()),
        ("upload-expires", upload.expires()),
    ];
    Ok(with_protocol(answer::empty(StatusCode::OK), &more))
}

/// `GET /uploads/{id}`: the same as JSON.
pub(crate) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    let upload = uploads(&app).find(&id).await?;
    let shown = json!({
        "id": upload.id, "file": format!("upload:{}", upload.id), "name": upload.name, "offset": upload.offset,
        "length": upload.length, "finished": upload.offset == upload.length,
    });
    Ok(with_protocol(answer::json_value(StatusCode::OK, &shown), &[]))
}

/// `PATCH /uploads/{id}`: the next piece.
pub(crate) async fn write(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Reply {
    check_version(&headers)?;
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind != "application/offset+octet-stream") {
        return Err(ApiError::new(
            ErrorCode::FileTypeUnsupported,
            "A piece is sent with Content-Type: application/offset+octet-stream.",
        )
        .into());
    }
    let from = header(&headers, "upload-offset").and_then(|offset| offset.parse::<u64>().ok());
    let Some(from) = from else {
        return Err(ApiError::invalid("Upload-Offset must say where the piece begins.").into());
    };
    let checksum = header(&headers, "upload-checksum").map(Checksum::read).transpose()?;
    let uploads = uploads(&app);
    let mut writing = uploads.write_at(&id, from).await?;
    let received = receive(&mut writing, request.into_body(), checksum).await;
    // What arrived before a cut connection stays: that is what resuming is for.
    let upload = writing.end(received.as_ref().err()).await?;
    received.map_err(Refusal)?;
    let more = [("upload-offset", upload.offset.to_string()), ("upload-expires", upload.expires())];
    Ok(with_protocol(answer::empty(StatusCode::NO_CONTENT), &more))
}

async fn receive(writing: &mut Writing, body: Body, mut checksum: Option<Checksum>) -> Result<(), ApiError> {
    let mut pieces = body.into_data_stream();
    loop {
        let piece = tokio::time::timeout(SILENCE, pieces.next())
            .await
            .map_err(|_| ApiError::new(ErrorCode::NetworkTimeout, "The client went silent."))?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|_| ApiError::new(ErrorCode::NetworkLost, "The connection broke."))?;
        if let Some(checksum) = &mut checksum {
            checksum.update(&piece);
        }
        writing.push(&piece).await?;
    }
    let is_right = checksum.is_none_or(Checksum::agrees);
    let says = "The piece does not have the checksum it was sent with.";
    is_right.then_some(()).ok_or_else(|| ApiError::new(ErrorCode::ChecksumMismatch, says))
}

/// `DELETE /uploads/{id}`: forgets it and what has arrived.
pub(crate) async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Reply {
    check_version(&headers)?;
    uploads(&app).remove(&id).await?;
    Ok(with_protocol(answer::empty(StatusCode::NO_CONTENT), &[]))
}

/// Takes in a whole file as its pieces come, at most `most` bytes; answers the id of the finished upload.
pub(crate) async fn take_whole<S, E>(
    app: &App,
    name: &str,
    by: &str,
    most: u64,
    mut pieces: S,
) -> Result<String, ApiError>
where
    S: futures::Stream<Item = Result<bytes::Bytes, E>> + Unpin,
{
    let uploads = uploads(app);
    let made = uploads.create(most, &clean_name(name), by).await?;
    let mut writing = uploads.write_at(&made.id, 0).await?;
    loop {
        let piece = match tokio::time::timeout(SILENCE, pieces.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(piece))) => writing.push(&piece).await,
            Ok(Some(Err(_))) => Err(ApiError::new(ErrorCode::NetworkLost, "The upload broke off.")),
            Err(_) => Err(ApiError::new(ErrorCode::NetworkTimeout, "The client went silent.")),
        };
        if let Err(error) = piece {
            writing.forget().await;
            return Err(error);
        }
    }
    writing.finish_here().await
}
