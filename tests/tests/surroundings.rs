//! The commands over settings, recipes, watched folders and models, called by name on an open data folder.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use axum::Router;
use axum::routing::get;
use backend::{Backend, Opened, Options};
use domain::{ApiError, ErrorCode, Event};
use serde_json::{Value, json};
use std::time::Duration;

struct House {
    root: tempfile::TempDir,
    backend: Backend,
}

impl House {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let options =
            Options { data_dir: root.path().join("data"), worker_program: "nothing".into(), work: false };
        match Backend::open(options).await.unwrap() {
            Opened::Owner(backend) => Self { root, backend },
            Opened::Taken(_) => panic!("a new folder has an owner"),
        }
    }

    async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        backend::api::call(&self.backend, name, input).await
    }

    async fn code(&self, name: &str, input: Value) -> ErrorCode {
        self.call(name, input).await.unwrap_err().code
    }

    async fn model(&self, name: &str) -> Value {
        let models = self.call("models.list", json!({})).await.unwrap();
        let found = models["items"].as_array().unwrap().iter().find(|item| item["name"] == name);
        found.cloned().unwrap_or(Value::Null)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_checked_stored_and_told() {
    let house = House::new().await;
    let mut events = house.backend.events();
    let mut settings = house.call("settings.get", Value::Null).await.unwrap();
    settings["theme"] = json!("dark");
    settings["net_limit"] = json!(7);
    let stored = house.call("settings.set", settings.clone()).await.unwrap();
    assert_eq!((&stored["theme"], &stored["net_limit"]), (&json!("dark"), &json!(7)));
    let told = async { while events.recv().await.unwrap() != Event::SettingsChanged {} };
    tokio::time::timeout(Duration::from_secs(10), told).await.unwrap();
    let status = house.call("queue.status", json!({})).await.unwrap();
    let net = status["lanes"].as_array().unwrap().iter().find(|lane| lane["lane"] == "net").unwrap();
    assert_eq!(net["limit"], 7, "the queue obeys at once");
    settings["theme"] = json!("purple");
    assert_eq!(house.code("settings.set", settings.clone()).await, ErrorCode::InvalidInput);
    settings["theme"] = json!("dark");
    settings["recipe"] = json!("nothing like it");
    assert_eq!(house.code("settings.set", settings).await, ErrorCode::RecipeNotFound);
    assert_eq!(house.call("settings.get", Value::Null).await.unwrap(), stored);
    house.backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_are_watched_with_a_recipe_that_exists() {
    let house = House::new().await;
    let folder = house.root.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    let recipes = house.call("recipes.list", json!({})).await.unwrap();
    assert!(recipes["total"].as_u64().unwrap() >= 3);
    let wanted = json!({"path": folder, "recipe": "vsl", "subfolders": true});
    let added = house.call("watch.add", wanted).await.unwrap();
    assert_eq!((&added["recipe"], &added["subfolders"]), (&json!("vsl"), &json!(true)));
    assert_eq!(house.call("watch.list", json!({})).await.unwrap()["total"], 1);
    let unknown = json!({"path": folder, "recipe": "nothing like it"});
    assert_eq!(house.code("watch.add", unknown).await, ErrorCode::RecipeNotFound);
    assert_eq!(house.code("watch.add", json!({"path": "relative"})).await, ErrorCode::InvalidInput);
    house.call("watch.remove", json!({"watch": folder})).await.unwrap();
    assert_eq!(house.code("watch.remove", json!({"watch": folder})).await, ErrorCode::WatchNotFound);
    house.backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_are_listed_and_bad_ones_refused() {
    let house = House::new().await;
    let base = house.model("base").await;
    assert_eq!((&base["installed"], &base["languages"]), (&json!(false), &json!("multilingual")));
    let models = house.call("models.list", json!({})).await.unwrap();
    let suggested =
        models["items"].as_array().unwrap().iter().filter(|item| item["suggested"] == true).count();
    assert_eq!(suggested, 1);
    let foreign = house.root.path().join("ggml-mine.bin");
    std::fs::write(&foreign, b"this is no model").unwrap();
    assert_eq!(house.code("models.import", json!({"path": foreign})).await, ErrorCode::ModelInvalid);
    assert_eq!(house.code("models.import", json!({"path": "relative.bin"})).await, ErrorCode::InvalidInput);
    assert_eq!(house.code("models.download", json!({"name": "no such"})).await, ErrorCode::ModelUnknown);
    assert_eq!(house.code("models.remove", json!({"name": "base"})).await, ErrorCode::ModelMissing);
    house.backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_runs_in_the_background_can_be_stopped_and_tells_why_it_failed() {
    let house = House::new().await;
    // A mirror that has nothing, and one that never ends.
    let slow = || async {
        let pieces = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"ggml")), ()))
        });
        axum::body::Body::from_stream(pieces)
    };
    let mirror = Router::new().route("/slow/{file}", get(slow));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, mirror).await });
    let at = async |path: &str| {
        let mut settings = house.call("settings.get", Value::Null).await.unwrap();
        settings["model_mirror"] = json!(format!("http://{address}/{path}"));
        house.call("settings.set", settings).await.unwrap();
    };
    at("nothing").await;
    house.call("models.download", json!({"name": "tiny"})).await.unwrap();
    let mut model = house.model("tiny").await;
    for _ in 0..600 {
        if !model["error"].is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        model = house.model("tiny").await;
    }
    assert_eq!(
        (&model["error"]["code"], &model["downloading"]),
        (&json!("URL_NOT_FOUND"), &Value::Null),
        "{model}"
    );
    at("slow").await;
    let started = house.call("models.download", json!({"name": "tiny"})).await.unwrap();
    assert!(started["downloading"].is_number() && started["error"].is_null(), "{started}");
    assert!(house.call("models.download", json!({"name": "tiny"})).await.unwrap()["downloading"].is_number());
    let stopped = house.call("models.cancel", json!({"name": "tiny"})).await.unwrap();
    assert!(stopped["downloading"].is_null() && stopped["error"].is_null(), "{stopped}");
    house.backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_answers_by_name() {
    let house = House::new().await;
    for (name, input) in [
        ("library.list", json!({})),
        ("library.search", json!({"query": "\" OR *"})),
        ("urls.list", json!({})),
    ] {
        assert_eq!(house.call(name, input).await.unwrap()["total"], 0, "{name}");
    }
    assert_eq!(house.code("library.get", json!({"media_id": "x"})).await, ErrorCode::MediaNotFound);
    assert_eq!(house.code("transcripts.get", json!({"id": "x"})).await, ErrorCode::TranscriptNotFound);
    let export = json!({"id": "x", "format": "docx"});
    assert_eq!(house.code("transcripts.export", export).await, ErrorCode::InvalidInput);
    house.backend.shutdown().await;
}
