//! Who owns a data folder: one process at a time.
//!
//! Owns the lock file and the address file (`owner.json`, readable by this user only).
//! Leaves talking to the owner to `server`.
//! Invariant: the lock is the truth and dies with its process; an address without a held lock is stale.

use crate::artifacts::fault;
use domain::{ApiError, ErrorCode};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a start waits for an ending owner to let go.
const RELEASE_WAIT: Duration = Duration::from_secs(5);

/// Where the owner listens on loopback.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerAddress {
    pub pid: u32,
    pub port: u16,
    /// Bearer token of the owner's server.
    pub token: String,
}

impl std::fmt::Debug for OwnerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {} on port {}", self.pid, self.port)
    }
}

/// The held lock of a data folder; letting go of it ends ownership.
#[derive(Debug)]
pub struct Ownership {
    folder: PathBuf,
    _lock: File,
}

/// What came of asking for the folder.
#[derive(Debug)]
pub enum Claim {
    Owned(Ownership),
    /// Another process owns it and can be reached there.
    Taken(OwnerAddress),
}

/// Claims the data folder, or finds out who owns it.
/// Waits up to 5 s for an owner that is just starting (no address yet) or just ending; then `DATA_LOCKED`.
pub async fn claim(folder: &Path) -> Result<Claim, ApiError> {
    make_private_folder(folder)?;
    let deadline = Instant::now() + RELEASE_WAIT;
    loop {
        if let Some(ownership) = try_claim(folder)? {
            return Ok(Claim::Owned(ownership));
        }
        if let Some(address) = read_address(folder)
            && is_listening(&address).await
        {
            return Ok(Claim::Taken(address));
        }
        if Instant::now() >= deadline {
            return Err(ApiError::new(
                ErrorCode::DataLocked,
                "Another Bobina owns this data folder and does not answer. End it, or choose another folder with --data-dir.",
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The folder's lock when it is free.
pub fn try_claim(folder: &Path) -> Result<Option<Ownership>, ApiError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(|e| fault("The data folder cannot be written", &e))?;
    match file.try_lock() {
        Ok(()) => {
            // An address of a dead owner must not be found while we start.
            remove_address(folder);
            Ok(Some(Ownership { folder: folder.to_path_buf(), _lock: file }))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(fault("The data folder cannot be locked", &e)),
    }
}

impl Ownership {
    /// Tells others where to reach us. The file is written whole and readable by this user only.
    pub fn publish(&self, address: &OwnerAddress) -> Result<(), ApiError> {
        let write = |e: &std::io::Error| fault("The address file cannot be written", e);
        let text = serde_json::to_vec(address).map_err(|e| ApiError::internal(e.to_string()))?;
        let temporary = self.folder.join("owner.json.new");
        if temporary.exists() {
            std::fs::remove_file(&temporary).map_err(|e| write(&e))?;
        }
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary).map_err(|e| write(&e))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(|e| write(&e))?;
        std::fs::rename(&temporary, self.folder.join("owner.json")).map_err(|e| write(&e))
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        remove_address(&self.folder);
    }
}

/// The published address, when there is one.
pub fn read_address(folder: &Path) -> Option<OwnerAddress> {
    let text = std::fs::read(folder.join("owner.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

fn remove_address(folder: &Path) {
    match std::fs::remove_file(folder.join("owner.json")) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => tracing::warn!("the address file could not be removed: {e}"),
    }
}

async fn is_listening(address: &OwnerAddress) -> bool {
    let connect = tokio::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, address.port));
    matches!(tokio::time::timeout(Duration::from_secs(1), connect).await, Ok(Ok(_)))
}

fn make_private_folder(folder: &Path) -> Result<(), ApiError> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(|e| fault("The data folder cannot be made", &e))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(folder, mode)
            .map_err(|e| fault("The data folder cannot be made private", &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_claim_finds_the_first_ones_address() {
        let folder = tempfile::tempdir().unwrap();
        let Claim::Owned(first) = claim(folder.path()).await.unwrap() else { panic!("the folder was free") };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = OwnerAddress { pid: std::process::id(), port, token: "secret".into() };
        first.publish(&address).unwrap();
        match claim(folder.path()).await.unwrap() {
            Claim::Taken(found) => assert_eq!(found, address),
            Claim::Owned(_) => panic!("owned twice"),
        }
        assert!(!format!("{address:?}").contains("secret"));
        drop(first);
        assert!(matches!(claim(folder.path()).await.unwrap(), Claim::Owned(_)));
    }

    #[tokio::test]
    async fn a_stale_address_is_known_by_the_free_lock() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("owner.json"), r#"{"pid":1,"port":1,"token":"x"}"#).unwrap();
        assert!(matches!(claim(folder.path()).await.unwrap(), Claim::Owned(_)));
        assert_eq!(read_address(folder.path()), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_address_is_readable_by_this_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let ownership = try_claim(folder.path()).unwrap().unwrap();
        ownership.publish(&OwnerAddress { pid: 1, port: 2, token: "t".into() }).unwrap();
        let mode = std::fs::metadata(folder.path().join("owner.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
