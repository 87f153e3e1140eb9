//! An argument vector, and three ways to run it to its end.
//!
//! Never a shell. The environment is cleared but for `PATH`, `LANG`, `HOME`, `TMPDIR` and what the caller sets.

use super::child::Child;
use super::leftovers;
use super::spawner::Order;
use crate::{MediaError, Run};
use domain::ErrorCode;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of standard output [`Program::output`] keeps unless told otherwise.
const OUTPUT_LIMIT: usize = 64 << 20;
/// Bytes of standard error kept: its end.
const STDERR_TAIL: usize = 8 << 10;
/// A line longer than this is handed on in pieces.
const LINE_LIMIT: usize = 1 << 20;
/// How long after the end of a child its pipes are still read: only a process that left the group can hold them open.
const PIPE_GRACE: Duration = Duration::from_secs(1);

/// A program to run. Build it, then call one of `output`, `each_line`, `stream`, `spawn`.
#[derive(Clone, Debug)]
pub struct Program {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    low_priority: bool,
    memory: Option<u64>,
    max_output: usize,
}

/// What a program that ended by itself left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Exit code; the negative signal number when a signal ended it.
    pub code: i32,
    /// Standard output, for [`Program::output`]; empty otherwise.
    pub stdout: Vec<u8>,
    /// The last 8 KiB of standard error.
    pub stderr_tail: String,
}

impl Finished {
    /// `TOOL_FAILED` with the end of standard error unless it ended well; `doing` names the work in the message.
    pub fn succeeded(self, doing: &str) -> Result<Finished, MediaError> {
        if self.code == 0 {
            return Ok(self);
        }
        let how = if self.code < 0 { "was ended by signal" } else { "ended with code" };
        let message = format!("{doing} {how} {}.", self.code.abs());
        Err(MediaError::new(ErrorCode::ToolFailed, message).with_detail(self.stderr_tail))
    }
}

impl Program {
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Program {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            low_priority: false,
            memory: None,
            max_output: OUTPUT_LIMIT,
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The working folder, also `HOME` and `TMPDIR`; the scratch folder of the run unless set.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Nice 10: work behind the user's back gives way to what is in front.
    #[must_use]
    pub fn low_priority(mut self) -> Self {
        self.low_priority = true;
        self
    }

    /// Bytes of address space it may take; more makes its allocations fail.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Bytes of standard output [`Program::output`] keeps; more ends the program with `TOOL_FAILED`.
    #[must_use]
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Runs it to its end and keeps standard output.
    ///
    /// Errors: `CANCELLED`, `PROCESSING_TIMEOUT` after `limit`, `TOOL_MISSING`, `DISK_FULL` when it failed saying so.
    /// A program that ends with another code than 0 is no error here: see [`Finished::succeeded`].
    pub async fn output(self, run: &Run, limit: Duration) -> Result<Finished, MediaError> {
        let mut stdout = Vec::new();
        let (name, max_output) = (self.name(), self.max_output);
        let finished = self
            .drive(run, limit, |bytes| {
                if stdout.len() + bytes.len() > max_output {
                    let message = format!("{name} wrote more than {max_output} bytes.");
                    return Err(MediaError::new(ErrorCode::ToolFailed, message));
                }
                stdout.extend_from_slice(bytes);
                Ok(())
            })
            .await?;
        Ok(Finished { stdout, ..finished })
    }

    /// As [`Program::output`], but hands standard output on line by line (ended by `\n` or `\r`, empty ones left out).
    pub async fn each_line(
        self,
        run: &Run,
        limit: Duration,
        mut on_line: impl FnMut(&str) + Send,
    ) -> Result<Finished, MediaError> {
        let mut line = Vec::new();
        let mut end = |line: &mut Vec<u8>| {
            if !line.is_empty() {
                on_line(&String::from_utf8_lossy(line));
                line.clear();
            }
        };
        let finished = self
            .drive(run, limit, |bytes| {
                for &byte in bytes {
                    if byte == b'\n' || byte == b'\r' {
                        end(&mut line);
                    } else {
                        line.push(byte);
                        if line.len() >= LINE_LIMIT {
                            end(&mut line);
                        }
                    }
                }
                Ok(())
            })
            .await?;
        end(&mut line);
        Ok(finished)
    }

    /// As [`Program::output`], but hands standard output on in pieces as they come.
    pub async fn stream(
        self,
        run: &Run,
        limit: Duration,
        mut on_bytes: impl FnMut(&[u8]) + Send,
    ) -> Result<Finished, MediaError> {
        self.drive(run, limit, |bytes| {
            on_bytes(bytes);
            Ok(())
        })
        .await
    }

    /// Starts it with all three pipes, for a conversation. Without [`Program::dir`] it works in the system's
    /// temporary folder. Needs a tokio runtime around it.
    pub fn spawn(self) -> Result<Child, MediaError> {
        Child::start(self.order(std::env::temp_dir(), true))
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }

    fn order(self, default_dir: PathBuf, stdin: bool) -> Order {
        let dir = self.dir.unwrap_or(default_dir);
        let mut env: Vec<(OsString, OsString)> = vec![
            ("LANG".into(), "C.UTF-8".into()),
            ("HOME".into(), dir.clone().into()),
            ("TMPDIR".into(), dir.clone().into()),
            leftovers::mark(),
        ];
        env.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
        env.extend(self.env);
        Order {
            program: self.program,
            args: self.args,
            env,
            dir,
            stdin,
            low_priority: self.low_priority,
            memory: self.memory,
        }
    }

    /// Runs it, giving each piece of standard output to `on_bytes`, whose error ends it.
    async fn drive(
        self,
        run: &Run,
        limit: Duration,
        mut on_bytes: impl FnMut(&[u8]) -> Result<(), MediaError> + Send,
    ) -> Result<Finished, MediaError> {
        run.check()?;
        let name = self.name();
        let mut child = Child::start(self.order(run.scratch.clone(), false))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut tail = Vec::new();
        let (tell_end, heard_end) = tokio::sync::oneshot::channel();
        let end = async {
            let code = child.wait().await;
            // Fails when the pipes have ended already, as they should.
            let _ = tell_end.send(());
            code
        };
        let out = read(stdout, &mut on_bytes);
        let err = read(stderr, |bytes| {
            keep_tail(&mut tail, bytes);
            Ok(())
        });
        let pipes = async {
            tokio::select! {
                read = async { tokio::try_join!(out, err) } => read.map(|_| ()),
                () = after(heard_end, PIPE_GRACE) => Ok(()),
            }
        };
        // A fault in reading ends the waiting, and the child below.
        let work = async { tokio::try_join!(pipes, async { Ok(end.await) }).map(|((), code)| code) };
        let outcome = tokio::select! {
            biased;
            () = run.cancel.cancelled() => Err(MediaError::cancelled()),
            done = work => done,
            () = tokio::time::sleep(limit) => {
                let message = format!("{name} took longer than its limit of {} s.", limit.as_secs_f64().ceil());
                Err(MediaError::new(ErrorCode::ProcessingTimeout, message))
            }
        };
        let code = match outcome {
            Ok(code) => code,
            Err(error) => {
                child.kill();
                child.wait().await;
                return Err(error);
            }
        };
        let stderr_tail = String::from_utf8_lossy(&tail).into_owned();
        if code != 0 && stderr_tail.contains("No space left on device") {
            return Err(MediaError::new(ErrorCode::DiskFull, "The disk is full.").with_detail(stderr_tail));
        }
        tracing::debug!(program = name, code, "program ended");
        Ok(Finished { code, stdout: Vec::new(), stderr_tail })
    }
}

async fn after(event: tokio::sync::oneshot::Receiver<()>, grace: Duration) {
    let _ = event.await;
    tokio::time::sleep(grace).await;
}

async fn read(
    pipe: Option<impl AsyncRead + Unpin>,
    mut on_bytes: impl FnMut(&[u8]) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut buffer = vec![0; 64 << 10];
    loop {
        match pipe.read(&mut buffer).await {
            Ok(0) => return Ok(()),
            Ok(count) => on_bytes(&buffer[..count])?,
            Err(error) => return Err(MediaError::storage("Reading what a program says", &error)),
        }
    }
}

fn keep_tail(tail: &mut Vec<u8>, bytes: &[u8]) {
    tail.extend_from_slice(bytes);
    if tail.len() > 2 * STDERR_TAIL {
        tail.drain(..tail.len() - STDERR_TAIL);
    }
}
