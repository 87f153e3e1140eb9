//! Webhooks against a receiver that fails in every way a receiver can, with the clock in our hands.
//! Numbers in the names are the items of the security checklist they prove.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use backend::queue::Clock;
use backend::secrets::Secrets;
use backend::settings::SettingsHandle;
use backend::store::webhooks::WebhookRow;
use backend::store::{Durability, Store, deliveries, webhooks as hooks};
use backend::webhooks::sender::Sender;
use backend::webhooks::sign::SigningSecret;
use domain::{Event, UtcTime};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;

/// A clock that stands still until it is moved; chance lies in the middle.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> UtcTime {
        UtcTime(self.0.load(Ordering::SeqCst))
    }
    fn random(&self) -> f64 {
        0.5
    }
}

impl Hand {
    fn forward(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

/// One request as it arrived.
#[derive(Clone)]
struct Got {
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

type Seen = Arc<Mutex<Vec<Got>>>;

/// Answers as the path says.
async fn receive(
    State(seen): State<Seen>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let before = seen.lock().unwrap().iter().filter(|got| got.path == path).count();
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_string()))
        .collect();
    seen.lock().unwrap().push(Got { path: path.clone(), headers, body: body.to_vec() });
    let (way, _) = path.split_once('-').unwrap_or((&path, ""));
    match way {
        "broken" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "gone" => StatusCode::GONE.into_response(),
        "moved" => (StatusCode::MOVED_PERMANENTLY, [("location", "http://169.254.169.254/latest/meta-data")])
            .into_response(),
        "busy" if before == 0 => {
            let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
            response.headers_mut().insert("retry-after", HeaderValue::from_static("120"));
            response
        }
        "mends" if before < 2 => StatusCode::BAD_GATEWAY.into_response(),
        "slow" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
        "long" => "x".repeat(100_000).into_response(),
        _ => "taken".into_response(),
    }
}

struct Rig {
    store: Store,
    sender: Sender,
    clock: Arc<Hand>,
    seen: Seen,
    port: u16,
    events: broadcast::Receiver<Event>,
    _folder: tempfile::TempDir,
}

async fn rig() -> Rig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Hand(AtomicI64::new(1_795_000_000_000)));
    let store = Store::open_with(folder.path(), clock.now(), Durability::Off).unwrap();
    let settings = SettingsHandle::open(folder.path()).unwrap();
    let seen = Seen::default();
    let app = Router::new().route("/{path}", post(receive)).with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (sender, events) = broadcast::channel(64);
    let mut sending = Sender::new(store.clone(), Secrets::open(), settings, clock.clone(), sender);
    sending.patience = Duration::from_secs(2);
    Rig { store, sender: sending, clock, seen, port, events, _folder: folder }
}

impl Rig {
    fn hook(&self, id: &str, url: String, allow_local: bool) -> WebhookRow {
        let now = self.clock.now();
        WebhookRow {
            webhook_id: id.into(),
            url,
            description: String::new(),
            events: Vec::new(),
            task_id: None,
            batch_id: None,
            allow_local,
            secret: "none".into(),
            actor: "token:test".into(),
            active: true,
            disabled: None,
            failing_since: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// A webhook whose receiver behaves as its path says, and one message for it.
    async fn message(&self, id: &str, path: &str) -> i64 {
        self.message_to(self.hook(id, format!("http://127.0.0.1:{}/{path}", self.port), true)).await
    }

    async fn message_to(&self, hook: WebhookRow) -> i64 {
        let now = self.clock.now();
        self.store
            .write(move |conn| {
                if hooks::find(conn, &hook.webhook_id)?.is_none() {
                    hooks::insert(conn, &hook)?;
                }
                deliveries::add(conn, &hook.webhook_id, "task.completed", "t_1", r#"{"n":"á"}"#, now)
            })
            .await
            .unwrap()
    }

    async fn pass(&self) -> usize {
        self.sender.pass().await.unwrap()
    }

    /// State and attempts of a webhook's only message.
    async fn log(&self, id: &str) -> backend::api::types::DeliveryItem {
        let id = id.to_string();
        let read = self.store.read(move |conn| deliveries::list(conn, &id, None, 10, 0));
        read.await.unwrap().1.remove(0)
    }

    fn got(&self, path: &str) -> Vec<Got> {
        self.seen.lock().unwrap().iter().filter(|got| got.path == path).cloned().collect()
    }
}

#[tokio::test]
async fn the_schedule_is_kept_and_then_the_message_is_dead() {
    let rig = rig().await;
    rig.message("wh_a", "broken-a").await;
    assert_eq!(rig.pass().await, 1);
    for delay in [30_000, 300_000, 1_800_000, 7_200_000, 86_400_000] {
        rig.clock.forward(delay - 1);
        assert_eq!(rig.pass().await, 0, "not before {delay}");
        rig.clock.forward(1);
        assert_eq!(rig.pass().await, 1, "at {delay}");
    }
    let log = rig.log("wh_a").await;
    assert_eq!((log.state.as_str(), log.attempts.len()), ("dead", 6));
    assert!(log.attempts.iter().all(|attempt| attempt.status == Some(500)));
    rig.clock.forward(90 * 86_400_000);
    assert_eq!(rig.pass().await, 0);
    let ids: Vec<_> = rig.got("broken-a").iter().map(|got| got.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.iter().all(|id| *id == ids[0] && !id.contains('.')));
}

#[tokio::test]
async fn a_receiver_that_mends_gets_it_and_one_that_asks_for_time_gets_that() {
    let rig = rig().await;
    rig.message("wh_a", "mends-a").await;
    rig.message("wh_b", "busy-b").await;
    rig.pass().await;
    rig.clock.forward(30_000);
    assert_eq!(rig.pass().await, 1, "the busy one wanted 120 s");
    rig.clock.forward(90_000);
    assert_eq!(rig.pass().await, 1);
    assert_eq!(rig.log("wh_b").await.state, "delivered");
    rig.clock.forward(300_000);
    rig.pass().await;
    let log = rig.log("wh_a").await;
    assert_eq!((log.state.as_str(), log.attempts.len()), ("delivered", 3));
    assert_eq!(log.attempts[2].answer, "taken");
}

#[tokio::test]
async fn gone_switches_off_and_a_redirect_is_a_failure() {
    let mut rig = rig().await;
    rig.message("wh_a", "gone-a").await;
    rig.message("wh_b", "moved-b").await;
    rig.pass().await;
    let hook = rig.store.read(|conn| hooks::find(conn, "wh_a")).await.unwrap().unwrap();
    assert_eq!((hook.active, hook.disabled.as_deref()), (false, Some("gone")));
    assert_eq!(rig.events.recv().await.unwrap(), Event::WebhooksChanged);
    let log = rig.log("wh_b").await;
    assert_eq!((log.state.as_str(), log.attempts[0].status), ("pending", Some(301)));
    assert_eq!(rig.seen.lock().unwrap().len(), 2, "nothing was followed");
}

#[tokio::test]
async fn silence_resets_and_wrong_tls_are_failures_and_long_answers_are_cut() {
    let rig = rig().await;
    rig.message("wh_a", "slow-a").await;
    rig.message("wh_b", "long-b").await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    rig.message_to(rig.hook("wh_c", format!("http://127.0.0.1:{closed}/x"), true)).await;
    rig.message_to(rig.hook("wh_d", format!("https://127.0.0.1:{}/x", rig.port), true)).await;
    let resetting = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reset = resetting.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = resetting.accept().await {
            drop(stream);
        }
    });
    rig.message_to(rig.hook("wh_e", format!("http://127.0.0.1:{reset}/x"), true)).await;
    assert_eq!(rig.pass().await, 5);
    for id in ["wh_a", "wh_c", "wh_d", "wh_e"] {
        let log = rig.log(id).await;
        assert_eq!((log.state.as_str(), log.attempts[0].status), ("pending", None), "{id}");
        assert!(log.attempts[0].error.is_some(), "{id}");
    }
    let long = rig.log("wh_b").await;
    assert_eq!((long.state.as_str(), long.attempts[0].answer.len()), ("delivered", 1024));
}

#[tokio::test]
async fn item_14_private_targets_are_refused_without_leave() {
    let rig = rig().await;
    let port = rig.port;
    let targets = [
        format!("http://127.0.0.1:{port}/ok"),
        format!("http://127.1:{port}/ok"),
        format!("http://0x7f000001:{port}/ok"),
        format!("http://2130706433:{port}/ok"),
        format!("http://0177.0.0.1:{port}/ok"),
        format!("http://localhost.:{port}/ok"),
        format!("http://[::1]:{port}/ok"),
        "http://[::ffff:169.254.169.254]/".into(),
        "http://100.64.0.1/".into(),
        "http://[64:ff9b::7f00:1]/".into(),
        format!("http://user@127.0.0.1:{port}/ok"),
        "http://example.org:22/".into(),
        "file:///etc/passwd".into(),
    ];
    for (index, url) in targets.iter().enumerate() {
        rig.message_to(rig.hook(&format!("wh_{index}"), url.clone(), false)).await;
    }
    rig.pass().await;
    for (index, url) in targets.iter().enumerate() {
        let log = rig.log(&format!("wh_{index}")).await;
        let error = log.attempts[0].error.clone().unwrap();
        let refused = ["HOST_BLOCKED", "URL_INVALID", "URL_SCHEME_UNSUPPORTED"];
        assert!(refused.iter().any(|code| error.starts_with(code)), "{url}: {error}");
    }
    assert!(rig.seen.lock().unwrap().is_empty(), "a request went out");
}

#[tokio::test]
async fn long_failure_switches_off_and_replay_sends_under_the_old_id() {
    let rig = rig().await;
    let delivery = rig.message("wh_a", "broken-a").await;
    rig.pass().await;
    for _ in 0..6 {
        rig.clock.forward(86_400_001);
        rig.message("wh_a", "broken-a").await;
        rig.pass().await;
    }
    let hook = rig.store.read(|conn| hooks::find(conn, "wh_a")).await.unwrap().unwrap();
    assert_eq!((hook.active, hook.disabled.as_deref()), (false, Some("failing")));
    let (now, url) = (rig.clock.now(), format!("http://127.0.0.1:{}/ok-a", rig.port));
    let since = UtcTime(0);
    let replayed = rig.store.write(move |conn| {
        let mended = WebhookRow { url, active: true, disabled: None, ..hook };
        hooks::update(conn, &mended, now)?;
        deliveries::replay_since(conn, "wh_a", since, now)
    });
    assert_eq!(replayed.await.unwrap(), 7);
    assert_eq!(rig.pass().await, 7);
    let first = deliveries::message_id("wh_a", delivery);
    assert!(rig.got("ok-a").iter().any(|got| got.headers["webhook-id"] == first));
    let counts = rig.store.read(|conn| deliveries::counts(conn, Some("wh_a"))).await.unwrap();
    assert_eq!(counts[..3], [0, 7, 0]);
}

#[tokio::test]
async fn item_15_bytes_signed_are_bytes_sent_and_an_absent_secret_sends_nothing() {
    let rig = rig().await;
    let secrets = Secrets::open();
    drop(secrets);
    let secret = SigningSecret::generate();
    rig.sender.secrets.put("webhook-wh_a", secret.text()).await;
    let url = format!("http://127.0.0.1:{}/ok-a", rig.port);
    rig.message_to(WebhookRow { secret: "one".into(), ..rig.hook("wh_a", url.clone(), true) }).await;
    rig.message_to(WebhookRow { secret: "one".into(), ..rig.hook("wh_lost", url, true) }).await;
    rig.pass().await;
    rig.sender.secrets.remove("webhook-wh_a").await.unwrap();
    let got = rig.got("ok-a");
    assert_eq!(got.len(), 1, "the one without its secret was not sent");
    let headers = &got[0].headers;
    let timestamp: i64 = headers["webhook-timestamp"].parse().unwrap();
    let wanted = backend::webhooks::sign::standard(
        std::slice::from_ref(&secret),
        &headers["webhook-id"],
        timestamp,
        &got[0].body,
    );
    assert_eq!(headers["webhook-signature"], wanted);
    assert_eq!(headers["x-webhook-signature"], backend::webhooks::sign::simple(&secret, &got[0].body));
    let lost = rig.log("wh_lost").await;
    assert!(lost.attempts[0].error.as_ref().unwrap().starts_with("SECRET_STORE_UNAVAILABLE"));
}

#[tokio::test]
async fn many_messages_all_arrive_once_and_in_order_for_each_task() {
    let rig = rig().await;
    let hook = rig.hook("wh_a", format!("http://127.0.0.1:{}/ok-a", rig.port), true);
    let now = rig.clock.now();
    let written = rig.store.write(move |conn| {
        hooks::insert(conn, &hook)?;
        for number in 0..400 {
            let (task, body) = (format!("t_{}", number % 20), format!("{{\"n\":{number}}}"));
            deliveries::add(conn, "wh_a", "task.completed", &task, &body, now)?;
        }
        Ok(())
    });
    written.await.unwrap();
    while rig.pass().await > 0 {}
    let got = rig.got("ok-a");
    assert_eq!(got.len(), 400);
    let mut last: HashMap<i64, i64> = HashMap::new();
    for each in got {
        let number: serde_json::Value = serde_json::from_slice(&each.body).unwrap();
        let number = number["n"].as_i64().unwrap();
        assert!(last.insert(number % 20, number).is_none_or(|before| before < number));
    }
}
