//! The clip that comes with the program, for who has nothing at hand.
//!
//! Owns the clip and the place in the data folder where it becomes a file; leaves the work to the usual pipeline.
//! Invariant: the file at that place is the clip, whatever stood there before.

use crate::artifacts::fault;
use domain::ApiError;
use std::path::{Path, PathBuf};

/// A talk of a quarter of a minute, made by `assets/samples/make.sh`.
const CLIP: &[u8] = include_bytes!("../../../../assets/samples/welcome.mp4");

/// The clip's spoken language.
pub const LANGUAGE: &str = "en";

/// Puts the clip into `folder` and answers where it lies. Blocking.
pub fn place(folder: &Path) -> Result<PathBuf, ApiError> {
    let path = folder.join("Welcome to Bobina.mp4");
    if std::fs::read(&path).is_ok_and(|there| there == CLIP) {
        return Ok(path);
    }
    let write = || {
        std::fs::create_dir_all(folder)?;
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, CLIP)?;
        std::fs::rename(&temporary, &path)
    };
    write().map_err(|error| fault("The sample cannot be stored", &error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clip_is_placed_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = place(&folder.path().join("samples")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), CLIP);
        std::fs::write(&path, "cut").unwrap();
        assert_eq!(place(path.parent().unwrap()).unwrap(), path);
        assert_eq!(std::fs::read(&path).unwrap(), CLIP);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(place(&file).unwrap_err().code, domain::ErrorCode::StorageFault);
    }
}
