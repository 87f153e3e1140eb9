//! One file behind one address, however often the line breaks.
//!
//! Owns the partial file and the note beside it, so that a new process goes on where the last one stopped. Leaves
//! playlists and pages, which it recognises and hands back as text, to `hls` and `page`.
//! Invariant: bytes of two versions of a file are never mixed: a resume is bound to the validator of the first
//! answer (`If-Range`), or, where the server gives none, to 64 KiB fetched twice and compared.

use super::client::{Answer, Ask, Client};
use super::guard::{shown, shown_host};
use super::headers::SourceHeaders;
use super::meter::{Meter, too_large};
use super::name::file_name;
use super::sniff::{self, Kind};
use crate::{MediaError, Run};
use domain::ErrorCode;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use serde::{Deserialize, Serialize};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufWriter};
use url::Url;

/// How long to wait before each try in place; a try that brought bytes starts the list anew.
const PAUSES_MS: &[u64] = &[250, 500, 1000, 2000, 4000];
/// What is fetched twice when nothing else tells two versions apart.
const OVERLAP: u64 = 64 << 10;
/// Pages beyond this are read up to here.
const MOST_PAGE: usize = 8 << 20;
/// A live day in 2 s segments is 43,200 lines of some 200 bytes.
const MOST_PLAYLIST: usize = 32 << 20;

/// What lay behind an address.
pub(super) enum Got {
    /// A media file, saved.
    File {
        path: PathBuf,
        title: Option<String>,
        url: Url,
    },
    Playlist {
        text: String,
        url: Url,
    },
    Page {
        html: String,
        url: Url,
    },
    /// A DASH manifest, unread.
    Dash,
}

/// Who asks, with which headers, where to.
pub(super) struct Direct<'a> {
    pub(super) client: &'a Client,
    pub(super) headers: &'a SourceHeaders,
    /// Holds `direct.part` and `direct.json` until `media.<extension>` is whole.
    pub(super) folder: &'a Path,
    pub(super) run: &'a Run,
}

/// What is known about the partial file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Without the query, where signatures change from day to day.
    place: String,
    validator: Option<String>,
    total: Option<u64>,
    extension: String,
    title: Option<String>,
}

/// How one answer ended.
enum Round {
    Got(Got),
    /// The partial file is of no use any more: begin again.
    Anew,
}

impl Direct<'_> {
    /// Fetches what lies at `url`: saves media, hands back text.
    ///
    /// Errors: those of [`Client::get`]; `FILE_EMPTY`, `FILE_TYPE_UNSUPPORTED`, `DOWNLOAD_TOO_LARGE`, `DISK_FULL`,
    /// `STORAGE_FAULT`.
    pub(super) async fn get(&self, url: &Url) -> Result<Got, MediaError> {
        let meter = Meter::new(self.run, self.client.policy().max_bytes);
        let mut tries = 0;
        let mut anew = 0;
        let mut most = self.saved();
        loop {
            let error = match self.round(url, &meter).await {
                Ok(Round::Got(got)) => return Ok(got),
                Ok(Round::Anew) if anew < 3 => {
                    self.forget();
                    anew += 1;
                    most = 0;
                    continue;
                }
                Ok(Round::Anew) => MediaError::new(
                    ErrorCode::ServerFault,
                    format!("{} gives another answer each time.", shown_host(url)),
                ),
                Err(error) => error,
            };
            let saved = self.saved();
            if saved > most {
                (most, tries) = (saved, 0);
            }
            // Waiting out a silent server five times would hold the lane for minutes; the queue does that better.
            let allowed = match error.code {
                ErrorCode::NetworkLost | ErrorCode::ServerFault => PAUSES_MS.len(),
                ErrorCode::NetworkTimeout => 2,
                _ => 0,
            };
            if tries >= allowed {
                return Err(error);
            }
            tracing::debug!(code = %error.code, place = %shown(url), saved, "download broke, trying again");
            tokio::time::sleep(Duration::from_millis(PAUSES_MS[tries])).await;
            tries += 1;
        }
    }

    async fn round(&self, url: &Url, meter: &Meter) -> Result<Round, MediaError> {
        let note = self.note().filter(|n| n.place == shown(url));
        let have = if note.is_some() { self.saved() } else { 0 };
        let Some(note) = note.filter(|_| have > 0) else {
            let answer = self.client.get(&Ask::new(url, self.headers).unpacked()).await?;
            return self.first(answer, url, meter).await;
        };
        let overlap = if note.validator.is_some() { 0 } else { have.min(OVERLAP) };
        let from = have - overlap;
        let mut ask = Ask::new(url, self.headers).unpacked().with(RANGE, format!("bytes={from}-"));
        if let Some(validator) = &note.validator {
            ask = ask.with(IF_RANGE, validator);
        }
        let answer = self.client.ask(&ask).await?;
        match answer.status().as_u16() {
            206 => {
                let Some((start, total)) = answer.header(CONTENT_RANGE).and_then(content_range) else {
                    return Ok(Round::Anew);
                };
                let other_length = total.is_some() && note.total.is_some() && total != note.total;
                let other_version = validator(&answer).is_some_and(|v| note.validator.as_ref() != Some(&v));
                if start != from || other_length || other_version {
                    return Ok(Round::Anew);
                }
                if overlap == 0 {
                    meter.start_at(have);
                    return self.append(answer, note, have, meter).await;
                }
                self.append_over(answer, note, have, overlap, meter).await
            }
            416 => {
                let total = answer
                    .header(CONTENT_RANGE)
                    .and_then(|v| v.strip_prefix("bytes */")?.trim().parse().ok());
                match total.or(note.total) {
                    Some(total) if total == have => self.finish(&note, &answer.url).map(Round::Got),
                    _ => Ok(Round::Anew),
                }
            }
            200 => self.first(answer, url, meter).await,
            // With a range or condition the server cannot read, it may still know the plain address.
            400 | 412 => Ok(Round::Anew),
            _ => Err(answer.refusal()),
        }
    }

    /// An answer from the first byte on.
    async fn first(&self, mut answer: Answer, asked: &Url, meter: &Meter) -> Result<Round, MediaError> {
        let mut head = Vec::new();
        while head.len() < sniff::ENOUGH {
            match answer.next().await? {
                Some(piece) => head.extend_from_slice(&piece),
                None => break,
            }
        }
        if head.is_empty() {
            let says = format!("{} sent an empty file.", shown_host(&answer.url));
            return Err(MediaError::new(ErrorCode::FileEmpty, says));
        }
        let extension =
            match sniff::sniff(&head[..head.len().min(sniff::ENOUGH)], answer.header(CONTENT_TYPE)) {
                Kind::Media(extension) => extension,
                Kind::Playlist => {
                    let (text, whole) = rest_of_text(head, &mut answer, MOST_PLAYLIST).await?;
                    if !whole {
                        return Err(MediaError::new(
                            ErrorCode::PlaylistInvalid,
                            "The playlist is larger than 32 MiB.",
                        ));
                    }
                    return Ok(Round::Got(Got::Playlist { text, url: answer.url }));
                }
                Kind::Page => {
                    let (html, _) = rest_of_text(head, &mut answer, MOST_PAGE).await?;
                    return Ok(Round::Got(Got::Page { html, url: answer.url }));
                }
                Kind::Dash => return Ok(Round::Got(Got::Dash)),
                Kind::Foreign(what) => {
                    return Err(MediaError::new(
                        ErrorCode::FileTypeUnsupported,
                        format!("{} sent {what}, not media.", shown_host(&answer.url)),
                    )
                    .with_detail(shown(&answer.url)));
                }
            };
        let most = self.client.policy().max_bytes;
        if answer.length().is_some_and(|length| length > most) {
            return Err(too_large(most));
        }
        let name = file_name(&answer);
        let note = Note {
            place: shown(asked),
            validator: validator(&answer),
            total: answer.length(),
            extension: if extension == "bin" {
                name.1.unwrap_or_else(|| "bin".into())
            } else {
                extension.into()
            },
            title: name.0,
        };
        self.forget();
        write_whole(&self.note_path(), &serde_json::to_vec(&note).unwrap_or_default())?;
        meter.start_at(0);
        let part = std::fs::File::create(self.part_path())
            .map_err(|e| MediaError::storage("Saving the download", &e))?;
        self.receive(answer, part, head, note, 0, meter).await
    }

    /// Goes on exactly where the partial file ends.
    async fn append(
        &self,
        answer: Answer,
        note: Note,
        have: u64,
        meter: &Meter,
    ) -> Result<Round, MediaError> {
        let part = std::fs::OpenOptions::new()
            .append(true)
            .open(self.part_path())
            .map_err(|e| MediaError::storage("Saving the download", &e))?;
        self.receive(answer, part, Vec::new(), note, have, meter).await
    }

    /// Goes on after making sure that the last bytes we have are the first that come.
    async fn append_over(
        &self,
        mut answer: Answer,
        note: Note,
        have: u64,
        overlap: u64,
        meter: &Meter,
    ) -> Result<Round, MediaError> {
        let overlap_len = usize::try_from(overlap).unwrap_or(usize::MAX);
        let mut came = Vec::new();
        while came.len() < overlap_len {
            match answer.next().await? {
                Some(piece) => came.extend_from_slice(&piece),
                None => return Ok(Round::Anew),
            }
        }
        let mut ours = vec![0; overlap_len];
        std::fs::File::open(self.part_path())
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(have - overlap))?;
                file.read_exact(&mut ours)
            })
            .map_err(|e| MediaError::storage("Reading the partial download", &e))?;
        if came[..overlap_len] != ours[..] {
            return Ok(Round::Anew);
        }
        meter.start_at(have);
        let part = std::fs::OpenOptions::new()
            .append(true)
            .open(self.part_path())
            .map_err(|e| MediaError::storage("Saving the download", &e))?;
        self.receive(answer, part, came.split_off(overlap_len), note, have, meter).await
    }

    /// Writes the body behind what is there; what was written stays when the line breaks.
    async fn receive(
        &self,
        mut answer: Answer,
        part: std::fs::File,
        first: Vec<u8>,
        note: Note,
        have: u64,
        meter: &Meter,
    ) -> Result<Round, MediaError> {
        let mut file = tokio::fs::File::from_std(part);
        file.set_max_buf_size(1 << 20);
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let mut length = have;
        let mut piece = Some(bytes::Bytes::from(first));
        let ended = loop {
            let Some(bytes) = piece else { break Ok(()) };
            let written = match meter.count(bytes.len()) {
                Ok(()) => {
                    file.write_all(&bytes).await.map_err(|e| MediaError::storage("Saving the download", &e))
                }
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                break Err(error);
            }
            length += bytes.len() as u64;
            if let Some(total) = note.total.filter(|t| *t > 0) {
                meter.done(length as f64 / total as f64);
            }
            piece = match answer.next().await {
                Ok(piece) => piece,
                Err(error) => break Err(error),
            };
        };
        file.flush().await.map_err(|e| MediaError::storage("Saving the download", &e))?;
        ended?;
        match note.total {
            Some(total) if length < total => Err(MediaError::new(
                ErrorCode::NetworkLost,
                format!("{} sent {length} of {total} bytes.", shown_host(&answer.url)),
            )),
            // More than was promised: the two answers do not belong together.
            Some(total) if length > total => Ok(Round::Anew),
            _ => self.finish(&note, &answer.url).map(Round::Got),
        }
    }

    fn finish(&self, note: &Note, url: &Url) -> Result<Got, MediaError> {
        let path = self.folder.join(format!("media.{}", note.extension));
        std::fs::rename(self.part_path(), &path)
            .map_err(|e| MediaError::storage("Saving the download", &e))?;
        let _ = std::fs::remove_file(self.note_path());
        Ok(Got::File { path, title: note.title.clone(), url: url.clone() })
    }

    fn part_path(&self) -> PathBuf {
        self.folder.join("direct.part")
    }

    fn note_path(&self) -> PathBuf {
        self.folder.join("direct.json")
    }

    fn saved(&self) -> u64 {
        std::fs::metadata(self.part_path()).map_or(0, |m| m.len())
    }

    /// The note, or nothing when it is missing or torn: then the file is fetched anew.
    fn note(&self) -> Option<Note> {
        serde_json::from_slice(&std::fs::read(self.note_path()).ok()?).ok()
    }

    fn forget(&self) {
        let _ = std::fs::remove_file(self.part_path());
        let _ = std::fs::remove_file(self.note_path());
    }
}

/// Writes a small file so that it is there whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), MediaError> {
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, bytes)
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|e| MediaError::storage("Noting the state of the download", &e))
}

async fn rest_of_text(
    mut got: Vec<u8>,
    answer: &mut Answer,
    most: usize,
) -> Result<(String, bool), MediaError> {
    let mut whole = true;
    while let Some(piece) = answer.next().await? {
        got.extend_from_slice(&piece);
        if got.len() > most {
            got.truncate(most);
            whole = false;
            break;
        }
    }
    let latin = answer.header(CONTENT_TYPE).is_some_and(|t| {
        let t = t.to_ascii_lowercase();
        t.contains("iso-8859-1") || t.contains("windows-1252")
    });
    let text = if latin {
        got.iter().map(|b| char::from(*b)).collect()
    } else {
        String::from_utf8_lossy(&got).into_owned()
    };
    Ok((text, whole))
}

/// A strong entity tag, else the date of the last change; a weak tag does not vouch for bytes.
fn validator(answer: &Answer) -> Option<String> {
    let tag = answer.header(ETAG).filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| answer.header(LAST_MODIFIED)).map(ToOwned::to_owned)
}

/// `bytes 5-9/10` or `bytes 5-9/*` → the first byte's place and the whole length.
pub(super) fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.trim().parse().ok()?;
    Some((start, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 0-9/*"), Some((0, None)));
        assert_eq!(content_range("items 0-9/10"), None);
    }
}
