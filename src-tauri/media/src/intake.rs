//! The door: which files are let in, which files a folder holds, and what a file's content is called.
//!
//! Owns the first look at a user's file and its hash. Leaves what is inside to `probe`.
//! Invariant: nothing here blocks on a pipe or a device, follows a playlist, or believes a file's name.

mod hash;
pub(crate) mod sniff;
mod walk;

pub use hash::{ContentHash, hash};
pub use walk::walk;

use crate::MediaError;
use domain::ErrorCode;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use sniff::Sniffed;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes looked at to tell what a file is.
const HEAD: u64 = 64 << 10;

/// Whether the file may come in, from a cheap first look: it is a regular file (symbolic links are followed), has
/// content, can be read, and begins as some kind of media does.
///
/// Errors: `FILE_NOT_FOUND`, `NOT_A_FILE`, `FILE_EMPTY`, `FILE_UNREADABLE`, `PLAYLIST_LOCAL`, `FILE_TYPE_UNSUPPORTED`.
pub fn examine(path: &Path) -> Result<(), MediaError> {
    look(path).map(|_| ())
}

/// As [`examine`], and what the file was seen to be.
pub(crate) fn look(path: &Path) -> Result<Sniffed, MediaError> {
    let mut file = open(path)?;
    let mut head = Vec::new();
    file.by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|error| MediaError::storage(&format!("Reading {}", said(path)), &error))?;
    if head.is_empty() {
        return Err(MediaError::new(ErrorCode::FileEmpty, format!("{} is empty.", said(path))));
    }
    match sniff::sniff(&head) {
        Sniffed::Playlist(kind) => Err(playlist(path, kind)),
        Sniffed::Text if is_playlist_name(path) => Err(playlist(path, "text")),
        Sniffed::Foreign(kind) => Err(unsupported(path, &format!("it is {kind}"))),
        Sniffed::Text => Err(unsupported(path, "it is text")),
        Sniffed::Unknown => Err(unsupported(path, "it does not begin as any known media does")),
        media => Ok(media),
    }
}

/// Opens a regular file without ever waiting for anybody.
pub(crate) fn open(path: &Path) -> Result<File, MediaError> {
    // Opening some devices does something; so look before.
    let before = std::fs::metadata(path).map_err(|error| refused(path, &error))?;
    if !before.is_file() {
        return Err(not_a_file(path));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| refused(path, &error.into()))?;
    let file = File::from(file);
    // It may have been put in another's place since.
    match file.metadata() {
        Ok(now) if now.is_file() => Ok(file),
        Ok(_) => Err(not_a_file(path)),
        Err(error) => Err(refused(path, &error)),
    }
}

fn refused(path: &Path, error: &std::io::Error) -> MediaError {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let name = said(path);
    match errno {
        Some(Errno::LOOP) => {
            MediaError::new(ErrorCode::FileNotFound, format!("{name} is a symbolic link that leads nowhere."))
        }
        Some(Errno::ACCESS | Errno::PERM) => {
            MediaError::new(ErrorCode::FileUnreadable, format!("{name} may not be read by this user."))
        }
        // A socket.
        Some(Errno::NXIO) => not_a_file(path),
        Some(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => {
            MediaError::new(ErrorCode::FileNotFound, format!("{name} does not exist."))
        }
        // A zero byte in the name.
        None if error.kind() == std::io::ErrorKind::InvalidInput => {
            MediaError::new(ErrorCode::FileNotFound, format!("{name} is not a name a file can have."))
        }
        _ => MediaError::storage(&format!("Opening {name}"), error),
    }
    .with_detail(path.display().to_string())
}

fn not_a_file(path: &Path) -> MediaError {
    let kind = if path.is_dir() { "a folder" } else { "a pipe, socket or device" };
    MediaError::new(ErrorCode::NotAFile, format!("{} is {kind}, not a file.", said(path)))
}

fn playlist(path: &Path, kind: &str) -> MediaError {
    let message = format!(
        "{} is a playlist ({kind}). A playlist on disk may name other files, so it is not opened; give its address \
         or the media itself.",
        said(path)
    );
    MediaError::new(ErrorCode::PlaylistLocal, message)
}

fn unsupported(path: &Path, why: &str) -> MediaError {
    MediaError::new(ErrorCode::FileTypeUnsupported, format!("{} is not media: {why}.", said(path)))
}

fn is_playlist_name(path: &Path) -> bool {
    const NAMES: [&str; 12] =
        ["m3u", "m3u8", "pls", "asx", "wax", "wvx", "ffconcat", "concat", "mpd", "sdp", "xspf", "smil"];
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| NAMES.contains(&extension.to_ascii_lowercase().as_str()))
}

/// A file's own name in quotes, for a sentence: control and direction characters shown, length bounded.
pub(crate) fn said(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let mut shown = String::from("“");
    for (count, character) in name.chars().enumerate() {
        if count == 80 {
            shown.push('…');
            break;
        }
        let turns =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown.push('”');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_harmlessly() {
        assert_eq!(said(Path::new("/a/b\n\u{202e}4pm.exe")), "“b\\u{a}\\u{202e}4pm.exe”");
        assert!(said(Path::new(&"x".repeat(300))).chars().count() < 90);
    }

    #[test]
    fn a_missing_file_and_a_folder_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(examine(&folder.path().join("no.mp4")).unwrap_err().code, ErrorCode::FileNotFound);
        assert_eq!(examine(folder.path()).unwrap_err().code, ErrorCode::NotAFile);
        assert_eq!(examine(Path::new("a\0b")).unwrap_err().code, ErrorCode::FileNotFound);
    }
}
