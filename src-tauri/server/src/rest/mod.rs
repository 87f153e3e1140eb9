//! The public API: `/api/v1`, and beside it `/v1` (OpenAI's shape) and `/metrics`.
//!
//! Owns routes, tokens' scopes, rate limits, languages and the OpenAPI document. Leaves every act to the commands of
//! `backend::api`: each route is one of them in the shape people of this field know.
//! Invariant: nothing here is answered without a token but the document itself and its readable page.

mod access;
mod document;
mod events;
mod language;
mod limits;
mod media;
mod metrics;
mod page;
mod reply;
mod schemas;
mod texts;
mod webhooks;

pub(crate) use access::Caller;
pub(crate) use limits::Limits;
pub(crate) use reply::{Refusal, Reply, body, call, query};
pub(crate) use texts::text;

use crate::start::App;
use crate::{openai, uploads};
use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::routing::{any, get, post};
use std::sync::Arc;

/// The routes, with whoever may use them decided before each.
pub(crate) fn router(app: Arc<App>) -> Router<Arc<App>> {
    let mut routes = Router::new()
        .route("/api/v1/media/{group}/{action}", post(media::create))
        .route("/api/v1/media/process", post(media::process))
        .route("/api/v1/media/batch", post(media::batch))
        .route("/api/v1/media/batches/{batch_id}", get(media::read_batch))
        .route("/api/v1/media/tasks", get(media::list))
        .route("/api/v1/media/tasks/{task_id}", get(media::read).delete(media::cancel))
        .route("/api/v1/media/tasks/{task_id}/retry", post(media::retry))
        .route("/api/v1/media/statistics", get(texts::statistics))
        .route("/api/v1/media/health", get(texts::health))
        .route("/api/v1/media/providers", get(texts::providers))
        .route("/api/v1/media/cache/stats", get(texts::cache))
        .route("/api/v1/media/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/api/v1/media/webhooks/statistics", get(webhooks::statistics))
        .route(
            "/api/v1/media/webhooks/{webhook_id}",
            get(webhooks::read).patch(webhooks::update).delete(webhooks::remove),
        )
        .route("/api/v1/media/webhooks/{webhook_id}/status", get(webhooks::status))
        .route("/api/v1/media/webhooks/{webhook_id}/test", post(webhooks::test))
        .route("/api/v1/media/webhooks/{webhook_id}/replay", post(webhooks::replay))
        .route("/api/v1/urls", get(texts::urls).post(texts::add_urls))
        .route("/api/v1/pipeline/start/{url_id}", post(texts::start_url))
        .route("/api/v1/transcripts", get(texts::search))
        .route("/api/v1/transcripts/{id}", get(texts::transcript))
        .route("/api/v1/events", get(events::stream))
        .route("/api/v1/ws", get(events::socket))
        .route("/metrics", get(metrics::read));
    routes = routes
        .route("/api/v1/uploads", post(uploads::create).options(uploads::options))
        .route(
            "/api/v1/uploads/{id}",
            get(uploads::read).head(uploads::head).patch(uploads::write).delete(uploads::remove),
        )
        .route("/v1/audio/transcriptions", post(openai::transcribe))
        .route("/v1/audio/translations", post(openai::translate))
        .route("/v1/models", get(openai::models))
        .route("/v1/models/{id}", get(openai::model));
    for path in ["/api", "/api/", "/api/{*path}", "/v1", "/v1/", "/v1/{*path}"] {
        routes = routes.route(path, any(reply::unknown));
    }
    let deciding = app.clone();
    routes
        .method_not_allowed_fallback(reply::wrong_method)
        .layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            access::decide(deciding.clone(), request, next)
        }))
        .route("/api/v1/openapi.json", get(document::serve))
        .route("/docs", get(page::serve))
}
