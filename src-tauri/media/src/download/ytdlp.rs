//! Sites that only yt-dlp knows.
//!
//! Owns how it is called: no configuration, no plug-ins, no post-processing commands, one video, a fixed name in a
//! folder of its own, its progress line by line. Leaves every decision whether to call it to `page`.
//! Invariants: it reaches the network only through [`Gate`]; what it wrote is found by us, not taken from its word;
//! cookies are given to it in a file that only this user reads, for their own host, and that goes with the call; other
//! secret headers not at all, for it would send them to every host.

use super::cookies::CookieFile;
use super::gate::Gate;
use super::name::clean_title;
use super::{Fetch, Fetched, Method};
use crate::tools::{Finished, Program};
use crate::{MediaError, Run};
use domain::ErrorCode;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use url::Url;

/// Switches without which it is not called.
const NEEDED: &[&str] = &[
    "--ignore-config",
    "--no-exec",
    "--no-playlist",
    "--playlist-items",
    "--output",
    "--paths",
    "--newline",
    "--progress-template",
    "--max-filesize",
    "--downloader",
    "--no-cache-dir",
    "--restrict-filenames",
];
/// Switches that newer versions know, and that shut doors older versions do not have.
const WELCOME: &[&str] = &["--no-plugin-dirs", "--no-remote-components", "--no-mtime", "--no-update"];

/// No site takes longer; live streams are ended by it.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
const PROGRESS: &str = "bobina-progress";
const TITLE: &str = "bobina-title ";

/// Fetches what lies behind `url` by yt-dlp.
///
/// Errors: `TOOL_MISSING` when it is not there; `TOOL_FAILED` when it is too old; `NO_VIDEO_ON_PAGE`, `URL_NOT_FOUND`,
/// `ACCESS_REFUSED`, `RATE_LIMITED`, `NETWORK_LOST`, `HOST_BLOCKED`, `DOWNLOAD_TOO_LARGE`, `PLAYLIST_PROTECTED`.
pub(super) async fn fetch(fetch: &Fetch<'_>, url: &Url) -> Result<Fetched, MediaError> {
    let tool = fetch.tools.yt_dlp()?;
    let ffmpeg = fetch.tools.ffmpeg()?;
    let help = known_switches(&tool.path, fetch.run).await?;
    let policy = fetch.client.policy();
    let gate = Gate::open(policy).await?;
    let folder = fetch.folder.join("ytdlp");
    std::fs::create_dir_all(&folder).map_err(|e| MediaError::storage("Making the download's folder", &e))?;
    let most = policy.max_bytes.to_string();
    let cookies = CookieFile::write(&fetch.run.scratch, url, &fetch.headers)?;
    let progress = format!(
        "download:{PROGRESS} %(progress.downloaded_bytes)s %(progress.total_bytes)s \
         %(progress.total_bytes_estimate)s %(progress.speed)s"
    );
    let program = Program::new(&tool.path)
        .args(["--ignore-config", "--no-exec", "--no-cache-dir", "--restrict-filenames"])
        .args(WELCOME.iter().filter(|switch| help.contains(**switch)))
        .args(cookies.switches())
        .args([
            "--no-playlist",
            "--playlist-items",
            "1",
            "--downloader",
            "native",
            "--concurrent-fragments",
            "8",
        ])
        .args([
            "--socket-timeout",
            "30",
            "--retries",
            "5",
            "--fragment-retries",
            "5",
            "--max-filesize",
            &most,
        ])
        .args(["--newline", "--progress", "--color", "never", "--progress-template", &progress])
        .args(["--no-simulate", "--print", &format!("before_dl:{TITLE}%(title)s")])
        .args(["--output", "video.%(ext)s", "--paths"])
        .arg(&folder)
        .arg("--ffmpeg-location")
        .arg(&ffmpeg.path)
        .args(["--", url.as_str()])
        .env("http_proxy", gate.address())
        .env("https_proxy", gate.address())
        .dir(&folder);
    let mut heard = Heard::default();
    let too_large = AtomicBool::new(false);
    let run = Run { cancel: fetch.run.cancel.child_token(), ..fetch.run.clone() };
    let ended = program
        .each_line(&run, LONGEST, |line| {
            heard.line(line, &run);
            if heard.bytes > policy.max_bytes {
                too_large.store(true, Ordering::Relaxed);
                run.cancel.cancel();
            }
        })
        .await;
    drop(cookies);
    if too_large.load(Ordering::Relaxed) {
        return Err(super::meter::too_large(policy.max_bytes));
    }
    let ended = ended?;
    match written(&folder)? {
        Some(file) if ended.code == 0 => {
            let path = fetch.folder.join(&file.1);
            std::fs::rename(&file.0, &path).map_err(|e| MediaError::storage("Saving the video", &e))?;
            let _ = std::fs::remove_dir_all(&folder);
            Ok(Fetched { path, title: heard.title, final_url: url.to_string(), method: Method::YtDlp })
        }
        _ => Err(gate
            .refused()
            .filter(|e| e.code == ErrorCode::HostBlocked)
            .unwrap_or_else(|| failure(&ended))),
    }
}

/// The text of its help. Errors: `TOOL_FAILED` when a switch we count on is missing.
async fn known_switches(program: &Path, run: &Run) -> Result<String, MediaError> {
    let asked = Program::new(program)
        .args(["--ignore-config", "--help"])
        .output(run, Duration::from_secs(60))
        .await?;
    let help = String::from_utf8_lossy(&asked.stdout).into_owned();
    if let Some(missing) = NEEDED.iter().find(|switch| !help.contains(**switch)) {
        return Err(MediaError::new(
            ErrorCode::ToolFailed,
            format!(
                "This yt-dlp is too old or another program: it does not know {missing}. Install a newer one."
            ),
        ));
    }
    Ok(help)
}

/// What it said while it ran.
#[derive(Default)]
struct Heard {
    title: Option<String>,
    bytes: u64,
}

impl Heard {
    fn line(&mut self, line: &str, run: &Run) {
        if let Some(title) = line.strip_prefix(TITLE) {
            self.title = clean_title(title).filter(|t| t != "NA");
        } else if let Some(numbers) = line.strip_prefix(PROGRESS) {
            let number = |place: usize| numbers.split_whitespace().nth(place)?.parse::<f64>().ok();
            let got = number(0).unwrap_or(0.0);
            self.bytes = got as u64;
            let total = number(1).or(number(2)).filter(|t| *t > 0.0);
            let speed = number(3).map(super::meter::speed_text);
            run.report(total.map_or(0.0, |t| (got / t).min(1.0) * 0.98), speed.as_deref());
        }
    }
}

/// The largest whole media file it left, under a name of ours: extensions come from the site, so only known ones stay.
fn written(folder: &Path) -> Result<Option<(PathBuf, String)>, MediaError> {
    let storage = |e: std::io::Error| MediaError::storage("Reading the download's folder", &e);
    let known = [
        "mp4", "mkv", "webm", "mov", "m4v", "flv", "avi", "ts", "mp3", "m4a", "opus", "ogg", "wav", "flac",
        "aac",
    ];
    let mut best: Option<(u64, PathBuf, String)> = None;
    for entry in std::fs::read_dir(folder).map_err(storage)? {
        let entry = entry.map_err(storage)?;
        let meta = entry.path().symlink_metadata().map_err(storage)?;
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        let Some(extension) =
            name.strip_prefix("video.").filter(|e| !e.contains("part") && !e.contains("ytdl"))
        else {
            continue;
        };
        if meta.is_file() && meta.len() > 0 && best.as_ref().is_none_or(|(size, ..)| meta.len() > *size) {
            let extension = known.iter().find(|k| **k == extension).unwrap_or(&"bin");
            best = Some((meta.len(), entry.path(), format!("media.{extension}")));
        }
    }
    Ok(best.map(|(_, path, name)| (path, name)))
}

/// What its last words mean.
fn failure(ended: &Finished) -> MediaError {
    let said = ended.stderr_tail.lines().rev().find(|l| l.contains("ERROR")).unwrap_or_default();
    let lower = said.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    let (code, message) = if has(&["http error 404", "http error 410", "video unavailable", "does not exist"])
    {
        (ErrorCode::UrlNotFound, "The site says that this video does not exist.")
    } else if has(&["http error 429", "too many requests", "rate-limit"]) {
        (ErrorCode::RateLimited, "The site wants fewer requests.")
    } else if has(&[
        "http error 403",
        "http error 401",
        "login",
        "log in",
        "sign in",
        "private",
        "members-only",
        "geo",
    ]) {
        (ErrorCode::AccessRefused, "The site does not give this video to everyone.")
    } else if has(&["drm"]) {
        (ErrorCode::PlaylistProtected, "The video is protected; only its own player can open it.")
    } else if has(&[
        "timed out",
        "unable to connect",
        "connection",
        "name or service",
        "http error 5",
        "temporary failure",
    ]) {
        (ErrorCode::NetworkLost, "The connection to the site broke.")
    } else {
        (ErrorCode::NoVideoOnPage, "Neither we nor yt-dlp found a video at this address.")
    };
    // Addresses in its words may hold keys in their queries.
    let detail: Vec<&str> = said.split_whitespace().map(|w| w.split('?').next().unwrap_or(w)).collect();
    MediaError::new(code, message).with_detail(detail.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(stderr: &str) -> ErrorCode {
        failure(&Finished { code: 1, stdout: Vec::new(), stderr_tail: stderr.into() }).code
    }

    #[test]
    fn its_last_words_are_understood() {
        assert_eq!(
            ended("WARNING: x\nERROR: Unsupported URL: https://a.example/?k=1"),
            ErrorCode::NoVideoOnPage
        );
        assert_eq!(
            ended("ERROR: [generic] Unable to download webpage: HTTP Error 404: Not Found"),
            ErrorCode::UrlNotFound
        );
        assert_eq!(ended("ERROR: [site] This video is DRM protected"), ErrorCode::PlaylistProtected);
        assert_eq!(ended("ERROR: Sign in to confirm your age"), ErrorCode::AccessRefused);
        assert_eq!(ended("ERROR: [generic] HTTP Error 429: Too Many Requests"), ErrorCode::RateLimited);
        assert_eq!(ended(""), ErrorCode::NoVideoOnPage);
    }

    #[test]
    fn only_plain_files_of_known_kinds_keep_their_extension() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(written(folder.path()).unwrap(), None);
        std::fs::write(folder.path().join("video.mp4.part"), [0; 900]).unwrap();
        std::fs::write(folder.path().join("video.desktop"), [0; 10]).unwrap();
        assert_eq!(written(folder.path()).unwrap().unwrap().1, "media.bin");
        std::fs::write(folder.path().join("video.mp4"), [0; 20]).unwrap();
        assert_eq!(written(folder.path()).unwrap().unwrap().1, "media.mp4");
    }

    #[test]
    fn progress_and_title_are_heard() {
        let said = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut run = Run::quiet("/nowhere");
        let heard_by = said.clone();
        run.progress =
            std::sync::Arc::new(move |f, d| heard_by.lock().unwrap().push((f, d.map(str::to_owned))));
        let mut heard = Heard::default();
        heard.line("bobina-title ../../x\u{202e}y", &run);
        heard.line("bobina-progress 500 NA 1000.0 2500000.0", &run);
        assert_eq!(heard.title.as_deref(), Some("../../x y"));
        assert_eq!(heard.bytes, 500);
        assert_eq!(said.lock().unwrap()[0], (0.49, Some("2.5 MB/s".to_owned())));
    }
}
