//! Brings a model of the catalogue: resumes, verifies, and only then gives it its name.
//!
//! Invariant: `ggml-<name>.bin.part` holds a beginning of the right length and, once whole, the right hash, or goes.

use super::{Manifest, ModelEntry, ModelFile, entry, file_name};
use crate::download::{Ask, NetPolicy, SourceHeaders, client};
use crate::{MediaError, Run};
use domain::ErrorCode;
use http::header::RANGE;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

/// Tries in a row that brought nothing before the error is handed on.
const FRUITLESS: u32 = 3;

pub(super) fn part_name(name: &str) -> String {
    format!("{}.part", file_name(name))
}

fn altered(entry: &ModelEntry, why: &str) -> MediaError {
    let message = format!("What the server sent is not the model {}: {why}.", entry.name);
    MediaError::new(ErrorCode::ModelInvalid, message)
}

fn storage(error: std::io::Error) -> MediaError {
    MediaError::storage("Storing the model", &error)
}

/// Downloads a model of the catalogue into the folder; goes on where an earlier try stopped; at once done when it is
/// there. `mirror` is the base address of a copy, empty for the usual place. Reports fractions of the bytes.
///
/// Errors: `MODEL_UNKNOWN`, `MODEL_INVALID` when the body is another's, `CANCELLED` (what has come is kept),
/// `DATA_LOCKED` when it is being downloaded already, those of the network, storage.
pub async fn download(
    dir: &Path,
    name: &str,
    mirror: &str,
    policy: &NetPolicy,
    run: &Run,
) -> Result<ModelFile, MediaError> {
    let known = entry(name).ok_or_else(|| {
        MediaError::new(ErrorCode::ModelUnknown, format!("There is no speech model “{name}”."))
    })?;
    fetch_entry(dir, known, mirror, policy, run).await
}

pub(super) async fn fetch_entry(
    dir: &Path,
    known: &ModelEntry,
    mirror: &str,
    policy: &NetPolicy,
    run: &Run,
) -> Result<ModelFile, MediaError> {
    if let Ok(there) = super::open(dir, known.name) {
        return Ok(there);
    }
    std::fs::create_dir_all(dir).map_err(storage)?;
    let part = dir.join(part_name(known.name));
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&part)
        .map_err(storage)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        MediaError::new(
            ErrorCode::DataLocked,
            format!("The model {} is being downloaded already.", known.name),
        )
    })?;
    let mut fruitless = 0;
    while length(&file)? < known.bytes {
        let before = length(&file)?;
        let Err(error) = more(&mut file, known, mirror, policy, run).await else { continue };
        if error.code == ErrorCode::ModelInvalid {
            forget(&part)?;
        }
        let passing =
            matches!(error.code, ErrorCode::NetworkLost | ErrorCode::NetworkTimeout | ErrorCode::ServerFault);
        fruitless = if length(&file)? > before { 0 } else { fruitless + 1 };
        if !passing || fruitless >= FRUITLESS {
            return Err(error);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(300 << fruitless)) => {}
            () = run.cancel.cancelled() => return Err(MediaError::cancelled()),
        }
    }
    run.report(1.0, Some("checking"));
    let (hash, file) =
        tokio::task::spawn_blocking(move || hash(file)).await.map_err(|e| storage(e.into()))??;
    if length(&file)? != known.bytes || hash != known.sha256 {
        forget(&part)?;
        return Err(altered(known, "its SHA-256 is another"));
    }
    if let Err(error) = super::validate(&part) {
        forget(&part)?;
        return Err(error);
    }
    file.sync_all().map_err(storage)?;
    let manifest = Manifest { sha256: Some(hash), ..Manifest::default() };
    let json = serde_json::to_vec_pretty(&manifest).map_err(|e| storage(e.into()))?;
    std::fs::write(dir.join(super::manifest_name(known.name)), json).map_err(storage)?;
    std::fs::rename(&part, dir.join(file_name(known.name))).map_err(storage)?;
    File::open(dir).and_then(|d| d.sync_all()).map_err(storage)?;
    super::open(dir, known.name)
}

fn forget(part: &Path) -> Result<(), MediaError> {
    std::fs::remove_file(part).map_err(storage)
}

fn length(file: &File) -> Result<u64, MediaError> {
    Ok(file.metadata().map_err(storage)?.len())
}

/// One request for what is missing; returns when the body ended.
async fn more(
    file: &mut File,
    known: &ModelEntry,
    mirror: &str,
    policy: &NetPolicy,
    run: &Run,
) -> Result<(), MediaError> {
    let url = crate::download::check_url(&known.url(mirror), policy)?;
    let headers = SourceHeaders::new(&url, &[])?;
    let have = length(file)?;
    let mut ask = Ask::new(&url, &headers).unpacked();
    if have > 0 {
        ask = ask.with(RANGE, format!("bytes={have}-"));
    }
    let guarded = client(policy)?;
    let mut answer = unless_cancelled(run, guarded.ask(&ask)).await?;
    let mut at = match answer.status().as_u16() {
        206 if answer.header("content-range").is_some_and(|r| r.starts_with(&format!("bytes {have}-"))) => {
            have
        }
        200 => 0,
        206 | 416 => {
            file.set_len(0).map_err(storage)?;
            return Err(MediaError::new(
                ErrorCode::ServerFault,
                "The server could not go on with the download.",
            ));
        }
        _ => return Err(answer.refusal()),
    };
    if answer.length().is_some_and(|promised| at + promised != known.bytes) {
        return Err(altered(known, "its length is another"));
    }
    file.set_len(at).map_err(storage)?;
    file.seek(SeekFrom::Start(at)).map_err(storage)?;
    while let Some(piece) = unless_cancelled(run, answer.next()).await? {
        at += piece.len() as u64;
        if at > known.bytes {
            return Err(altered(known, "it is longer"));
        }
        file.write_all(&piece).map_err(storage)?;
        run.report(at as f64 / known.bytes as f64, None);
    }
    if at < known.bytes {
        return Err(MediaError::new(
            ErrorCode::NetworkLost,
            "The connection ended before the model was whole.",
        ));
    }
    Ok(())
}

async fn unless_cancelled<T>(
    run: &Run,
    work: impl Future<Output = Result<T, MediaError>>,
) -> Result<T, MediaError> {
    tokio::select! {
        biased;
        () = run.cancel.cancelled() => Err(MediaError::cancelled()),
        done = work => done,
    }
}

fn hash(mut file: File) -> Result<(String, File), MediaError> {
    file.seek(SeekFrom::Start(0)).map_err(storage)?;
    let (mut hasher, mut piece) = (Sha256::new(), vec![0u8; 1 << 20]);
    loop {
        let read = file.read(&mut piece).map_err(storage)?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
    }
    let hex = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((hex, file))
}
