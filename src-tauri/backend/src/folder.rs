//! Where the data folder is.
//!
//! Owns the one rule that window, command line and server share; leaves creating and locking it to [`crate::owner`].
//! Invariant: the same user on the same machine gets the same folder from every surface.

use domain::{ApiError, ErrorCode};
use std::path::{Path, PathBuf};

/// The environment variable that names the data folder, below the flag `--data-dir`.
pub const DATA_DIR_VARIABLE: &str = "BOBINA_DATA_DIR";

/// The data folder as an absolute path: the one chosen (by flag or [`DATA_DIR_VARIABLE`]), else the platform's own
/// (`~/.local/share/bobina` on Linux). Errors when neither a folder nor a home is known.
pub fn data_dir(chosen: Option<&Path>) -> Result<PathBuf, ApiError> {
    let folder = match chosen.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => path.to_path_buf(),
        None => directories::ProjectDirs::from("app", "Bobina", "Bobina")
            .ok_or_else(|| {
                ApiError::new(
                    ErrorCode::StorageFault,
                    format!(
                        "no home folder is known; choose a data folder with --data-dir or {DATA_DIR_VARIABLE}"
                    ),
                )
            })?
            .data_local_dir()
            .to_path_buf(),
    };
    std::path::absolute(&folder).map_err(|error| {
        ApiError::new(ErrorCode::StorageFault, format!("the data folder {}: {error}", folder.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_folder_becomes_absolute() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(data_dir(Some(Path::new("library"))).unwrap(), here.join("library"));
        let absolute = here.join("elsewhere");
        assert_eq!(data_dir(Some(&absolute)).unwrap(), absolute);
    }

    #[test]
    fn an_empty_choice_is_no_choice() {
        assert_eq!(data_dir(Some(Path::new(""))).unwrap(), data_dir(None).unwrap());
        assert!(data_dir(None).unwrap().is_absolute());
    }
}
