//! The app's side of one worker child: asking, listening, and telling what its death means.
//!
//! Invariant: after an error the child is dead; a child that answered may be asked again.

use super::protocol::{Answer, Order, Reply, Request};
use crate::tools::{Child, Program};
use crate::{MediaError, Run};
use domain::ErrorCode;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};

/// Bytes of the child's last words that are kept.
const LAST_WORDS: usize = 2_000;

pub(super) struct Worker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    last_words: Arc<Mutex<String>>,
    /// The model it has loaded.
    pub model: Option<PathBuf>,
    asked: u64,
    kills_before: Option<u64>,
}

impl Worker {
    /// Starts `program worker`.
    pub fn start(program: &Path, folder: &Path) -> Result<Self, MediaError> {
        let mut child = Program::new(program).arg("worker").dir(folder).low_priority().spawn()?;
        let piped = "a worker without pipes";
        let missing = || MediaError::new(ErrorCode::Internal, piped);
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?).lines();
        let errors = child.stderr.take().ok_or_else(missing)?;
        let last_words = Arc::new(Mutex::new(String::new()));
        let (kept, pid) = (last_words.clone(), child.pid);
        tokio::spawn(async move {
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::debug!(pid, "worker: {line}");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_str(&line);
                kept.push('\n');
                let surplus = kept.len().saturating_sub(LAST_WORDS);
                if let Some(start) = (surplus..kept.len()).find(|i| kept.is_char_boundary(*i)) {
                    kept.drain(..start);
                }
            }
        });
        Ok(Self { child, input, output, last_words, model: None, asked: 0, kills_before: memory_kills() })
    }

    pub fn pid(&self) -> u32 {
        self.child.pid
    }

    /// Asks and waits for the answer. Cancelling kills the child.
    pub async fn ask(
        &mut self,
        order: Order,
        run: &Run,
        mut progress: impl FnMut(f64),
    ) -> Result<Answer, MediaError> {
        self.asked += 1;
        let id = self.asked;
        let mut line = serde_json::to_vec(&Request { id, order }).map_err(|error| {
            MediaError::new(ErrorCode::Internal, format!("An order for the worker: {error}"))
        })?;
        line.push(b'\n');
        if self.input.write_all(&line).await.is_err() || self.input.flush().await.is_err() {
            return Err(self.ended().await);
        }
        loop {
            let line = tokio::select! {
                biased;
                () = run.cancel.cancelled() => {
                    self.child.kill();
                    self.child.wait().await;
                    return Err(MediaError::cancelled());
                }
                line = self.output.next_line() => line,
            };
            let Ok(Some(line)) = line else { break };
            match serde_json::from_str::<Reply>(&line) {
                Ok(reply) if reply.id == id => match reply.answer {
                    Answer::Progress { fraction } => progress(fraction),
                    Answer::Failed { code, message, detail } => {
                        return Err(MediaError { code, message, detail, retry_after: None });
                    }
                    answer => return Ok(answer),
                },
                Ok(_) => {}
                Err(error) => {
                    self.child.kill();
                    tracing::warn!(pid = self.child.pid, %error, "the speech worker does not speak our language");
                    break;
                }
            }
        }
        Err(self.ended().await)
    }

    /// What its end means: too little memory, or a crash.
    async fn ended(&mut self) -> MediaError {
        let code = self.child.wait().await;
        // Its standard error may still be on the way.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let hungry = ["memory allocation of", "bad_alloc", "failed to allocate", "out of memory"];
        let killed_for_memory = code == -libc::SIGKILL && memory_kills() > self.kills_before;
        let detail = format!("exit {code}\n{}", words.trim());
        tracing::warn!(pid = self.child.pid, code, "the speech worker ended: {}", words.trim());
        if killed_for_memory || hungry.iter().any(|sign| words.contains(sign)) {
            let message = "There was too little memory for this speech model; choose a smaller one.";
            return MediaError::new(ErrorCode::OutOfMemory, message).with_detail(detail);
        }
        MediaError::new(ErrorCode::EngineCrashed, "The speech engine ended without an answer.")
            .with_detail(detail)
    }
}

/// How often this system has killed for memory since it started; tells such a kill from any other.
fn memory_kills() -> Option<u64> {
    let counters = std::fs::read_to_string("/proc/vmstat").ok()?;
    counters.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Bytes that can still be taken without swapping, where the system says.
pub(super) fn memory_left() -> Option<u64> {
    let about = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = about
        .lines()
        .find_map(|l| l.strip_prefix("MemAvailable:")?.trim().strip_suffix("kB")?.trim().parse().ok())?;
    Some(kib << 10)
}
