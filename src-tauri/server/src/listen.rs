//! Accepting connections: a bounded number, none that dawdles over its headers.
//!
//! Owns which connections stay when there are too many. Leaves requests to the router, and slow bodies to the routes.
//! Invariant: a connection that asks for something is never turned away for one that does not: when all places are
//! taken, the connection that has been silent longest goes.

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections at once; more wait in the system's backlog.
const MAX_CONNECTIONS: usize = 512;
/// Within this time a connection has to send its next request's headers whole, or it is closed.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// Bytes of a request's headers.
const MAX_HEADERS: usize = 64 * 1024;

/// The connections that ask for nothing just now, the one silent longest first.
#[derive(Clone, Default)]
struct Silent {
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    last: u64,
    waiting: BTreeMap<u64, CancellationToken>,
}

impl Silent {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the one silent longest, if there is one.
    fn close_first(&self) {
        if let Some((_, first)) = self.line().waiting.pop_first() {
            first.cancel();
        }
    }
}

/// One connection's place among the silent ones.
struct Standing {
    silent: Silent,
    close: CancellationToken,
    /// Its number in the line, and answers under way.
    state: Mutex<(u64, usize)>,
}

impl Standing {
    fn new(silent: Silent) -> Arc<Self> {
        let standing = Self { silent, close: CancellationToken::new(), state: Mutex::new((0, 0)) };
        standing.stand(&mut standing.state());
        Arc::new(standing)
    }

    fn state(&self) -> MutexGuard<'_, (u64, usize)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stand(&self, state: &mut (u64, usize)) {
        let mut line = self.silent.line();
        line.last += 1;
        state.0 = line.last;
        line.waiting.insert(state.0, self.close.clone());
    }

    /// A request has come; as long as the answer lives, the connection is not silent.
    fn asks(self: &Arc<Self>) -> Answering {
        let mut state = self.state();
        state.1 += 1;
        self.silent.line().waiting.remove(&state.0);
        Answering(self.clone())
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let number = self.state().0;
        self.silent.line().waiting.remove(&number);
    }
}

/// An answer under way.
struct Answering(Arc<Standing>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.1 -= 1;
        if state.1 == 0 {
            self.0.stand(&mut state);
        }
    }
}

/// A body that keeps its connection from counting as silent until it has been sent.
struct Answer {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Answer {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves `router` until `closing`; `connections` then holds those still answering.
pub(crate) async fn accept(
    listener: TcpListener,
    router: Router,
    closing: CancellationToken,
    connections: TaskTracker,
) {
    let (room, silent) = (Arc::new(Semaphore::new(MAX_CONNECTIONS)), Silent::default());
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file handles, or a client that left meanwhile: neither ends the server.
                tracing::warn!("a connection could not be accepted: {error}");
                silent.close_first();
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if room.available_permits() == 0 {
            silent.close_first();
        }
        let place = tokio::select! {
            () = closing.cancelled() => return,
            place = room.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { return };
        // Small answers should not wait for more.
        let _ = stream.set_nodelay(true);
        let (router, closing, standing) = (router.clone(), closing.clone(), Standing::new(silent.clone()));
        connections.spawn(async move {
            let _place = place;
            let close = standing.close.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let (router, answering) = (router.clone(), standing.asks());
                async move {
                    let answer: Response<Body> =
                        router.oneshot(request.map(Body::new)).await.unwrap_or_else(|e| match e {});
                    Ok::<_, Infallible>(answer.map(|body| Answer { body, _answering: answering }))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .max_buf_size(MAX_HEADERS)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                // Nothing of it is under way: it can go at once.
                () = close.cancelled() => return,
                () = closing.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }
}
