//! Cookies for a program that reads them from a file.
//!
//! Owns the file's form (Netscape's, one cookie a line) and its life.
//! Invariant: only this user can read it, it names no host but the source's own, and it is gone once it is dropped.

use super::SourceHeaders;
use crate::MediaError;
use http::header::COOKIE;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use url::Url;

/// The user's cookies for a source, in a file where there are any.
pub(super) struct CookieFile {
    path: Option<PathBuf>,
}

impl CookieFile {
    /// Writes the cookies that go to `url` into the folder of a run.
    pub(super) fn write(folder: &Path, url: &Url, headers: &SourceHeaders) -> Result<Self, MediaError> {
        let sent = headers.for_url(url);
        let pairs = sent.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let text: String =
            pairs.flat_map(|value| value.split(';')).filter_map(|pair| line(url, pair)).collect();
        if text.is_empty() {
            return Ok(Self { path: None });
        }
        let storage = |e: std::io::Error| MediaError::storage("Writing the cookies", &e);
        let path = folder.join("cookies.txt");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(storage(error)),
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(storage)?;
        // From here on it is removed whatever happens.
        let written = Self { path: Some(path) };
        write!(file, "# Netscape HTTP Cookie File\n{text}").map_err(storage)?;
        Ok(written)
    }

    /// What yt-dlp is told about cookies.
    pub(super) fn switches(&self) -> Vec<OsString> {
        match &self.path {
            Some(path) => vec!["--cookies".into(), path.into()],
            None => vec!["--no-cookies".into()],
        }
    }
}

impl Drop for CookieFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = std::fs::remove_file(path)
        {
            // The folder of a run is emptied when the run ends, and at the next start.
            tracing::warn!(%error, "a file of cookies could not be removed");
        }
    }
}

/// Host, whether subdomains too, path, whether https only, end of life (0: none), name, value.
fn line(url: &Url, pair: &str) -> Option<String> {
    let (name, value) = pair.trim().split_once('=')?;
    let plain = |text: &str| !text.contains(|each: char| each.is_control());
    let host = url.host_str()?;
    let secure = if url.scheme() == "https" { "TRUE" } else { "FALSE" };
    (!name.is_empty() && plain(name) && plain(value))
        .then(|| format!("{host}\tFALSE\t/\t{secure}\t0\t{name}\t{value}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Header;

    fn headers(url: &Url, cookie: &str) -> SourceHeaders {
        SourceHeaders::new(url, &[Header { name: "Cookie".into(), value: cookie.into() }]).unwrap()
    }

    #[test]
    fn the_file_holds_the_cookies_for_their_host_and_goes() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse("https://site.example/watch?v=1").unwrap();
        let source = headers(&url, "sid=a=b; theme=dark; broken; =x");
        let file = CookieFile::write(folder.path(), &url, &source).unwrap();
        let path = folder.path().join("cookies.txt");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let wanted =
            ["sid\ta=b", "theme\tdark"].map(|pair| format!("site.example\tFALSE\t/\tTRUE\t0\t{pair}"));
        assert_eq!(lines, wanted);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(file.switches()[0], "--cookies");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn cookies_of_another_host_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let home = Url::parse("https://site.example/").unwrap();
        let away = Url::parse("https://cdn.example/").unwrap();
        let file = CookieFile::write(folder.path(), &away, &headers(&home, "a=b")).unwrap();
        assert_eq!(file.switches(), ["--no-cookies"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
