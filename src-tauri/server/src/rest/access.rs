//! Who may do what: the token, its scope, its rate, and the language of a refusal.
//!
//! Runs after the guard, so `Host`, `Origin` and `Sec-Fetch-Site` are right already.
//! Invariant: a route runs only for a caller whose scope covers its method and path.

use super::{call, language};
use crate::answer;
use crate::guard::presented;
use crate::start::App;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use backend::api::types::{Principal, Scope};
use domain::{ApiError, ErrorCode};
use http::Method;
use serde_json::json;
use std::sync::Arc;

/// Whoever asks, as the routes find it in the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `owner`, or the token's name.
    pub(crate) name: String,
    pub(crate) scope: Scope,
}

impl Caller {
    /// As the audit and the webhooks name it.
    pub(crate) fn actor(&self) -> String {
        format!("token:{}", self.name)
    }

    /// Whether only uploads and the folders of the settings may be named.
    pub(crate) fn is_confined(&self) -> bool {
        self.scope < Scope::Admin
    }
}

/// What a route asks of its caller.
fn needed(method: &Method, path: &str) -> Scope {
    if path.starts_with("/api/v1/media/webhooks") {
        return Scope::Admin;
    }
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => Scope::Read,
        _ => Scope::Submit,
    }
}

/// Lets the caller through to the route, in its name; answers in its language.
pub(crate) async fn decide(app: Arc<App>, mut request: Request, next: Next) -> Response {
    let tongue = language::of(request.headers());
    // Taken out first: a request cannot be lent across a wait.
    let token = presented(&request).map(str::to_string);
    let caller = match caller(&app, token.as_deref()).await {
        Ok(caller) => caller,
        Err(error) => return language::say(answer::error(&error), tongue),
    };
    let needed = needed(request.method(), request.uri().path());
    if caller.scope < needed {
        let message =
            format!("This needs the scope {}; the token has {}.", needed.as_str(), caller.scope.as_str());
        return language::say(answer::refuse(ErrorCode::Forbidden, &message), tongue);
    }
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let route = format!("{} {route}", request.method());
    let rate = match app.limits.take(&caller.name, &route, &app).await {
        Ok(rate) => rate,
        Err((rate, error)) => return rate.write(language::say(answer::error(&error), tongue)),
    };
    let actor = caller.actor();
    request.extensions_mut().insert(caller);
    let response = backend::audit::in_the_name_of(actor, next.run(request)).await;
    rate.write(language::say(response, tongue))
}

async fn caller(app: &App, token: Option<&str>) -> Result<Caller, ApiError> {
    let Some(token) = token else { return Err(app.guard.wrong_token()) };
    if app.guard.bearer.is(token) {
        return Ok(Caller { name: "owner".into(), scope: Scope::Admin });
    }
    let principal = match call(app, "tokens.check", json!({ "token": token })).await {
        Ok(principal) => principal,
        Err(error) if error.code == ErrorCode::Unauthorized => return Err(app.guard.wrong_token()),
        Err(error) => return Err(error),
    };
    let Principal { name, scope } = serde_json::from_value(principal)
        .map_err(|error| ApiError::internal(format!("The token's owner is not readable: {error}")))?;
    Ok(Caller { name, scope })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_submitting_and_managing_are_kept_apart() {
        let needed = |method: Method, path: &str| super::needed(&method, path);
        assert_eq!(needed(Method::GET, "/api/v1/media/tasks"), Scope::Read);
        assert_eq!(needed(Method::DELETE, "/api/v1/media/tasks/t_1"), Scope::Submit);
        assert_eq!(needed(Method::POST, "/v1/audio/transcriptions"), Scope::Submit);
        assert_eq!(needed(Method::GET, "/api/v1/media/webhooks"), Scope::Admin);
        assert_eq!(needed(Method::POST, "/api/v1/media/webhooks/wh_1/test"), Scope::Admin);
    }
}
