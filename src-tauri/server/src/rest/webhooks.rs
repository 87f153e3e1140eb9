//! Standing webhooks, for tokens of the scope `admin`.

use super::reply::json;
use super::{Caller, Reply, body, call, query};
use crate::start::App;
use axum::Extension;
use axum::extract::{Path, Request, State};
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json as value};
use std::sync::Arc;

/// `GET /media/webhooks`.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Reply {
    Ok(json(StatusCode::OK, &call(&app, "webhooks.list", value!({})).await?))
}

/// `POST /media/webhooks`: the secret is in the answer, this once.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Reply {
    let mut given: Map<String, Value> = body(request).await?;
    given.insert("actor".into(), caller.actor().into());
    Ok(json(StatusCode::CREATED, &call(&app, "webhooks.create", given.into()).await?))
}

/// `GET /media/webhooks/{id}`.
pub(crate) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    Ok(json(StatusCode::OK, &call(&app, "webhooks.get", value!({ "webhook_id": id })).await?))
}

/// `PATCH /media/webhooks/{id}`.
pub(crate) async fn update(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Reply {
    let mut given: Map<String, Value> = body(request).await?;
    given.insert("webhook_id".into(), id.into());
    Ok(json(StatusCode::OK, &call(&app, "webhooks.update", given.into()).await?))
}

/// `DELETE /media/webhooks/{id}`.
pub(crate) async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    call(&app, "webhooks.remove", value!({ "webhook_id": id })).await?;
    Ok(crate::answer::empty(StatusCode::NO_CONTENT))
}

#[derive(Deserialize)]
struct StatusQuery {
    state: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

/// `GET /media/webhooks/{id}/status`: messages and their tries.
pub(crate) async fn status(State(app): State<Arc<App>>, Path(id): Path<String>, uri: Uri) -> Reply {
    let asked: StatusQuery = query(&uri)?;
    let input = value!({
        "webhook_id": id, "state": asked.state, "limit": asked.limit, "offset": asked.offset,
    });
    Ok(json(StatusCode::OK, &call(&app, "webhooks.status", input).await?))
}

/// `POST /media/webhooks/{id}/test`.
pub(crate) async fn test(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    let sent = call(&app, "webhooks.test", value!({ "webhook_id": id })).await?;
    Ok(json(StatusCode::ACCEPTED, &sent))
}

/// `POST /media/webhooks/{id}/replay`: `{delivery}` or `{since}`.
pub(crate) async fn replay(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Reply {
    let mut given: Map<String, Value> = body(request).await?;
    given.insert("webhook_id".into(), id.into());
    Ok(json(StatusCode::ACCEPTED, &call(&app, "webhooks.replay", given.into()).await?))
}

/// `GET /media/webhooks/statistics`.
pub(crate) async fn statistics(State(app): State<Arc<App>>) -> Reply {
    Ok(json(StatusCode::OK, &call(&app, "webhooks.stats", value!({})).await?))
}
