//! Files that steps made, named by the hash of their content.
//!
//! Owns `<data folder>/artifacts` and `<data folder>/media` (downloads); leaves the rows to `store::artifacts`.
//! Invariant: a name, once it exists, holds complete bytes that hash to it: temporary file, fsync, rename, folder fsync.

use domain::{ApiError, ErrorCode};
use std::io;
use std::path::{Component, Path, PathBuf};

/// One content-addressed folder.
#[derive(Clone, Debug)]
pub struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    /// Opens the folder, making it when it is not there.
    pub fn open(folder: PathBuf) -> Result<Self, ApiError> {
        std::fs::create_dir_all(&folder).map_err(|e| fault("The data folder cannot be written", &e))?;
        Ok(Self { folder })
    }

    /// Moves a finished file in under the hash of its content and gives its name, `ab/<hash>.<extension>`.
    /// The file must lie on the same file system (the scratch folder does). Blocking: call it off the runtime's threads.
    pub fn adopt(&self, file: &Path, extension: &str) -> Result<Adopted, ApiError> {
        let mut hasher = blake3::Hasher::new();
        std::fs::File::open(file)
            .and_then(|f| hasher.update_reader(f).map(drop))
            .map_err(|e| fault("A finished file cannot be read", &e))?;
        self.adopt_as(file, hasher.finalize().to_hex().as_str(), extension)
    }

    /// The same for a file whose hash is known already.
    pub fn adopt_as(&self, file: &Path, hash: &str, extension: &str) -> Result<Adopted, ApiError> {
        let write = |e: &io::Error| fault("A finished file cannot be stored", e);
        let name = match extension {
            "" => format!("{}/{hash}", &hash[..2]),
            _ => format!("{}/{hash}.{extension}", &hash[..2]),
        };
        let path = self.folder.join(&name);
        let size = std::fs::metadata(file).map_err(|e| write(&e))?.len();
        if std::fs::metadata(&path).is_ok_and(|there| there.len() == size) {
            std::fs::remove_file(file).map_err(|e| write(&e))?;
            return Ok(Adopted { name, path, size });
        }
        let parent = self.folder.join(&hash[..2]);
        std::fs::create_dir_all(&parent).map_err(|e| write(&e))?;
        std::fs::File::open(file).and_then(|f| f.sync_all()).map_err(|e| write(&e))?;
        std::fs::rename(file, &path).map_err(|e| write(&e))?;
        sync_folder(&parent).map_err(|e| write(&e))?;
        Ok(Adopted { name, path, size })
    }

    /// The path of a name, when it is one of ours and the file is there. Names that leave the folder are no names.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.folder.join(name);
        (plain && !name.is_empty() && path.is_file()).then_some(path)
    }
}

/// A file that was moved in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// `ab/<hash>.<extension>`
    pub name: String,
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A fault of our own files as an error with its code.
pub fn fault(doing: &str, error: &io::Error) -> ApiError {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        _ => ErrorCode::StorageFault,
    };
    ApiError::new(code, format!("{doing}: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_stored_once() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path().join("artifacts")).unwrap();
        let mut names = Vec::new();
        for file in ["one", "two"] {
            let path = folder.path().join(file);
            std::fs::write(&path, b"the same bytes").unwrap();
            names.push(artifacts.adopt(&path, "txt").unwrap().name);
            assert!(!path.exists(), "the temporary file stayed");
        }
        assert_eq!(names[0], names[1]);
        assert_eq!(std::fs::read(artifacts.path(&names[0]).unwrap()).unwrap(), b"the same bytes");
    }

    #[test]
    fn a_torn_file_under_the_name_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path().join("artifacts")).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"whole").unwrap();
        let adopted = artifacts.adopt(&file, "").unwrap();
        std::fs::write(&adopted.path, b"wh").unwrap();
        std::fs::write(&file, b"whole").unwrap();
        artifacts.adopt(&file, "").unwrap();
        assert_eq!(std::fs::read(adopted.path).unwrap(), b"whole");
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), b"x").unwrap();
        let artifacts = Artifacts::open(folder.path().join("artifacts")).unwrap();
        for name in ["../secret", "/etc/passwd", "", ".", "a/../../secret"] {
            assert_eq!(artifacts.path(name), None, "{name}");
        }
    }
}
