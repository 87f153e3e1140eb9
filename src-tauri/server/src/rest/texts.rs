//! Links, transcripts, figures and health.

use super::reply::json;
use super::{Caller, Reply, body, call, query};
use crate::answer;
use crate::start::App;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use domain::ApiError;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::sync::Arc;

#[derive(Deserialize)]
struct StatisticsQuery {
    days: Option<u32>,
}

/// `GET /media/statistics`.
pub(crate) async fn statistics(State(app): State<Arc<App>>, uri: Uri) -> Reply {
    let asked: StatisticsQuery = query(&uri)?;
    Ok(json(StatusCode::OK, &call(&app, "statistics.get", value!({ "days": asked.days })).await?))
}

/// `GET /media/health`: whether work is being done, and how much waits.
pub(crate) async fn health(State(app): State<Arc<App>>) -> Reply {
    let queue = call(&app, "queue.status", value!({})).await?;
    let status = match (app.engine.works(), queue["paused"].as_bool()) {
        (true, Some(false)) => "ok",
        (true, _) => "paused",
        (false, _) => "idle",
    };
    let health = value!({
        "status": status, "version": env!("CARGO_PKG_VERSION"), "works": app.engine.works(), "queue": queue,
    });
    Ok(json(StatusCode::OK, &health))
}

/// `GET /media/providers`: what hears on this machine, and whether it can.
pub(crate) async fn providers(State(app): State<Arc<App>>) -> Reply {
    let models = call(&app, "models.list", value!({})).await?;
    let lanes = call(&app, "queue.status", value!({})).await?;
    let cloud: Vec<&Value> = lanes["lanes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|lane| lane["lane"].as_str().is_some_and(|name| name.starts_with("provider:")))
        .collect();
    let providers = value!({
        "items": [{
            "name": "local", "kinds": ["audio_transcription", "media_processing"], "available": true,
            "models": models["items"],
        }],
        "lanes": cloud,
    });
    Ok(json(StatusCode::OK, &providers))
}

/// `GET /media/cache/stats`.
pub(crate) async fn cache(State(app): State<Arc<App>>) -> Reply {
    Ok(json(StatusCode::OK, &call(&app, "cache.stats", value!({})).await?))
}

#[derive(Deserialize)]
struct UrlQuery {
    status: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

/// `GET /urls`.
pub(crate) async fn urls(State(app): State<Arc<App>>, uri: Uri) -> Reply {
    let asked: UrlQuery = query(&uri)?;
    let input = value!({ "status": asked.status, "limit": asked.limit, "offset": asked.offset });
    Ok(json(StatusCode::OK, &call(&app, "urls.list", input).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddUrls {
    urls: Vec<String>,
    recipe: Option<String>,
    priority: Option<String>,
}

/// `POST /urls`: queues each; the refused ones do not keep the others back.
pub(crate) async fn add_urls(State(app): State<Arc<App>>, request: Request) -> Reply {
    let given: AddUrls = body(request).await?;
    if given.urls.is_empty() || given.urls.len() > 50 {
        return Err(ApiError::invalid("Give 1 to 50 urls.").into());
    }
    if let Some(text) = given.urls.iter().find(|url| !url.trim().to_ascii_lowercase().starts_with("http")) {
        let shown: String = text.chars().take(100).collect();
        return Err(
            ApiError::invalid(format!("\"{}\" is no http or https address.", shown.escape_debug())).into()
        );
    }
    let mut input = value!({ "sources": given.urls, "recipe": given.recipe });
    if let Some(priority) = given.priority {
        input["priority"] = priority.into();
    }
    let outcome = call(&app, "tasks.add", input).await?;
    let tasks: Vec<Value> = outcome["tasks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|task| {
            value!({ "task_id": task["task_id"], "url": task["input"]["source"]["url"], "status": task["status"] })
        })
        .collect();
    Ok(json(StatusCode::ACCEPTED, &value!({ "tasks": tasks, "refused": outcome["refused"] })))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Start {
    recipe: Option<String>,
    again: bool,
}

/// `POST /pipeline/start/{url_id}`: works on a link that was added before.
pub(crate) async fn start_url(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(url_id): Path<String>,
    request: Request,
) -> Reply {
    // The body may be left out, and its type with it.
    let is_empty = request.headers().get(CONTENT_TYPE).is_none();
    let given =
        if is_empty { Start::default() } else { body::<Option<Start>>(request).await?.unwrap_or_default() };
    let input = value!({
        "url_id": url_id, "recipe": given.recipe, "again": given.again, "actor": caller.actor(),
    });
    let answer = call(&app, "urls.start", input).await?;
    let task = &answer["tasks"][0];
    let id = &task["task_id"];
    let made =
        value!({ "id": id, "task_id": id, "status": task["status"], "created_at": task["created_at"] });
    Ok(json(StatusCode::ACCEPTED, &made))
}

#[derive(Deserialize)]
struct SearchQuery {
    query: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

/// `GET /transcripts?query=`: where the words were said.
pub(crate) async fn search(State(app): State<Arc<App>>, uri: Uri) -> Reply {
    let asked: SearchQuery = query(&uri)?;
    let input = value!({
        "query": asked.query.unwrap_or_default(), "limit": asked.limit, "offset": asked.offset,
    });
    Ok(json(StatusCode::OK, &call(&app, "library.search", input).await?))
}

#[derive(Deserialize)]
struct FormatQuery {
    format: Option<String>,
}

/// `GET /transcripts/{id}?format=`: by its own id, or that of its media or task.
pub(crate) async fn transcript(State(app): State<Arc<App>>, Path(id): Path<String>, uri: Uri) -> Reply {
    let asked: FormatQuery = query(&uri)?;
    let format = asked.format.unwrap_or_else(|| "json".into());
    if format == "json" {
        return Ok(json(StatusCode::OK, &call(&app, "transcripts.get", value!({ "id": id })).await?));
    }
    let file = call(&app, "transcripts.export", value!({ "id": id, "format": format })).await?;
    Ok(text(file["mime"].as_str().unwrap_or("text/plain"), file["content"].as_str().unwrap_or_default()))
}

/// A text with its own type, always UTF-8.
pub(crate) fn text(mime: &str, content: &str) -> Response {
    let mut response = Response::new(Body::from(content.to_string()));
    let mime = if mime.contains("charset") { mime.to_string() } else { format!("{mime}; charset=utf-8") };
    let kind = HeaderValue::try_from(mime).unwrap_or(HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer::harden(response)
}
