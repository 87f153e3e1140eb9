//! Finds a program and asks its version.
//!
//! Order: the path the user set (and nothing else then), beside our own program, `PATH`.

use super::versions::Versions;
use super::{Program, Tool, missing};
use crate::{MediaError, Run};
use domain::ErrorCode;
use rustix::fs::{Access, access};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn runnable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// The absolute path of the program `name`, or `TOOL_MISSING`.
pub(super) fn locate(name: &str, chosen: Option<&Path>) -> Result<PathBuf, MediaError> {
    if let Some(chosen) = chosen {
        let path = std::path::absolute(chosen).map_err(|_| missing(name))?;
        return if runnable(&path) {
            Ok(path)
        } else {
            Err(MediaError::new(
                ErrorCode::ToolMissing,
                format!("{name} is set to “{}”, which is not a program that can be run.", chosen.display()),
            ))
        };
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    beside
        .into_iter()
        .chain(on_path.unwrap_or_default())
        // A relative entry of PATH would let a file in the current folder pass for ffmpeg.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
        .find(|path| runnable(path))
        .ok_or_else(|| missing(name))
}

/// As [`locate`], and the version from the first line of `-version` ("ffmpeg version 5.1.9 Copyright …").
/// Not asked when it is `known` from an earlier time.
pub(super) async fn with_version(
    name: &str,
    chosen: Option<&Path>,
    known: &Versions,
) -> Result<Tool, MediaError> {
    let path = locate(name, chosen)?;
    if let Some(version) = known.get(&path) {
        return Ok(Tool { path, version });
    }
    let unusable = |why: &str| {
        MediaError::new(ErrorCode::ToolMissing, format!("{name} at “{}” does not run.", path.display()))
            .with_detail(why)
    };
    let asked = Program::new(&path)
        .arg("-version")
        .output(&Run::quiet(std::env::temp_dir()), Duration::from_secs(20))
        .await
        .map_err(|error| unusable(&error.message))?;
    let said = String::from_utf8_lossy(&asked.stdout);
    let version = said.lines().next().and_then(|line| line.split(" version ").nth(1));
    match version.and_then(|rest| rest.split_whitespace().next()) {
        Some(version) if asked.code == 0 => Ok(Tool { path, version: version.to_owned() }),
        _ => Err(unusable(&asked.stderr_tail)),
    }
}
