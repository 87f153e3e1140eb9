//! What lies in a folder and may be taken.

use domain::{ApiError, ErrorCode};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folders deeper than this are not read.
const DEEPEST: usize = 32;

/// Size and time of a file: when both stand still, so does the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    /// Bytes.
    pub(super) size: u64,
    /// Nanoseconds since 1970.
    pub(super) mtime: i64,
}

/// Whether the folder can be read: `FILE_NOT_FOUND`, `INVALID_INPUT` for what is no folder, `FILE_UNREADABLE`.
pub(super) fn readable(folder: &Path) -> Result<(), ApiError> {
    let fault = |error: io::Error| {
        let shown = folder.display();
        match error.kind() {
            io::ErrorKind::NotFound => {
                ApiError::new(ErrorCode::FileNotFound, format!("There is no folder {shown}."))
            }
            io::ErrorKind::NotADirectory => ApiError::invalid(format!("{shown} is not a folder.")),
            _ => ApiError::new(
                ErrorCode::FileUnreadable,
                format!("The folder {shown} cannot be read: {error}."),
            ),
        }
    };
    if !std::fs::metadata(folder).map_err(fault)?.is_dir() {
        return Err(fault(io::ErrorKind::NotADirectory.into()));
    }
    std::fs::read_dir(folder).map(drop).map_err(fault)
}

/// The files of a folder that may be taken, but those under `exclude`. Folders that cannot be read are left out, links
/// to folders are not followed.
pub(super) fn files(
    folder: &Path,
    subfolders: bool,
    exclude: &HashSet<PathBuf>,
) -> Vec<(PathBuf, FileState)> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if is_ignored(&path) {
                continue;
            }
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if subfolders && depth < DEEPEST && !is_excluded(&path, exclude) {
                    folders.push((path, depth + 1));
                }
            } else if let Some(state) = state(&path) {
                found.push((path, state));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The state of a file that may be taken: regular (through links), not empty.
pub(super) fn state(path: &Path) -> Option<FileState> {
    let there = std::fs::metadata(path).ok()?;
    if !there.is_file() || there.len() == 0 {
        return None;
    }
    let modified = there.modified().unwrap_or(UNIX_EPOCH);
    let mtime = match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    };
    Some(FileState { size: there.len(), mtime })
}

/// Hidden files and the names under which browsers and copying programs keep what is not whole yet.
pub(super) fn is_ignored(path: &Path) -> bool {
    const PARTIAL: [&str; 13] = [
        "part",
        "partial",
        "crdownload",
        "download",
        "tmp",
        "temp",
        "filepart",
        "opdownload",
        "aria2",
        "ytdl",
        "!ut",
        "!qb",
        "unfinished",
    ];
    let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return true };
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    name.starts_with(['.', '~', '$'])
        || name.ends_with('~')
        || name.eq_ignore_ascii_case("thumbs.db")
        || name.eq_ignore_ascii_case("desktop.ini")
        || extension.is_some_and(|extension| PARTIAL.contains(&extension.as_str()))
}

/// Whether the path is one of those folders, under whatever name.
fn is_excluded(path: &Path, exclude: &HashSet<PathBuf>) -> bool {
    exclude.contains(path) || std::fs::canonicalize(path).is_ok_and(|real| exclude.contains(&real))
}

/// Whether a path told by the operating system belongs to a watched folder and may be taken.
pub(super) fn belongs(path: &Path, folder: &Path, subfolders: bool, exclude: &HashSet<PathBuf>) -> bool {
    let Ok(inside) = path.strip_prefix(folder) else { return false };
    let depth = inside.components().count();
    (1..=DEEPEST + 1).contains(&depth)
        && (subfolders || depth == 1)
        && path.ancestors().take(depth).all(|part| !is_ignored(part))
        && !path.ancestors().any(|part| exclude.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_or_hidden_is_ignored() {
        for name in [
            ".hidden.mp4",
            "~lock.mp4",
            "a.mp4~",
            "a.mp4.part",
            "a.CRDOWNLOAD",
            "a.mp4.tmp",
            "$RECYCLE",
            "Thumbs.db",
            "a.aria2",
        ] {
            assert!(is_ignored(Path::new("/in").join(name).as_path()), "{name}");
        }
        for name in ["a.mp4", "part.mp4", "a b.part.mp4", "noextension", "ação.mov"] {
            assert!(!is_ignored(Path::new("/in").join(name).as_path()), "{name}");
        }
    }

    #[test]
    fn folders_are_read_with_their_subfolders_or_without() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["sub/deep", ".hidden", "data"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["b.mp4", "a.mp4", "sub/deep/c.mp4", ".hidden/d.mp4", "data/e.mp4", "x.part"] {
            std::fs::write(at(file), b"x").unwrap();
        }
        std::fs::write(at("empty.mp4"), b"").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.path(), at("loop")).unwrap();
        let exclude = HashSet::from([at("data")]);
        let names = |subfolders| -> Vec<PathBuf> {
            files(root.path(), subfolders, &exclude).into_iter().map(|(path, _)| path).collect()
        };
        assert_eq!(names(false), [at("a.mp4"), at("b.mp4")]);
        assert_eq!(names(true), [at("a.mp4"), at("b.mp4"), at("sub/deep/c.mp4")]);
        for (path, subfolders, wanted) in [
            ("a.mp4", false, true),
            ("sub/deep/c.mp4", false, false),
            ("sub/deep/c.mp4", true, true),
            (".hidden/d.mp4", true, false),
            ("data/e.mp4", true, false),
        ] {
            assert_eq!(belongs(&at(path), root.path(), subfolders, &exclude), wanted, "{path}");
        }
    }
}
