//! Against the project's own mini model and a local server with every fault a download can have.

use super::*;
use crate::Run;
use crate::download::NetPolicy;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn mini() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/mini-whisper/mini-espeak-q5_1.bin")
}

fn code(result: Result<Header, MediaError>) -> ErrorCode {
    result.expect_err("refused").code
}

#[test]
fn a_whole_model_is_told_from_cut_foreign_and_empty_ones() {
    let header = validate(&mini()).unwrap();
    assert!(!header.multilingual());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.bin");
    let whole = std::fs::read(mini()).unwrap();
    for length in [0, 3, 47, 60, 64_000, 586_000, 600_000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(code(validate(&path)), ErrorCode::ModelInvalid, "{length} bytes");
    }
    let mut longer = whole.clone();
    longer.extend([0; 100]);
    let mut strange = whole.clone();
    strange[16] = 0xff; // the width
    for (name, bytes) in [
        ("longer", longer),
        ("strange", strange),
        ("text", b"<!doctype html><title>404</title>".repeat(100)),
        ("gguf", [b"GGUF".as_slice(), &whole[4..]].concat()),
        ("zeros", vec![0; 1_000_000]),
    ] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(code(validate(&path)), ErrorCode::ModelInvalid, "{name}");
    }
    assert_eq!(code(validate(folder.path())), ErrorCode::ModelInvalid);
    assert_eq!(code(validate(&folder.path().join("absent"))), ErrorCode::ModelMissing);
}

#[test]
fn whisper_cpps_own_header_without_weights_is_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/for-tests-ggml-tiny.en.bin");
    if !path.exists() {
        println!("skipped: for-tests-ggml-tiny.en.bin is not here");
        return;
    }
    let error = validate(&path).unwrap_err();
    assert_eq!(error.code, ErrorCode::ModelInvalid);
    assert!(error.message.contains("without weights"), "{error}");
}

#[test]
fn models_are_imported_found_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("models");
    assert!(installed(&dir).unwrap().is_empty());
    assert_eq!(find(&dir, "base").unwrap_err().code, ErrorCode::ModelMissing);
    for name in ["no-such", "../base", "", ".x", "a/b"] {
        assert_eq!(find(&dir, name).unwrap_err().code, ErrorCode::ModelUnknown, "{name}");
    }
    let model = import(&dir, &mini(), None).unwrap();
    assert_eq!(model.name, "mini-espeak-q5_1");
    assert_eq!((model.manifest.audio_ctx, model.manifest.one_voice_per_window), (Some(256), true));
    assert_eq!(model.languages().to_string(), "en");
    assert_eq!(find(&dir, "mini-espeak-q5_1").unwrap(), model);
    assert!(model.imported() && model.memory() > model.bytes);

    std::fs::write(dir.join("ggml-dropped.bin"), b"something else").unwrap();
    let listed = installed(&dir).unwrap();
    assert_eq!(
        listed.iter().map(|i| (i.name.as_str(), i.model.is_ok())).collect::<Vec<_>>(),
        [("dropped", false), ("mini-espeak-q5_1", true)]
    );
    assert_eq!(import(&dir, &dir.join("ggml-dropped.bin"), None).unwrap_err().code, ErrorCode::ModelInvalid);
    assert_eq!(import(&dir, &mini(), Some("base.en")).unwrap_err().code, ErrorCode::ModelInvalid);
    assert_eq!(import(&dir, &dir.join("absent.bin"), None).unwrap_err().code, ErrorCode::FileNotFound);

    assert_eq!(best_installed(&dir, Some("en-US")).unwrap().unwrap().name, "mini-espeak-q5_1");
    assert!(best_installed(&dir, Some("pt-BR")).unwrap().is_none());
    assert!(
        best_installed(&dir, None).unwrap().is_none(),
        "an English model must not guess at other languages"
    );
    remove(&dir, "mini-espeak-q5_1").unwrap();
    assert_eq!(remove(&dir, "mini-espeak-q5_1").unwrap_err().code, ErrorCode::ModelUnknown);
    assert!(!dir.join("mini-espeak-q5_1.json").exists());
}

/// Answers each connection by the next of its ways; the ranges asked for are kept.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Option<u64>>>>,
}

#[derive(Clone, Copy)]
enum Way {
    /// Sends this many bytes of what was asked for, then cuts the connection.
    Cut(usize),
    Whole,
    /// As if it knew no ranges.
    Restart,
    Status(u16),
    /// One byte is another.
    Altered,
    /// The body of another length.
    Longer,
}

async fn serve(body: Vec<u8>, ways: Vec<Way>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    tokio::spawn(async move {
        for way in ways {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(socket.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap().to_lowercase();
            let from =
                request.split("range: bytes=").nth(1).and_then(|r| r.split('-').next()?.parse::<u64>().ok());
            seen.lock().unwrap().push(from);
            let mut sent = body.clone();
            let start = match way {
                Way::Restart => 0,
                _ => from.unwrap_or(0) as usize,
            };
            match way {
                Way::Altered => *sent.last_mut().unwrap() ^= 1,
                Way::Longer => sent.push(0),
                Way::Status(status) => {
                    let head =
                        format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    socket.write_all(head.as_bytes()).await.unwrap();
                    continue;
                }
                _ => {}
            }
            let rest = &sent[start..];
            let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
            let mut head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", rest.len());
            if start > 0 {
                head.push_str(&format!("content-range: bytes {start}-{}/{}\r\n", sent.len() - 1, sent.len()));
            }
            head.push_str("\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
            let end = if let Way::Cut(bytes) = way { bytes.min(rest.len()) } else { rest.len() };
            socket.write_all(&rest[..end]).await.unwrap();
            socket.flush().await.unwrap();
        }
    });
    Server { address, asked }
}

/// An entry of the catalogue's form for the mini model.
fn small_entry(body: &[u8]) -> ModelEntry {
    use sha2::{Digest, Sha256};
    let hex: String = Sha256::digest(body).iter().map(|b| format!("{b:02x}")).collect();
    catalogue::for_tests("mini", body.len() as u64, Box::leak(hex.into_boxed_str()))
}

fn policy() -> NetPolicy {
    NetPolicy { allow_hosts: vec!["127.0.0.1:*".into(), "127.0.0.1".into()], ..NetPolicy::default() }
}

async fn fetch(server: &Server, entry: &ModelEntry, dir: &Path, run: &Run) -> Result<ModelFile, MediaError> {
    let port = server.address.rsplit(':').next().unwrap();
    let policy = NetPolicy { allow_hosts: vec![format!("127.0.0.1:{port}")], ..policy() };
    download::fetch_entry(dir, entry, &server.address, &policy, run).await
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_stopped() {
    let body = std::fs::read(mini()).unwrap();
    let entry = small_entry(&body);
    let folder = tempfile::tempdir().unwrap();
    let fractions = Arc::new(Mutex::new(Vec::new()));
    let seen = fractions.clone();
    let run =
        Run { progress: Arc::new(move |f, _| seen.lock().unwrap().push(f)), ..Run::quiet(folder.path()) };
    let server =
        serve(body.clone(), vec![Way::Cut(1_000_000), Way::Status(503), Way::Cut(500_000), Way::Whole]).await;
    let model = fetch(&server, &entry, folder.path(), &run).await.unwrap();
    assert_eq!(std::fs::read(&model.path).unwrap(), body);
    assert_eq!(model.manifest.sha256.as_deref(), Some(entry.sha256));
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(asked[1] > Some(0) && asked[1] == asked[2] && asked[3] > asked[2], "{asked:?}");
    assert_eq!(fractions.lock().unwrap().last(), Some(&1.0));
    assert!(!folder.path().join(download::part_name("mini")).exists());
    // A second time there is nothing to do.
    fetch(&serve(body, vec![]).await, &entry, folder.path(), &run).await.unwrap();
}

#[tokio::test]
async fn a_server_without_ranges_begins_anew() {
    let body = std::fs::read(mini()).unwrap();
    let entry = small_entry(&body);
    let folder = tempfile::tempdir().unwrap();
    let server = serve(body.clone(), vec![Way::Cut(1_000), Way::Restart]).await;
    let model = fetch(&server, &entry, folder.path(), &Run::quiet(folder.path())).await.unwrap();
    assert_eq!(std::fs::read(&model.path).unwrap(), body);
}

#[tokio::test]
async fn an_altered_body_is_refused_and_nothing_of_it_kept() {
    let body = std::fs::read(mini()).unwrap();
    let entry = small_entry(&body);
    let folder = tempfile::tempdir().unwrap();
    let run = Run::quiet(folder.path());
    for way in [Way::Altered, Way::Longer] {
        let error =
            fetch(&serve(body.clone(), vec![way]).await, &entry, folder.path(), &run).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ModelInvalid, "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let foreign = b"<html>".repeat(body.len() / 6 + 1)[..body.len()].to_vec();
    let error =
        fetch(&serve(foreign, vec![Way::Whole]).await, &entry, folder.path(), &run).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ModelInvalid);
}

#[tokio::test]
async fn refusals_and_cancelling_end_it_and_keep_what_came() {
    let body = std::fs::read(mini()).unwrap();
    let entry = small_entry(&body);
    let folder = tempfile::tempdir().unwrap();
    let run = Run::quiet(folder.path());
    let gone = fetch(&serve(body.clone(), vec![Way::Status(404)]).await, &entry, folder.path(), &run).await;
    assert_eq!(gone.unwrap_err().code, ErrorCode::UrlNotFound);
    let faulty =
        serve(body.clone(), vec![Way::Cut(9_000), Way::Status(500), Way::Status(500), Way::Status(500)])
            .await;
    assert_eq!(fetch(&faulty, &entry, folder.path(), &run).await.unwrap_err().code, ErrorCode::ServerFault);
    let part = folder.path().join(download::part_name("mini"));
    assert!(std::fs::metadata(&part).unwrap().len() > 0);
    run.cancel.cancel();
    let cancelled = fetch(&serve(body, vec![Way::Whole]).await, &entry, folder.path(), &run).await;
    assert_eq!(cancelled.unwrap_err().code, ErrorCode::Cancelled);
    assert!(part.exists());
}
