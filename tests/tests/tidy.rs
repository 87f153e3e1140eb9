//! The house rules that no compiler or linter holds, read off the tree itself.
//!
//! Owns the directions between the crates, where SQL may stand, and the form of files; leaves style to rustfmt, clippy
//! and ESLint. Invariant: each rule names every place that breaks it.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use domain::ErrorCode;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Standard output of a program of the developer's own machine, run in the project's root.
#[allow(
    clippy::disallowed_methods,
    reason = "a test asks git and cargo about the tree; the product is not running"
)]
fn output(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).current_dir(root()).output().unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Every text file of the project by its path from the root; generated and lock files left out.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    let listed = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"]);
    let wanted = |path: &&str| {
        endings.iter().any(|ending| path.ends_with(ending))
            && !path.contains("/generated/")
            && !path.ends_with("package-lock.json")
    };
    let files: Vec<_> = listed
        .lines()
        .filter(wanted)
        .filter_map(|path| Some((path.to_string(), std::fs::read_to_string(root().join(path)).ok()?)))
        .collect();
    assert!(!files.is_empty(), "no files end with {endings:?}");
    files
}

/// Panics with every place that breaks the rule.
fn none(rule: &str, places: Vec<String>) {
    assert!(places.is_empty(), "{rule}:\n  {}", places.join("\n  "));
}

/// The lines of a Rust file that are compiled into the product, numbered from 1: neither comments nor tests.
fn product_lines(path: &str, text: &str) -> Vec<(usize, String)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if path.starts_with("tests/")
        || path.contains("/tests/")
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
    {
        return Vec::new();
    }
    let tests = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..tests]
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_string()))
        .collect()
}

fn lines_where(endings: &[&str], broken: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut places = Vec::new();
    for (path, text) in files(endings) {
        for (index, line) in text.lines().enumerate() {
            if broken(&path, line) {
                places.push(format!("{path}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    places
}

fn product_lines_where(broken: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut places = Vec::new();
    for (path, text) in files(&[".rs"]) {
        for (number, line) in product_lines(&path, &text) {
            if broken(&path, &line) {
                places.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    places
}

/// Whether `word` stands in `line` on its own.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let part = |character: char| character.is_alphanumeric() || character == '_';
        !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part)
    })
}

#[test]
fn crates_point_one_way() {
    let allowed = |package: &str| -> Option<&[&str]> {
        Some(match package {
            "domain" => &[],
            "media" | "providers" => &["domain"],
            "backend" => &["domain", "media", "providers"],
            "server" => &["domain", "media", "backend"],
            "cli" | "bobina-desktop" => &["domain", "media", "backend", "server"],
            "tests" => &["domain", "media", "providers", "backend", "server"],
            _ => return None,
        })
    };
    let answer = output(env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: Value = serde_json::from_str(&answer).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: Vec<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut places = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let Some(may) = allowed(name) else {
            places.push(format!("{name} has no place in the order of the crates"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            if names.contains(&on) && !may.contains(&on) {
                places.push(format!("{name} depends on {on}"));
            }
            let shell = on == "axum" || on.starts_with("tauri");
            let inner = ["domain", "media", "providers", "backend"].contains(&name);
            if shell && inner && dependency["kind"].as_str() != Some("dev") {
                places.push(format!("{name} knows {on}"));
            }
        }
    }
    none("domain ← media, providers ← backend ← server ← cli and the window", places);
}

#[test]
fn sql_stands_in_the_store() {
    let words = ["SELECT ", "INSERT INTO ", "INSERT OR ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA "];
    none(
        "SQL only in backend/src/store",
        product_lines_where(|path, line| {
            !path.starts_with("src-tauri/backend/src/store") && words.iter().any(|word| line.contains(word))
        }),
    );
}

#[test]
fn errors_have_types() {
    none(
        "no public Result<_, String>",
        product_lines_where(|_, line| {
            line.contains("Result<")
                && line.replace(' ', "").contains(",String>")
                && !line.contains("HashMap")
        }),
    );
    none("no unwrap outside tests", product_lines_where(|_, line| line.contains(".unwrap()")));
}

#[test]
fn files_are_short_and_say_what_they_own() {
    let mut long = Vec::new();
    for (path, text) in files(&[".rs", ".ts", ".tsx", ".mjs", ".py", ".sh"]) {
        let lines = text.lines().count();
        // A test's long tables may run a little longer.
        if lines > if path.starts_with("tests/") { 550 } else { 500 } {
            long.push(format!("{path}: {lines} lines"));
        }
    }
    none("no file over 500 lines, no test over 550", long);
    let silent =
        files(&[".rs"]).into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path);
    none("every module opens with //!", silent.collect());
}

#[test]
fn nothing_names_this_machine() {
    let folders = ["work", "farm", "root"].map(|folder| format!("/{folder}/"));
    none(
        "no machine paths",
        lines_where(
            &[".rs", ".ts", ".tsx", ".mjs", ".py", ".sh", ".md", ".toml", ".json", "Makefile", "run"],
            |_, line| {
                folders.iter().any(|folder| {
                    line.match_indices(folder.as_str()).any(|(at, _)| {
                        !line[..at]
                            .ends_with(|before: char| before.is_alphanumeric() || "._-/}*".contains(before))
                    })
                })
            },
        ),
    );
}

#[test]
fn one_file_knows_the_window() {
    none(
        "@tauri-apps only in ui/src/api/host.tauri.ts",
        lines_where(&[".ts", ".tsx"], |path, line| {
            path != "ui/src/api/host.tauri.ts"
                && line.contains("@tauri-apps/")
                && !path.ends_with("config.ts")
        }),
    );
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = ["TO", "FIX", "XX", "HA"].into_iter().zip(["DO", "ME", "X", "CK"]);
    let marks: Vec<String> = marks.map(|(first, rest)| format!("{first}{rest}")).collect();
    none(
        "no unfinished marks",
        lines_where(&[".rs", ".ts", ".tsx", ".mjs", ".py", ".sh", ".sql"], |_, line| {
            marks.iter().any(|mark| has_word(line, mark))
        }),
    );
    let asleep = ["#[ig", "it.on", "it.sk", "test.on", "test.sk", "describe.on", "describe.sk"];
    let asleep = asleep.into_iter().zip(["nore", "ly(", "ip(", "ly(", "ip(", "ly(", "ip("]);
    let asleep: Vec<String> = asleep.map(|(first, rest)| format!("{first}{rest}")).collect();
    none(
        "every test runs, by itself or in a process that another test starts",
        lines_where(&[".rs", ".ts", ".tsx", ".mjs"], |_, line| {
            asleep.iter().any(|mark| line.contains(mark.as_str())) && !line.contains("= \"run by ")
        }),
    );
}

#[test]
fn every_error_is_said_in_every_language() {
    let text = std::fs::read_to_string(root().join("assets/messages/errors.json")).unwrap();
    let messages: Value = serde_json::from_str(&text).unwrap();
    let mut missing = Vec::new();
    for code in ErrorCode::ALL {
        for language in ["en", "pt-BR", "es"] {
            for part in ["title", "cure"] {
                if messages[code.as_str()][language][part].as_str().is_none_or(|text| text.trim().is_empty())
                {
                    missing.push(format!("{} {language} {part}", code.as_str()));
                }
            }
        }
    }
    none("errors.json is complete", missing);
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let extra = messages.as_object().unwrap().keys().filter(|key| !codes.contains(&key.as_str())).cloned();
    none("errors.json holds only codes that exist", extra.collect());
}
