//! Proxies of the environment are not asked: they would resolve names beyond our guard.
//!
//! A file of its own, for it changes the environment of its process.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod web;

use domain::ErrorCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::tempdir;
use tokio::net::TcpListener;
use web::{Web, run};

#[test]
fn proxies_of_the_environment_are_not_asked() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        // SAFETY: the only test of this process, and no other thread has been started yet.
        unsafe { std::env::set_var(name, format!("http://{host}")) };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let visits = Arc::new(AtomicUsize::new(0));
        let count = visits.clone();
        tokio::spawn(async move {
            loop {
                let _ = listener.accept().await;
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let web = Web::start().await;
        web.file("/v.mp4", web::fake_mp4(10_000, 1));
        let folder = tempdir().unwrap();
        web.get("/v.mp4", folder.path()).await.unwrap();
        let folder = tempdir().unwrap();
        let mut request = web.request("/", folder.path());
        request.url = format!("http://{host}/");
        assert_eq!(run(request).await.unwrap_err().code, ErrorCode::HostBlocked);
        assert_eq!(visits.load(Ordering::SeqCst), 0);
    });
}
