//! Clients that misbehave, in numbers: the server goes on answering the others, lets the slow ones go, and does not grow.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use serde_json::json;
use std::time::Duration;
use tests::program::Serving;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than the server has places for.
const FLOOD: usize = 600;
/// A well-behaved client is answered within this time; silent connections would hold their places for 15 s.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest that a slow client is borne, a busy machine included.
const BORNE: Duration = Duration::from_secs(90);
/// Bytes that the process may have grown by in the end: allocators keep some of what they once had.
const GROWTH: u64 = 96 << 20;

async fn serving() -> (tempfile::TempDir, Serving) {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(&folder.path().join("data")).await.unwrap();
    (folder, serving)
}

async fn connect(serving: &Serving) -> TcpStream {
    TcpStream::connect(("127.0.0.1", serving.port())).await.unwrap()
}

/// A client as it should be, on a connection of its own.
async fn is_answered(serving: &Serving) {
    let request = format!(
        "POST /rpc/queue.status HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}",
        serving.port(),
        serving.token()
    );
    let asked = async {
        let mut stream = connect(serving).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        answer(&mut stream).await
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await.expect("a well-behaved client has to wait");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
}

/// Everything until the server closes.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after an early answer is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Resident bytes of the server.
fn memory(serving: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_and_dribbling_connections_hold_nobody_up() {
    let (_folder, serving) = serving().await;
    is_answered(&serving).await;
    let before = memory(&serving);
    let mut slow = tokio::task::JoinSet::new();
    for number in 0..FLOOD {
        let mut stream = connect(&serving).await;
        slow.spawn(async move {
            let began = match number % 3 {
                0 => "",
                1 => "POST /rpc/queue.status HTTP/1.1\r\nHost: 127",
                _ => "GET /health HTTP/1.1\r\n",
            };
            let _ = stream.write_all(began.as_bytes()).await;
            let (mut read, mut write) = stream.split();
            let dribble = async {
                // A header that never ends, a byte at a time.
                while number % 3 == 2 && write.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                std::future::pending::<()>().await;
            };
            let mut rest = Vec::new();
            tokio::select! {
                () = dribble => {}
                _ = read.read_to_end(&mut rest) => {}
            }
        });
    }
    for _ in 0..20 {
        is_answered(&serving).await;
    }
    let all = async { while slow.join_next().await.is_some() {} };
    tokio::time::timeout(BORNE, all).await.expect("slow connections are let go");
    is_answered(&serving).await;
    let after = memory(&serving);
    assert!(after < before + GROWTH, "from {before} to {after} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_event_stream_outlives_the_flood() {
    let (_folder, serving) = serving().await;
    let mut events = connect(&serving).await;
    let request = format!(
        "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\r\n",
        serving.port(),
        serving.token()
    );
    events.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    events.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let mut silent = Vec::new();
    for _ in 0..FLOOD {
        silent.push(connect(&serving).await);
    }
    is_answered(&serving).await;
    serving.call("tasks.pause", json!({})).await.unwrap();
    let heard = async {
        let mut text = String::new();
        while !text.contains("queue_changed") {
            let mut piece = [0; 4096];
            let count = events.read(&mut piece).await.unwrap();
            assert!(count > 0, "the stream was cut: {text:?}");
            text.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    };
    tokio::time::timeout(BORNE, heard).await.expect("the event arrives");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_do_not_come_are_given_up() {
    let (_folder, serving) = serving().await;
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut stream = connect(&serving).await;
        let request = format!(
            "POST /rpc/queue.status HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n{{",
            serving.port(),
            serving.token()
        );
        slow.spawn(async move {
            stream.write_all(request.as_bytes()).await.unwrap();
            answer(&mut stream).await
        });
    }
    is_answered(&serving).await;
    let all = async {
        while let Some(answer) = slow.join_next().await {
            let answer = answer.unwrap();
            assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("in time"), "{answer:?}");
        }
    };
    tokio::time::timeout(BORNE, all).await.expect("slow bodies are given up");
    is_answered(&serving).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_headers_and_huge_bodies_are_refused_without_being_kept() {
    let (_folder, serving) = serving().await;
    is_answered(&serving).await;
    let before = memory(&serving);
    let head = format!(
        "POST /rpc/queue.status HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nConnection: close\r\n",
        serving.port(),
        serving.token()
    );
    let megabyte = vec![b' '; 1 << 20];
    for _ in 0..8 {
        let mut stream = connect(&serving).await;
        let header = format!("{head}X-Huge: {}\r\n\r\n", "a".repeat(4 << 20));
        let _ = stream.write_all(header.as_bytes()).await;
        let said = answer(&mut stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said:?}");

        let mut declared = connect(&serving).await;
        declared.write_all(format!("{head}Content-Length: 104857600\r\n\r\n").as_bytes()).await.unwrap();
        let said =
            tokio::time::timeout(BORNE, answer(&mut declared)).await.expect("not one byte is waited for");
        assert!(said.starts_with("HTTP/1.1 413") && said.contains("BODY_TOO_LARGE"), "{said:?}");

        let mut chunked = connect(&serving).await;
        chunked.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
        let (mut read, mut write) = chunked.split();
        let send = async {
            for _ in 0..100 {
                let sent = async {
                    write.write_all(b"100000\r\n").await?;
                    write.write_all(&megabyte).await?;
                    write.write_all(b"\r\n").await
                };
                if sent.await.is_err() {
                    break;
                }
            }
        };
        let mut said = Vec::new();
        let (_, _) = tokio::join!(send, read.read_to_end(&mut said));
        let said = String::from_utf8_lossy(&said);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 413"), "{said:?}");
        is_answered(&serving).await;
    }
    let after = memory(&serving);
    assert!(after < before + GROWTH, "from {before} to {after} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_refused() {
    let (_folder, serving) = serving().await;
    let port = serving.port();
    let requests: Vec<Vec<u8>> = vec![
        b"\r\n\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        vec![0xff; 70_000],
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET /../../etc/passwd HTTP/1.1\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n", "a".repeat(70_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.com\r\n\r\n").into_bytes(),
        format!("POST /rpc/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: -1\r\n\r\n").into_bytes(),
        format!("POST /rpc/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")
            .into_bytes(),
        format!(
            "POST /rpc/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"
        )
        .into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nBad Header\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: a\0b\r\n\r\n").into_bytes(),
    ];
    for request in requests {
        let mut stream = connect(&serving).await;
        let _ = stream.write_all(&request).await;
        let _ = stream.shutdown().await;
        let said = tokio::time::timeout(BORNE, answer(&mut stream)).await.expect("an end");
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{shown:?}: {said:?}");
        is_answered(&serving).await;
    }
}
