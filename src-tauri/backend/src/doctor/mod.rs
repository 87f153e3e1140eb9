//! Is everything there that the work needs, and what to do where it is not.
//!
//! Owns the checks and their sentences; leaves installing to the user and to `make run`.
//! Invariant: changes nothing but a probe file of its own in the data folder.

use crate::Backend;
use crate::api::types::{Check, DoctorReport};
use domain::ApiError;
use media::MediaError;
use media::tools::Tool;

/// Below this much free space, in bytes, downloads are at risk.
const LOW_DISK: u64 = 2 << 30;

/// ffmpeg before this major version still works; newer ones have more fixes against hostile files.
const CURRENT_FFMPEG: u32 = 8;

/// Runs every check.
pub async fn run(backend: &Backend) -> Result<DoctorReport, ApiError> {
    backend.check_tools().await;
    let tools = backend.tools();
    let checks = vec![
        ffmpeg("ffmpeg", tools.ffmpeg()),
        ffmpeg("ffprobe", tools.ffprobe()),
        basic_engine(tools.pocketsphinx()),
        yt_dlp(tools.yt_dlp(), tools.yt_dlp_version().await),
        models(backend),
        data_folder(backend),
        disk(backend),
        key_store(backend).await,
        settings_file(backend),
    ];
    Ok(DoctorReport {
        version: env!("CARGO_PKG_VERSION").into(),
        data_dir: backend.data_dir().display().to_string(),
        healthy: checks.iter().all(|check| check.state != "missing"),
        checks,
    })
}

fn check(name: &str, state: &str, message: impl Into<String>) -> Check {
    Check {
        name: name.into(),
        state: state.into(),
        version: None,
        path: None,
        message: message.into(),
        cure: None,
    }
}

fn found(name: &str, tool: &Tool, message: &str) -> Check {
    Check {
        version: (!tool.version.is_empty()).then(|| tool.version.clone()),
        path: Some(tool.path.display().to_string()),
        ..check(name, "ok", message)
    }
}

fn ffmpeg(name: &str, tool: Result<&Tool, MediaError>) -> Check {
    match tool {
        Ok(tool) => {
            let mut check = found(name, tool, "Reads and cuts media.");
            let major =
                tool.version.trim_start_matches('n').split('.').next().and_then(|n| n.parse::<u32>().ok());
            if major.is_some_and(|major| major < CURRENT_FFMPEG) {
                check.state = "warning".into();
                check.message =
                    "Works, but it is an old version: newer ones have more fixes against hostile files. \
                                 Bobina shows it neither playlists nor the network."
                        .into();
            }
            check
        }
        Err(error) => Check {
            cure: Some(
                "Install ffmpeg (Debian and Ubuntu: apt install ffmpeg), or set its path in Settings.".into(),
            ),
            ..check(name, "missing", error.message)
        },
    }
}

fn basic_engine(tool: Result<&Tool, MediaError>) -> Check {
    match tool {
        Ok(tool) => found("pocketsphinx", tool, "The basic engine hears English with no download."),
        Err(error) => Check {
            cure: Some(
                "Install it (Debian and Ubuntu: apt install pocketsphinx pocketsphinx-en-us), or download a Whisper model."
                    .into(),
            ),
            ..check("pocketsphinx", "warning", error.message)
        },
    }
}

fn yt_dlp(tool: Result<&Tool, MediaError>, version: Result<String, MediaError>) -> Check {
    match (tool, version) {
        (Ok(tool), Ok(version)) => {
            Check { version: Some(version), ..found("yt-dlp", tool, "Downloads from sites that need it.") }
        }
        (Ok(tool), Err(error)) => Check {
            path: Some(tool.path.display().to_string()),
            cure: Some("Install yt-dlp anew.".into()),
            ..check("yt-dlp", "warning", error.message)
        },
        (Err(_), _) => Check {
            cure: Some("Install it for links to video sites: pipx install yt-dlp".into()),
            ..check(
                "yt-dlp",
                "warning",
                "Not installed. Direct links, HLS and most sales pages work without it.",
            )
        },
    }
}

fn models(backend: &Backend) -> Check {
    let none = || Check {
        cure: Some("Download one that fits this machine: bobina models list".into()),
        ..check(
            "models",
            "warning",
            "No Whisper model is installed: only English is heard, by the basic engine.",
        )
    };
    match media::models::installed(&backend.models_dir()) {
        Err(error) => check("models", "warning", error.message),
        Ok(installed) => {
            let good: Vec<_> =
                installed.iter().filter_map(|i| i.model.as_ref().ok()).map(|m| m.name.clone()).collect();
            if good.is_empty() {
                none()
            } else {
                check("models", "ok", format!("Installed: {}.", good.join(", ")))
            }
        }
    }
}

fn data_folder(backend: &Backend) -> Check {
    let folder = backend.data_dir();
    let path = Some(folder.display().to_string());
    let probe = folder.join(".doctor");
    match std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Check { path, ..check("data_folder", "ok", "Can be written.") },
        Err(error) => Check {
            path,
            cure: Some(
                "Give yourself the right to write there, or choose another folder with --data-dir.".into(),
            ),
            ..check("data_folder", "missing", format!("Cannot be written: {error}."))
        },
    }
}

fn disk(backend: &Backend) -> Check {
    match rustix::fs::statvfs(backend.data_dir()) {
        Ok(space) => {
            let free = space.f_bavail.saturating_mul(space.f_frsize);
            let message = format!("{:.1} GB free.", free as f64 / 1e9);
            if free >= LOW_DISK {
                return check("disk", "ok", message);
            }
            Check { cure: Some("Free some space.".into()), ..check("disk", "warning", message) }
        }
        Err(error) => check("disk", "warning", format!("The free space cannot be told: {error}.")),
    }
}

/// Bytes free for the user on the disk of that folder; none where that cannot be told.
pub(crate) fn free_space(folder: &std::path::Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|space| space.f_bavail.saturating_mul(space.f_frsize))
}

/// What was wrong with the settings file when it was read.
fn settings_file(backend: &Backend) -> Check {
    let problems = backend.settings.problems();
    if problems.is_empty() {
        return check("settings", "ok", "The settings could all be read.");
    }
    Check {
        cure: Some("Look through the settings; they count as whole again once one is changed.".into()),
        ..check("settings", "warning", problems.join(" "))
    }
}

async fn key_store(backend: &Backend) -> Check {
    match backend.secrets.check().await {
        Ok(name) => check("key_store", "ok", format!("{name} keeps secret headers and keys.")),
        Err(error) => Check {
            cure: Some(
                "Start a key store such as gnome-keyring, or enter secrets anew after each start.".into(),
            ),
            ..check(
                "key_store",
                "warning",
                format!(
                    "No key store: secrets are kept for this session only ({}).",
                    error.detail.unwrap_or(error.message)
                ),
            )
        },
    }
}
