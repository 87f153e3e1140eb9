//! Starting and ending a listener.

use crate::engine::{Engine, Owned};
use crate::guard::Guard;
use crate::rest::{self, Limits};
use crate::token::Token;
use crate::uploads::WritingNow;
use crate::{answer, client, events, listen, media, rpc, ui};
use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::routing::{any, get, post};
use backend::Backend;
use domain::{ApiError, ErrorCode};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long answers that are under way may take to end when the server shuts down.
const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// What to serve and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServeOptions {
    /// `None`: a free one.
    pub port: Option<u16>,
    /// The browser's UI beside commands, events and media.
    pub ui: bool,
    /// The public API: `/api/v1`, `/v1`, `/metrics`, `/docs`.
    pub api: bool,
}

/// What the routes share.
pub(crate) struct App {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) guard: Guard,
    pub(crate) closing: CancellationToken,
    pub(crate) forwarder: reqwest::Client,
    pub(crate) limits: Limits,
    pub(crate) writing: WritingNow,
}

/// A listener at work; it ends with [`Running::shutdown`] or when dropped.
pub struct Running {
    pub port: u16,
    /// The bearer token of this start.
    pub token: String,
    /// `http://127.0.0.1:<port>/media/<token of this start>`, without a slash at its end.
    pub media_url: String,
    /// The address to open in a browser, its token in the fragment.
    pub ui_url: String,
    closing: CancellationToken,
    connections: TaskTracker,
}

impl Running {
    /// Stops listening, lets answers under way end for up to 2 s, and cuts the event streams.
    pub async fn shutdown(&self) {
        self.closing.cancel();
        self.connections.close();
        if tokio::time::timeout(SHUTDOWN_TIME, self.connections.wait()).await.is_err() {
            tracing::debug!("some connections were cut");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Running on port {}", self.port)
    }
}

/// Serves an owner's backend: tells it where media is, and other processes where the owner is.
pub async fn start(backend: Backend, works: bool, options: ServeOptions) -> Result<Running, ApiError> {
    let running = serve(Arc::new(Owned { backend: backend.clone(), works }), options).await?;
    backend.set_media_url(running.media_url.clone());
    backend.set_owner_address(running.port, running.token.clone())?;
    Ok(running)
}

/// Serves an engine on 127.0.0.1. `PORT_TAKEN` when another program has the port.
pub async fn serve(engine: Arc<dyn Engine>, options: ServeOptions) -> Result<Running, ApiError> {
    let wanted = options.port.unwrap_or(0);
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => ApiError::new(
                ErrorCode::PortTaken,
                format!("Port {wanted} is taken by another program. Choose another one with --port, or --port 0 for any."),
            ),
            std::io::ErrorKind::PermissionDenied => ApiError::new(
                ErrorCode::PortTaken,
                format!("The system does not let this user listen on port {wanted}. Choose one above 1023 with --port."),
            ),
            _ => ApiError::internal(format!("Listening on 127.0.0.1:{wanted} failed: {error}")),
        })?;
    let port = listener
        .local_addr()
        .map_err(|e| ApiError::internal(format!("The listener has no address: {e}")))?
        .port();
    let (bearer, media) = (Token::new(), Token::new());
    let (token, closing, connections) =
        (bearer.as_str().to_string(), CancellationToken::new(), TaskTracker::new());
    let media_url = format!("http://127.0.0.1:{port}/media/{}", media.as_str());
    let app = Arc::new(App {
        engine,
        guard: Guard::new(port, bearer, media),
        closing: closing.clone(),
        forwarder: client::http_client()?,
        limits: Limits::default(),
        writing: WritingNow::default(),
    });
    connections.spawn(listen::accept(listener, router(app, options), closing.clone(), connections.clone()));
    let ui_url = format!("http://127.0.0.1:{port}/#token={token}");
    Ok(Running { port, token, media_url, ui_url, closing, connections })
}

/// The guard around everything, so that it decides before any route is looked for.
fn router(app: Arc<App>, options: ServeOptions) -> Router {
    let routes = Router::new()
        .route("/rpc/{name}", post(rpc::run))
        .route("/events", get(events::stream))
        .route("/ws", any(events::socket))
        .route("/health", get(rpc::health))
        .route("/media/{*path}", any(media::serve));
    let unknown = ["/rpc", "/rpc/"];
    let routes = unknown.into_iter().fold(routes, |routes, path| routes.route(path, any(rpc::unknown)));
    let routes = if options.api { routes.merge(rest::router(app.clone())) } else { routes };
    let routes = if options.ui { routes.fallback(ui::serve) } else { routes.fallback(rpc::unknown) };
    let guarding = app.clone();
    let routes = routes.with_state(app);
    Router::new().fallback_service(routes).layer(axum::middleware::from_fn(
        move |request: Request, next: Next| {
            let app = guarding.clone();
            async move {
                answer::harden(match app.guard.admit(&request) {
                    Ok(()) => next.run(request).await,
                    Err(refused) => *refused,
                })
            }
        },
    ))
}

/// Whether a browser finds a UI at the address; otherwise it finds a sentence that says how to build it.
pub fn has_ui() -> bool {
    ui::is_built()
}
