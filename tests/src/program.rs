//! The built `bobina`, started on a data folder and spoken to over its loopback server.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Path of the `bobina` binary that was built beside the running test.
pub fn bobina() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test
        .ancestors()
        .find(|folder| folder.join("bobina").is_file())
        .context("build it first: cargo build -p cli")?;
    Ok(folder.join("bobina"))
}

/// A running `bobina serve`.
pub struct Serving {
    child: Child,
    pub data_dir: PathBuf,
    port: u16,
    token: String,
    client: reqwest::Client,
}

impl Serving {
    /// Starts it and waits until it answers.
    pub async fn start(data_dir: &Path) -> Result<Self> {
        Self::start_with(data_dir, &[]).await
    }

    /// As [`Serving::start`], with more environment variables.
    #[allow(clippy::disallowed_methods, reason = "the program under test is started from outside")]
    pub async fn start_with(data_dir: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        // A published address of a killed owner must not be taken for the new one's.
        let _ = std::fs::remove_file(data_dir.join("owner.json"));
        let log = std::fs::File::create(data_dir.with_extension("log"))?;
        let mut child = Command::new(bobina()?)
            .args(["--data-dir"])
            .arg(data_dir)
            .args(["serve", "--port", "0"])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(address) = std::fs::read(data_dir.join("owner.json"))
                .ok()
                .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
                && address["pid"] == child.id()
            {
                let port = u16::try_from(address["port"].as_u64().context("no port")?)?;
                let token = address["token"].as_str().context("no token")?.to_string();
                // Installed once for the process; a second time is refused and harmless.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let client = reqwest::Client::builder().no_proxy().build()?;
                return Ok(Self { child, data_dir: data_dir.into(), port, token, client });
            }
            if let Some(status) = child.try_wait()? {
                let said = std::fs::read_to_string(data_dir.with_extension("log")).unwrap_or_default();
                bail!("bobina serve ended with {status}: {said}");
            }
            if Instant::now() > deadline {
                child.kill()?;
                bail!("bobina serve published no address within 20 s");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port of its private listener.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The bearer token of that listener.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends it a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(self.child.id(), name)
    }

    /// Waits for its end, at most `limit`, and answers the exit code; null when a signal ended it.
    pub async fn ended(&mut self, limit: Duration) -> Result<Option<i32>> {
        ended(&mut self.child, limit).await
    }

    /// Runs a command; an error answer is an `Err` with its text.
    pub async fn call(&self, command: &str, input: Value) -> Result<Value> {
        let answer = self
            .client
            .post(format!("http://127.0.0.1:{}/rpc/{command}", self.port))
            .bearer_auth(&self.token)
            .json(&input)
            .send()
            .await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        if !status.is_success() {
            bail!("{command}: {status} {body}");
        }
        Ok(body)
    }

    /// All pages of a list.
    pub async fn list(&self, command: &str) -> Result<Vec<Value>> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let page = self.call(command, json!({"limit": 500, "offset": items.len()})).await?;
            let rows = page["items"].as_array().context("no items")?.clone();
            let total = page["total"].as_u64().context("no total")? as usize;
            let empty = rows.is_empty();
            items.extend(rows);
            if empty || items.len() >= total {
                return Ok(items);
            }
        }
    }

    /// SIGKILL, as a power cut or an out-of-memory killer would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a process a signal by name, such as `TERM`.
#[allow(clippy::disallowed_methods, reason = "a person's own kill command")]
pub fn signal(pid: u32, name: &str) -> Result<()> {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status()?;
    anyhow::ensure!(sent.success(), "process {pid} could not be signalled");
    Ok(())
}

/// Waits for a child's end, at most `limit`, and answers its exit code; null when a signal ended it.
pub async fn ended(child: &mut Child, limit: Duration) -> Result<Option<i32>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        anyhow::ensure!(Instant::now() < deadline, "process {} did not end within {limit:?}", child.id());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Processes whose command line or working folder names `folder`, as `(pid, command line)`.
pub fn processes_on(folder: &Path) -> Vec<(u32, String)> {
    let needle = folder.to_string_lossy().into_owned();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter_map(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let dir = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
            (line.contains(&needle) || dir.starts_with(folder)).then_some((pid, line))
        })
        .collect()
}
