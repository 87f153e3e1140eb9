//! `GET /docs`: the API on one readable page, with nothing loaded from anywhere.

use super::document::{OPERATIONS, document, tag};
use crate::answer;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::Value;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1d1f23;background:#fbfbfa}code,pre{font:13px/1.5 ui-monospace,monospace}pre{background:#f0efec;padding:.75rem;\
border-radius:6px;overflow:auto}summary{cursor:pointer;padding:.3rem 0}summary b{display:inline-block;width:4.5rem}\
h2{margin-top:2rem;text-transform:capitalize}@media(prefers-color-scheme:dark){body{color:#e6e4df;background:#1b1c1f}\
pre{background:#26282c}}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn written() -> String {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Bobina API</title><style>{STYLE}</style><h1>Bobina API</h1>\
         <p>Send <code>Authorization: Bearer &lt;token&gt;</code> with every request; make a token with \
         <code>bobina tokens create NAME --scope submit</code>. The same as \
         <a href=\"/api/v1/openapi.json\">OpenAPI 3.1</a>. Errors are \
         <code>{{\"error\": {{\"code\", \"message\", \"cure\"}}}}</code>, in the language of \
         <code>Accept-Language</code> (en, pt-BR, es).</p>"
    );
    let mut tags: Vec<&str> = Vec::new();
    for operation in OPERATIONS {
        if !tags.contains(&tag(operation.path)) {
            tags.push(tag(operation.path));
        }
    }
    for name in tags {
        // Writing into a String cannot fail.
        let _ = write!(page, "<h2>{name}</h2>");
        for operation in OPERATIONS.iter().filter(|operation| tag(operation.path) == name) {
            let _ = write!(
                page,
                "<details><summary><b>{}</b><code>{}</code> {}</summary>",
                operation.method.to_uppercase(),
                escaped(operation.path),
                escaped(operation.says)
            );
            if !operation.query.is_empty() {
                let _ = write!(page, "<p>Query: <code>{}</code></p>", operation.query.join(", "));
            }
            if let Some(body) = operation.body {
                let _ = write!(page, "<p>Body:</p>{}", shape(body, schemas));
            }
            let (status, answer) = operation.answer;
            let _ = write!(page, "<p>Answer {status}:</p>{}</details>", shape(answer, schemas));
        }
    }
    page
}

fn shape(name: &str, schemas: &Value) -> String {
    match schemas.get(name) {
        Some(schema) => {
            format!("<pre>{}</pre>", escaped(&serde_json::to_string_pretty(schema).unwrap_or_default()))
        }
        None if name.is_empty() => "<p>nothing</p>".into(),
        None => format!("<p><code>{}</code></p>", escaped(name)),
    }
}

/// The page.
pub(crate) async fn serve() -> Response {
    let mut response = Response::new(Body::from(written()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        ),
    );
    answer::harden(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = written();
        assert!(page.contains("/api/v1/media/tasks/{task_id}"));
        for foreign in ["<script", "src=", "http://", "https://", "@import"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
