//! The child that runs the native speech engine, so that its crash or hunger ends one attempt, not the app.
//!
//! Owns the child's side: reads [`super::protocol`] from standard input, works, answers on standard output.
//! Invariant: standard output carries replies and nothing else; the child ends when its input ends.

use super::protocol::{Answer, Order, Reply, Request};
use super::whisper::Model;
use crate::MediaError;
use domain::ErrorCode;
use std::io::{BufRead, Write};

/// Serves until standard input ends. Returns the exit code: 0 after an orderly end, 1 when the parent cannot be heard
/// or told.
#[must_use]
pub fn serve() -> i32 {
    whisper_rs::install_logging_hooks();
    let mut loaded = None;
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return 1 };
        if line.trim().is_empty() {
            continue;
        }
        let Ok(Request { id, order }) = serde_json::from_str(&line) else {
            eprintln!("worker: a line that is no request");
            return 1;
        };
        let answer = obey(id, order, &mut loaded).unwrap_or_else(Answer::from);
        if say(&Reply { id, answer }).is_err() {
            return 1;
        }
    }
    0
}

fn obey(id: u64, order: Order, loaded: &mut Option<Model>) -> Result<Answer, MediaError> {
    match order {
        Order::Load { model } => {
            if loaded.as_ref().is_none_or(|old| old.path != model) {
                drop(loaded.take()); // before the next one takes its memory
                *loaded = Some(Model::load(&model)?);
            }
            Ok(Answer::Loaded { multilingual: present(loaded)?.multilingual() })
        }
        Order::Detect { wav, start, end, threads } => present(loaded)?.detect(&wav, start, end, threads),
        Order::Hear(order) => present(loaded)?.hear(&order, move |fraction| {
            // A parent that is gone is found out at the answer.
            let _ = say(&Reply { id, answer: Answer::Progress { fraction } });
        }),
    }
}

fn present(loaded: &mut Option<Model>) -> Result<&mut Model, MediaError> {
    loaded.as_mut().ok_or_else(|| MediaError::new(ErrorCode::Internal, "No speech model is loaded."))
}

fn say(reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
