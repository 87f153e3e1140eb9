//! The settings file: absent, broken, wrong in parts, kept whole.

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn defaults_without_a_file_and_kept_after_a_restart() {
    let folder = folder();
    let settings = SettingsHandle::open(folder.path()).unwrap();
    assert_eq!(settings.get(), Settings::default());
    assert!(!folder.path().join("settings.json").exists());
    let wanted = Settings {
        theme: "dark".into(),
        allow_hosts: vec![" LocalHost ".into(), "localhost".into(), "192.168.0.9:8080".into(), "::1".into()],
        model_mirror: "http://mirror.example/models/".into(),
        ..Settings::default()
    };
    let stored = settings.set(wanted).unwrap();
    assert_eq!(stored.allow_hosts, ["192.168.0.9:8080", "::1", "localhost"]);
    assert_eq!(stored.model_mirror, "http://mirror.example/models");
    assert_eq!(SettingsHandle::open(folder.path()).unwrap().get(), stored);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("settings.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn what_is_not_known_stays_in_the_file() {
    let folder = folder();
    let path = folder.path().join("settings.json");
    std::fs::write(&path, r#"{"from_the_future": {"a": [1]}, "theme": "light"}"#).unwrap();
    let settings = SettingsHandle::open(folder.path()).unwrap();
    assert_eq!(settings.get().theme, "light");
    assert!(settings.problems().is_empty());
    settings.set(Settings { port: 9000, ..settings.get() }).unwrap();
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(file["from_the_future"], serde_json::json!({"a": [1]}));
    assert_eq!((file["theme"].as_str(), file["port"].as_u64()), (Some("light"), Some(9000)));
}

#[test]
fn a_broken_file_is_kept_aside() {
    let folder = folder();
    for (number, broken) in ["{\"theme\": ", "", "[1]", "\u{0}\u{0}"].iter().enumerate() {
        std::fs::write(folder.path().join("settings.json"), broken).unwrap();
        let settings = SettingsHandle::open(folder.path()).unwrap();
        assert_eq!(settings.get(), Settings::default());
        assert_eq!(settings.problems().len(), 1);
        let aside = folder.path().join(format!("settings.broken-{}.json", number + 1));
        assert_eq!(std::fs::read_to_string(aside).unwrap(), *broken);
    }
}

#[test]
fn a_wrong_value_does_not_take_the_others_with_it() {
    let folder = folder();
    let text = r#"{"theme": "purple", "max_retries": "many", "density": "compact", "port": 0}"#;
    std::fs::write(folder.path().join("settings.json"), text).unwrap();
    let settings = SettingsHandle::open(folder.path()).unwrap();
    assert_eq!(settings.get(), Settings { density: "compact".into(), ..Settings::default() });
    assert_eq!(settings.problems().len(), 3);
}

#[test]
fn wrong_values_are_refused_by_name() {
    let folder = folder();
    let settings = SettingsHandle::open(folder.path()).unwrap();
    let base = Settings::default;
    let wrong = [
        ("theme", Settings { theme: "blue".into(), ..base() }),
        ("ui_language", Settings { ui_language: "de".into(), ..base() }),
        ("density", Settings { density: String::new(), ..base() }),
        ("max_retries", Settings { max_retries: 6, ..base() }),
        ("net_limit", Settings { net_limit: 0, ..base() }),
        ("cpu_limit", Settings { cpu_limit: 100_000, ..base() }),
        ("model_limit", Settings { model_limit: 0, ..base() }),
        ("max_download_bytes", Settings { max_download_bytes: 0, ..base() }),
        ("max_live_seconds", Settings { max_live_seconds: u64::MAX, ..base() }),
        ("task_days", Settings { task_days: 0, ..base() }),
        ("port", Settings { port: 0, ..base() }),
        ("on_close", Settings { on_close: "hide".into(), ..base() }),
        ("night_from", Settings { night_from: "25:00".into(), ..base() }),
        ("night_to", Settings { night_to: "7".into(), ..base() }),
        ("recipe", Settings { recipe: "  ".into(), ..base() }),
        ("allow_hosts", Settings { allow_hosts: vec!["http://x".into()], ..base() }),
        ("allow_hosts", Settings { allow_hosts: vec!["*".into()], ..base() }),
        ("allow_hosts", Settings { allow_hosts: vec!["a@b".into()], ..base() }),
        ("model_mirror", Settings { model_mirror: "file:///etc".into(), ..base() }),
        ("ffmpeg", Settings { ffmpeg: "bin/ffmpeg".into(), ..base() }),
        ("yt_dlp", Settings { yt_dlp: "--exec".into(), ..base() }),
    ];
    for (name, values) in wrong {
        let error = settings.set(values).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidInput);
        assert!(error.message.starts_with(name), "{name}: {error}");
    }
    assert_eq!(settings.get(), Settings::default());
    assert!(!folder.path().join("settings.json").exists());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_keeps_the_old_settings() {
    let folder = folder();
    let settings = SettingsHandle::open(folder.path()).unwrap();
    std::fs::create_dir(folder.path().join("settings.json.new")).unwrap();
    let error = settings.set(Settings { theme: "dark".into(), ..Settings::default() }).unwrap_err();
    assert_eq!(error.code, ErrorCode::StorageFault);
    assert_eq!(settings.get().theme, "system");
}
