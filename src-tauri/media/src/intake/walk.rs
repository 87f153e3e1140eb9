//! What a folder holds, in the order people expect.

use super::examine;
use crate::MediaError;
use domain::ErrorCode;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file of a folder and whether it may come in.
pub type Walked = (PathBuf, Result<(), MediaError>);

/// Every file in the folder (and below it, when asked), with the answer of [`examine`] to each.
/// Hidden files and folders are skipped; symbolic links are followed, each folder entered once.
/// Sorted so that numbers count ("2.mp4" before "10.mp4"). A folder below that cannot be read stands as a refusal.
///
/// Errors: `FILE_NOT_FOUND`, `FILE_UNREADABLE` or `NOT_A_FILE` for the folder itself.
pub fn walk(dir: &Path, subfolders: bool) -> Result<Vec<Walked>, MediaError> {
    let mut found = Vec::new();
    let mut entered = HashSet::new();
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        // Two links may lead to one folder, or a link to a folder above.
        let identity = std::fs::metadata(&folder).map(|about| (about.dev(), about.ino()));
        if identity.is_ok_and(|identity| !entered.insert(identity)) {
            continue;
        }
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if folder == dir => return Err(unlisted(dir, &error)),
            Err(error) => {
                let refusal = unlisted(&folder, &error);
                found.push((folder, Err(refusal)));
                continue;
            }
        };
        for entry in entries.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                if subfolders {
                    waiting.push(path);
                }
            } else {
                let answer = examine(&path);
                found.push((path, answer));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| natural(one, other));
    Ok(found)
}

fn unlisted(folder: &Path, error: &std::io::Error) -> MediaError {
    let name = super::said(folder);
    let (code, why) = match error.kind() {
        std::io::ErrorKind::NotFound => (ErrorCode::FileNotFound, "does not exist"),
        std::io::ErrorKind::PermissionDenied => (ErrorCode::FileUnreadable, "may not be read by this user"),
        std::io::ErrorKind::NotADirectory => (ErrorCode::NotAFile, "is not a folder"),
        _ => (ErrorCode::StorageFault, "cannot be read"),
    };
    MediaError::new(code, format!("The folder {name} {why}.")).with_detail(error.to_string())
}

/// Folder by folder, letters without case, runs of digits by their value.
fn natural(one: &Path, other: &Path) -> Ordering {
    let (mut left, mut right) = (one.components(), other.components());
    loop {
        return match (left.next(), right.next()) {
            (None, None) => one.cmp(other),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(l), Some(r)) => {
                match natural_text(&l.as_os_str().to_string_lossy(), &r.as_os_str().to_string_lossy()) {
                    Ordering::Equal => continue,
                    order => order,
                }
            }
        };
    }
}

fn natural_text(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.chars().peekable(), other.chars().peekable());
    loop {
        let digits = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut run = String::new();
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                run.push(digit);
            }
            run.trim_start_matches('0').to_owned()
        };
        let order = match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(l), Some(r)) if l.is_ascii_digit() && r.is_ascii_digit() => {
                let (l, r) = (digits(&mut left), digits(&mut right));
                l.len().cmp(&r.len()).then_with(|| l.cmp(&r))
            }
            (Some(l), Some(r)) => {
                left.next();
                right.next();
                l.to_lowercase().cmp(r.to_lowercase())
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_case_does_not() {
        let mut names = ["Clip 10.mp4", "clip 9.mp4", "b/1.mp4", "B/02.mp4", "b/3.mp4", "a10b", "a9c"];
        names.sort_by(|one, other| natural(Path::new(one), Path::new(other)));
        assert_eq!(names, ["a9c", "a10b", "b/1.mp4", "B/02.mp4", "b/3.mp4", "clip 9.mp4", "Clip 10.mp4"]);
    }

    #[test]
    fn loops_hidden_files_and_strangers_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("sub/.hidden")).unwrap();
        std::os::unix::fs::symlink(root, root.join("sub/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("dangling.mp4")).unwrap();
        std::fs::write(root.join("2.wav"), b"RIFF\x24\0\0\0WAVEfmt ").unwrap();
        std::fs::write(root.join("sub/10.txt"), b"words").unwrap();
        std::fs::write(root.join("sub/.hidden/x.wav"), b"RIFF").unwrap();
        std::fs::write(root.join(".secret"), b"x").unwrap();
        let said = |subfolders| {
            let walked = walk(root, subfolders).unwrap();
            let name = |path: PathBuf| path.strip_prefix(root).unwrap().display().to_string();
            walked
                .into_iter()
                .map(|(path, answer)| (name(path), answer.err().map(|error| error.code)))
                .collect::<Vec<_>>()
        };
        let (wav, dangling) =
            (("2.wav".into(), None), ("dangling.mp4".into(), Some(ErrorCode::FileNotFound)));
        assert_eq!(said(false), [wav.clone(), dangling.clone()]);
        assert_eq!(said(true), [wav, dangling, ("sub/10.txt".into(), Some(ErrorCode::FileTypeUnsupported))]);
        assert_eq!(walk(&root.join("2.wav"), true).unwrap_err().code, ErrorCode::NotAFile);
        assert_eq!(walk(&root.join("none"), true).unwrap_err().code, ErrorCode::FileNotFound);
    }
}
