//! What a command says, and where: results to standard output, notes and errors to standard error.
//!
//! Invariant: a closed pipe (`bobina tasks | head`) is quiet; what it does not take is dropped.

use crate::failure::Failure;
use crate::text::plain;
use console::{Style, Term};
use domain::{ApiError, Cure};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

/// How to speak.
pub struct Output {
    /// One JSON document instead of text.
    pub json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// The one document of `--json`.
    pub fn document(&self, value: &Value) {
        let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
        text.push('\n');
        write(std::io::stdout().lock(), &text);
    }

    /// Text for people, as it is; the caller has made names harmless.
    pub fn text(&self, text: &str) {
        write(std::io::stdout().lock(), text);
    }

    /// The document with `--json`, else the text.
    pub fn either(&self, value: &Value, text: impl FnOnce() -> String) {
        if self.json { self.document(value) } else { self.text(&text()) }
    }

    /// A remark that is no part of the result.
    pub fn note(&self, text: &str) {
        write(std::io::stderr().lock(), &format!("{text}\n"));
    }

    /// Says why the command failed; returns its exit code.
    pub fn fail(&self, failure: &Failure) -> u8 {
        if self.json {
            self.document(&json!({ "error": failure.error }));
        } else {
            self.note(&describe(&failure.error));
        }
        failure.code
    }

    /// Columns of the terminal standard output is, if it is one.
    pub fn width(&self) -> Option<usize> {
        std::io::stdout().is_terminal().then(|| usize::from(Term::stdout().size().1))
    }
}

fn write(mut to: impl Write, text: &str) {
    if let Err(error) = to.write_all(text.as_bytes()).and_then(|()| to.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        tracing::warn!("the output could not be written: {error}");
    }
}

/// An error on one to three lines: what is wrong, its detail, its cure.
pub fn describe(error: &ApiError) -> String {
    let red = Style::new().for_stderr().red().bold();
    let mut text = format!("{} {} ({})", red.apply_to("error:"), plain(&error.message), error.code);
    if let Some(detail) = &error.detail {
        let detail: String = plain(detail).chars().take(400).collect();
        text.push_str(&format!("\n  {detail}"));
    }
    if let Some(cure) = cure(error) {
        text.push_str(&format!("\n  {cure}"));
    }
    text
}

/// What to do about it: the command line's own word where it has a flag for it, else the catalogue's.
pub fn cure(error: &ApiError) -> Option<String> {
    static CATALOGUE: OnceLock<Value> = OnceLock::new();
    match error.cure {
        Cure::AllowHost => {
            return Some("If you trust that host, add it again with --allow-host HOST.".into());
        }
        Cure::DownloadModel => {
            return Some(
                "See the models with `bobina models list`, then: bobina models download NAME".into(),
            );
        }
        Cure::InstallTool => return Some("`bobina doctor` says what to install.".into()),
        _ => {}
    }
    let catalogue = CATALOGUE.get_or_init(|| {
        serde_json::from_str(include_str!("../../../assets/messages/errors.json")).unwrap_or_default()
    });
    catalogue.get(error.code.as_str())?.get("en")?.get("cure")?.as_str().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ErrorCode;

    #[test]
    fn every_error_has_a_cure_and_no_control_characters() {
        for code in ErrorCode::ALL {
            let error = ApiError::new(*code, "bad \u{1b}[31m name");
            assert!(cure(&error).is_some_and(|cure| !cure.is_empty()), "{code}");
            assert!(!describe(&error).contains("\u{1b}[31m name"), "{code}");
        }
    }
}
