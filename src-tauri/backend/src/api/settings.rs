//! The user's settings as values, and what they are until the user changes them.
//!
//! Leaves checking and storing to `crate::settings`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// The user's settings. Absent fields of a file take their defaults; unknown ones are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    /// Recipe of a drop, a paste and of `add` without one.
    pub recipe: String,
    /// `system`, `en`, `pt-BR` or `es`.
    pub ui_language: String,
    /// `system`, `dark` or `light`.
    pub theme: String,
    /// `comfortable` or `compact`.
    pub density: String,
    /// Hosts in private ranges that downloads may reach.
    pub allow_hosts: Vec<String>,
    /// Retries after the first try, 0 to 5.
    pub max_retries: u32,
    /// Jobs at once in the lane `net`.
    pub net_limit: u32,
    /// Jobs at once in the lane `cpu`.
    pub cpu_limit: u32,
    /// Jobs at once in the lane `model`.
    pub model_limit: u32,
    /// Largest single download, in bytes.
    pub max_download_bytes: u64,
    /// A live playlist is recorded at most this long, in seconds.
    pub max_live_seconds: u64,
    /// Base address models are downloaded from; empty for the usual one.
    pub model_mirror: String,
    /// Days the API answers for ended tasks.
    pub task_days: u32,
    /// Paths of ffmpeg, ffprobe, pocketsphinx_batch, yt-dlp; empty to look in PATH.
    pub ffmpeg: String,
    pub ffprobe: String,
    pub pocketsphinx: String,
    pub yt_dlp: String,
    /// Port of `serve`.
    pub port: u16,
    /// Contact no cloud service; engines on this machine stay.
    pub local_only: bool,
    /// Work runs only at night, from `night_from` to `night_to` (local time, `HH:MM`).
    pub night_only: bool,
    pub night_from: String,
    pub night_to: String,
    /// Work runs only while the machine is on mains power.
    pub mains_only: bool,
    /// The window keeps the machine awake while it works.
    pub keep_awake: bool,
    /// The window tells of each finished batch.
    pub notify: bool,
    /// What closing the window does while there is work: `ask`, `tray` (goes on) or `quit`.
    pub on_close: String,
    /// The user's own keys, by the name of the command, such as `Ctrl+Shift+A`; empty for none.
    pub shortcuts: BTreeMap<String, String>,
    /// Programs with a token of their own are let in.
    pub api_enabled: bool,
    /// Folders whose files a program's token may name; uploads may always be.
    pub api_folders: Vec<String>,
    /// Requests a minute of one token to one route.
    pub api_rate: u32,
}

/// What was wrong with the settings file when it was read, in sentences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SettingsProblems {
    pub problems: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recipe: "transcribe".into(),
            ui_language: "system".into(),
            theme: "system".into(),
            density: "comfortable".into(),
            allow_hosts: Vec::new(),
            max_retries: 3,
            net_limit: 4,
            cpu_limit: 2,
            model_limit: 1,
            max_download_bytes: 64 << 30,
            max_live_seconds: 6 * 3600,
            model_mirror: String::new(),
            task_days: 7,
            ffmpeg: String::new(),
            ffprobe: String::new(),
            pocketsphinx: String::new(),
            yt_dlp: String::new(),
            port: 4782,
            local_only: false,
            night_only: false,
            night_from: "22:00".into(),
            night_to: "07:00".into(),
            mains_only: false,
            keep_awake: true,
            notify: true,
            on_close: "ask".into(),
            shortcuts: BTreeMap::new(),
            api_enabled: false,
            api_folders: Vec::new(),
            api_rate: 3000,
        }
    }
}
