//! What each setting may be.

use crate::api::types::Settings;
use crate::schedule;
use domain::ApiError;
use std::path::Path;

/// The settings with spare white space and doubles removed, or `INVALID_INPUT` naming the first that is wrong.
pub(super) fn normalized(mut settings: Settings) -> Result<Settings, ApiError> {
    one_of("ui_language", &settings.ui_language, &["system", "en", "pt-BR", "es"])?;
    one_of("theme", &settings.theme, &["system", "dark", "light"])?;
    one_of("density", &settings.density, &["comfortable", "compact"])?;
    within("max_retries", settings.max_retries.into(), 0, 5)?;
    within("net_limit", settings.net_limit.into(), 1, 64)?;
    within("cpu_limit", settings.cpu_limit.into(), 1, 256)?;
    within("model_limit", settings.model_limit.into(), 1, 16)?;
    within("max_download_bytes", settings.max_download_bytes, 1024 * 1024, 1 << 50)?;
    within("max_live_seconds", settings.max_live_seconds, 1, 30 * 86_400)?;
    within("task_days", settings.task_days.into(), 1, 36_500)?;
    within("port", settings.port.into(), 1, 65_535)?;
    one_of("on_close", &settings.on_close, &["ask", "tray", "quit"])?;
    for (name, time) in [("night_from", &settings.night_from), ("night_to", &settings.night_to)] {
        if schedule::minutes(time).is_none() {
            return Err(ApiError::invalid(format!(
                "{name} is \"{time}\", which is not a time such as 22:00."
            )));
        }
    }
    settings.shortcuts.retain(|name, keys| name.len() <= 64 && keys.len() <= 32);
    within("api_rate", settings.api_rate.into(), 1, 1_000_000)?;
    settings.api_folders = folders("api_folders", &settings.api_folders)?;
    settings.recipe = settings.recipe.trim().to_string();
    if settings.recipe.is_empty() {
        return Err(ApiError::invalid("recipe is empty."));
    }
    settings.allow_hosts = hosts(&settings.allow_hosts)?;
    settings.model_mirror = mirror(&settings.model_mirror)?;
    for (name, path) in [
        ("ffmpeg", &mut settings.ffmpeg),
        ("ffprobe", &mut settings.ffprobe),
        ("pocketsphinx", &mut settings.pocketsphinx),
        ("yt_dlp", &mut settings.yt_dlp),
    ] {
        *path = path.trim().to_string();
        if !path.is_empty() && !Path::new(path.as_str()).is_absolute() {
            return Err(ApiError::invalid(format!("{name} is not an absolute path: \"{path}\".")));
        }
    }
    Ok(settings)
}

/// Absolute folders, each once.
fn folders(name: &str, entries: &[String]) -> Result<Vec<String>, ApiError> {
    let mut folders: Vec<String> = Vec::new();
    for entry in entries.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()) {
        if !Path::new(entry).is_absolute() {
            return Err(ApiError::invalid(format!("{name} holds no absolute path: \"{entry}\".")));
        }
        if !folders.iter().any(|known| known == entry) {
            folders.push(entry.to_string());
        }
    }
    Ok(folders)
}

fn one_of(name: &str, value: &str, known: &[&str]) -> Result<(), ApiError> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(ApiError::invalid(format!("{name} is \"{value}\", which is not one of: {}.", known.join(", "))))
}

fn within(name: &str, value: u64, least: u64, most: u64) -> Result<(), ApiError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(ApiError::invalid(format!("{name} is {value}, which is not between {least} and {most}.")))
}

/// Host names and addresses, with a port or without; lower case, sorted, each once.
fn hosts(entries: &[String]) -> Result<Vec<String>, ApiError> {
    let mut hosts = Vec::new();
    for entry in
        entries.iter().map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty())
    {
        let bare_address = entry.parse::<std::net::Ipv6Addr>().is_ok();
        let authority = if bare_address { format!("[{entry}]") } else { entry.clone() };
        let plain = url::Url::parse(&format!("http://{authority}/")).is_ok_and(|url| {
            url.host().is_some() && url.username().is_empty() && url.path() == "/" && url.query().is_none()
        });
        if !plain || entry.contains(['/', '@', '?', '#', '*', '\\']) {
            return Err(ApiError::invalid(format!(
                "allow_hosts: \"{entry}\" is not a host name or address."
            )));
        }
        hosts.push(entry);
    }
    hosts.sort();
    hosts.dedup();
    Ok(hosts)
}

fn mirror(address: &str) -> Result<String, ApiError> {
    let address = address.trim();
    let fine = address.is_empty()
        || url::Url::parse(address).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.password().is_none()
        });
    if fine {
        return Ok(address.trim_end_matches('/').to_string());
    }
    Err(ApiError::invalid("model_mirror is not an http or https address."))
}
