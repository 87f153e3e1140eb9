//! From what a user typed or dropped to sources: links, files, and the files in folders.
//!
//! Owns telling them apart and refusing by name what is none; leaves content to the steps.
//! Invariant: every given thing ends as a source or as a refusal, in the order given.

pub mod sample;

use crate::api::types::Refused;
use domain::{ApiError, ErrorCode, Source};
use media::download::{NetPolicy, check_url};
use std::path::{Path, PathBuf};

/// One source, or why it is none.
#[derive(Debug)]
pub enum Given {
    Source(Source),
    Refused(Refused),
}

/// Longest text taken for a path or a URL, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Tells what each text is. Blocking: reads folders and the first bytes of files.
pub fn examine(sources: &[String], policy: &NetPolicy) -> Vec<Given> {
    let mut given = Vec::new();
    for text in sources {
        // Links are pasted with spaces and line ends around them; a file's name may really begin with one.
        let trimmed = text.trim();
        if text.len() > MAX_LENGTH {
            let shown: String = text.chars().take(60).collect();
            given.push(refused(
                format!("{shown}…"),
                ApiError::new(ErrorCode::InvalidInput, "This is too long for a path or a link."),
            ));
        } else if trimmed.is_empty() {
            given.push(refused(
                text.clone(),
                ApiError::new(ErrorCode::InvalidInput, "An empty text is no source."),
            ));
        } else if text.contains('\0') {
            given.push(refused(
                text.replace('\0', "␀"),
                ApiError::new(ErrorCode::InvalidInput, "A path cannot hold a NUL."),
            ));
        } else if Path::new(text).exists() {
            given.extend(local(Path::new(text)));
        } else if let Source::Url { url } = Source::typed(trimmed, Path::new("")) {
            given.push(match check_url(&url, policy) {
                Ok(url) => Given::Source(Source::Url { url: url.to_string() }),
                Err(error) => refused(trimmed.into(), error.into()),
            });
        } else {
            given.extend(local(Path::new(text)));
        }
    }
    given
}

fn local(path: &Path) -> Vec<Given> {
    let path = match std::path::absolute(path) {
        Ok(path) => path,
        Err(e) => {
            let error = ApiError::new(ErrorCode::InvalidInput, format!("This is no path: {e}."));
            return vec![refused(path.display().to_string(), error)];
        }
    };
    if !path.is_dir() {
        return vec![file(path.clone(), media::intake::examine(&path).map_err(ApiError::from))];
    }
    match media::intake::walk(&path, true) {
        Ok(found) if found.is_empty() => {
            let error = ApiError::new(ErrorCode::FileEmpty, "There is no file in this folder.");
            vec![refused(path.display().to_string(), error)]
        }
        Ok(found) => {
            found.into_iter().map(|(path, examined)| file(path, examined.map_err(ApiError::from))).collect()
        }
        Err(error) => vec![refused(path.display().to_string(), error.into())],
    }
}

fn file(path: PathBuf, examined: Result<(), ApiError>) -> Given {
    match (examined, path.to_str()) {
        (Ok(()), Some(path)) => Given::Source(Source::File { path: path.into() }),
        (Ok(()), None) => refused(
            path.display().to_string(),
            ApiError::new(
                ErrorCode::InvalidInput,
                "The name of this file is not readable as text. Rename it first.",
            ),
        ),
        (Err(error), _) => refused(path.display().to_string(), error),
    }
}

fn refused(source: String, error: ApiError) -> Given {
    Given::Refused(Refused { source, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(sources: &[&str]) -> Vec<Result<String, ErrorCode>> {
        let sources: Vec<String> = sources.iter().map(|s| (*s).to_string()).collect();
        examine(&sources, &NetPolicy::default())
            .into_iter()
            .map(|given| match given {
                Given::Source(source) => Ok(source.as_str().to_string()),
                Given::Refused(refused) => Err(refused.error.code),
            })
            .collect()
    }

    #[test]
    fn links_files_and_nonsense_are_told_apart() {
        assert_eq!(codes(&["https://example.com/a.mp4 "]), [Ok("https://example.com/a.mp4".into())]);
        assert_eq!(codes(&["ftp://example.com/a.mp4"]), [Err(ErrorCode::UrlSchemeUnsupported)]);
        assert_eq!(codes(&["file:///etc/passwd"]), [Err(ErrorCode::UrlSchemeUnsupported)]);
        assert_eq!(codes(&["http://127.0.0.1/x.mp4"]), [Err(ErrorCode::HostBlocked)]);
        assert_eq!(codes(&["/nowhere/at/all.mp4"]), [Err(ErrorCode::FileNotFound)]);
        assert_eq!(codes(&["", "a\0b"]), [Err(ErrorCode::InvalidInput), Err(ErrorCode::InvalidInput)]);
        assert_eq!(codes(&["x".repeat(20_000).as_str()]), [Err(ErrorCode::InvalidInput)]);
    }

    #[test]
    fn a_folder_gives_its_media_and_names_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("sub/a.wav"), b"RIFF\x24\0\0\0WAVEfmt ").unwrap();
        std::fs::write(folder.path().join("notes.txt"), b"hello").unwrap();
        let path = folder.path().to_str().unwrap();
        let found = codes(&[path]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.contains(&Err(ErrorCode::FileTypeUnsupported)), "{found:?}");
        assert!(
            found.iter().any(|given| given.as_ref().is_ok_and(|path| path.ends_with("a.wav"))),
            "{found:?}"
        );
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(codes(&[empty.path().to_str().unwrap()]), [Err(ErrorCode::FileEmpty)]);
    }
}
