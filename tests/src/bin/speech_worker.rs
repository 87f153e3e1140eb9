//! The speech worker as a program of its own, for tests that need no `bobina` binary.
//! Told `worker`, as `bobina` is, it serves; told nothing, it says how it is used.

fn main() {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        std::process::exit(media::speech::worker::serve());
    }
    eprintln!("usage: speech_worker worker");
    std::process::exit(2);
}
