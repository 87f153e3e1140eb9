//! Accepted work survives SIGKILL at random moments; `BOBINA_KILLS` and `BOBINA_SEED` change the number and the moments.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_and_nothing_is_done_twice() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let kills = number("BOBINA_KILLS").unwrap_or(100);
    let seed = number("BOBINA_SEED").unwrap_or_else(rand::random);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = tests::crash::run(kills as u32, seed, folder.path()).await.expect("no kill does harm");
    assert!(report.accepted > kills as usize / 4, "too little was under way to mean anything: {report:?}");
    assert!(report.slowest_start_ms < 10_000, "{report:?}");
    println!("seed {seed}: {report:?}");
}
