//! Opening an address with the user's own browser.

use crate::MediaError;
use std::process::{Command, Stdio};

/// Opens `url` with what the desktop has chosen for it. Detached: the browser outlives us and keeps the user's
/// environment, which it needs to find the screen. `TOOL_MISSING` when the desktop has no opener.
// The one child that is not tied to us: everything else starts in `spawner`.
#[allow(clippy::disallowed_methods)]
pub fn open_address(url: &str) -> Result<(), MediaError> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => super::missing(opener),
        _ => MediaError::storage(&format!("Starting {opener}"), &error),
    })?;
    // Somebody has to collect it; nobody has to know how it went.
    std::thread::spawn(move || child.wait());
    Ok(())
}
