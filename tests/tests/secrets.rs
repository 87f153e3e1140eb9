//! Secrets in a real key store, without any, and nowhere else.
//!
//! The key store is a property of the session, so each case runs in a child of this very test program, inside its own
//! session bus with its own unlocked keyring, or with no bus at all.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use backend::secrets::{Kept, Secrets};
use domain::ErrorCode;
use std::path::Path;
use std::process::{Command, Output};

const CANARY: &str = "canary-4f1d0c-cookie-value";

#[allow(clippy::disallowed_methods)] // harness: the children are this test program and the session bus
fn command(program: impl AsRef<std::ffi::OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("DISPLAY");
    command.env("HOME", home).env("XDG_DATA_HOME", home.join("data")).env("XDG_RUNTIME_DIR", home);
    command
}

fn passed(output: &Output) -> bool {
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    output.status.success() && text.contains("1 passed")
}

/// No file below the folder holds the canary. The key store's daemon is ending meanwhile and takes its own files with
/// it: what is gone by the time it is looked at holds nothing.
fn assert_nowhere(folder: &Path) {
    let mut folders = vec![folder.to_path_buf()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let Some(entries) = unless_gone(std::fs::read_dir(folder)) else { continue };
        for entry in entries.flatten() {
            let Some(kind) = unless_gone(entry.file_type()) else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let Some(bytes) = unless_gone(std::fs::read(entry.path())) else { continue };
                files += 1;
                let found = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
                assert!(!found, "the secret lies in {}", entry.path().display());
            }
        }
    }
    println!("{files} files searched");
}

fn unless_gone<T>(found: std::io::Result<T>) -> Option<T> {
    match found {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        found => Some(found.unwrap()),
    }
}

#[test]
fn kept_in_the_key_store_and_nowhere_else() {
    let home = tempfile::tempdir().unwrap();
    let there = |program: &str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|folder| folder.join(program).is_file())
    };
    if !there("dbus-run-session") || !there("gnome-keyring-daemon") {
        println!("skipped: dbus-run-session or gnome-keyring-daemon is not installed");
        return;
    }
    let script = "printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" \"$@\"";
    let output = command("dbus-run-session", home.path())
        .args(["--", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "with_a_key_store", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(passed(&output));
    assert_nowhere(home.path());
}

#[test]
fn kept_in_memory_where_there_is_no_key_store() {
    let home = tempfile::tempdir().unwrap();
    let output = command(std::env::current_exe().unwrap(), home.path())
        .args(["--exact", "without_a_key_store", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(passed(&output));
    assert_nowhere(home.path());
}

#[tokio::test]
#[ignore = "run by kept_in_the_key_store_and_nowhere_else"]
async fn with_a_key_store() {
    let secrets = Secrets::open();
    assert_eq!(secrets.check().await.unwrap(), "Secret Service");
    assert_eq!(secrets.put("headers-1", CANARY).await, Kept::Store);
    assert!(!format!("{secrets:?}").contains(CANARY));
    // Another run of the program finds it.
    let later = Secrets::open();
    let found = later.need("headers-1").await.unwrap();
    assert_eq!(found.expose(), CANARY);
    assert!(!format!("{found:?} {later:?}").contains(CANARY));
    assert_eq!(later.put("headers-1", "another").await, Kept::Store);
    assert_eq!(secrets.get("headers-1").await.unwrap().unwrap().expose(), "another");
    assert_eq!(later.get("headers-2").await.unwrap(), None);
    // As long as cookies get, and with every kind of character.
    let long = "ção \u{1F36A} \"'\n".repeat(2_000);
    assert_eq!(secrets.put("long", &long).await, Kept::Store);
    assert_eq!(later.get("long").await.unwrap().unwrap().expose(), long);
    later.remove("headers-1").await.unwrap();
    later.remove("headers-1").await.unwrap();
    assert_eq!(secrets.get("headers-1").await.unwrap(), None);
    let gone = secrets.need("headers-1").await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::SecretStoreUnavailable);
    secrets.put("stays", CANARY).await;
}

#[tokio::test]
#[ignore = "run by kept_in_memory_where_there_is_no_key_store"]
async fn without_a_key_store() {
    let secrets = Secrets::open();
    assert!(secrets.check().await.is_err());
    assert_eq!(secrets.put("headers-1", CANARY).await, Kept::Session);
    assert_eq!(secrets.need("headers-1").await.unwrap().expose(), CANARY);
    assert_eq!(secrets.clone().get("headers-1").await.unwrap().unwrap().expose(), CANARY);
    assert!(!format!("{secrets:?}").contains(CANARY));
    // A later run has nothing, and says so.
    let error = Secrets::open().need("headers-1").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::SecretStoreUnavailable);
    assert!(!format!("{error:?}").contains(CANARY));
    secrets.remove("headers-1").await.unwrap();
    assert!(secrets.get("headers-1").await.is_err());
}
