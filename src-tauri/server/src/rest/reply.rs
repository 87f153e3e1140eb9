//! Answers of the public API, and reading what came in.

use crate::answer;
use crate::rpc;
use crate::start::App;
use axum::extract::{Query, Request};
use axum::response::{IntoResponse, Response};
use domain::{ApiError, ErrorCode};
use http::{StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An error on its way out.
pub(crate) struct Refusal(pub(crate) ApiError);

/// What a route gives.
pub(crate) type Reply = Result<Response, Refusal>;

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer::error(&self.0)
    }
}

/// Runs a command of the table.
pub(crate) async fn call(app: &App, name: &str, input: Value) -> Result<Value, ApiError> {
    app.engine.call(name, input).await
}

/// A value with a status.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    answer::json_value(status, value)
}

/// The query as a value; `INVALID_INPUT` says what is wrong with it.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    Query::<T>::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|error| ApiError::invalid(error.to_string()))
}

/// The JSON body as a value.
pub(crate) async fn body<T: DeserializeOwned>(request: Request) -> Result<T, ApiError> {
    let value = rpc::input(request).await?;
    serde_json::from_value(value).map_err(|error| ApiError::invalid(format!("The body is wrong: {error}.")))
}

/// Nothing stands at this address.
pub(crate) async fn unknown() -> Response {
    answer::refuse(ErrorCode::CommandUnknown, "There is nothing at this address.")
}

/// Something stands here, but not for that method.
pub(crate) async fn wrong_method() -> Response {
    answer::refuse(ErrorCode::MethodNotAllowed, "This address does not take that method.")
}
