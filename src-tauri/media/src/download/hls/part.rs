//! Pieces put together: files of one encoding and one timeline.
//!
//! Owns the appending of segments to part files and the note that lets a new process go on. Leaves fetching to
//! [`super::segment`] and turning parts into one film to [`super::join`].
//! Invariant: the note never claims more than the files hold; bytes beyond what it claims are cut off when it is read.

use super::list::{Segment, invalid};
use crate::MediaError;
use crate::download::direct::write_whole;
use crate::download::sniff::is_transport_stream;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How the media in a part is packed; the name ffmpeg has for reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Packing {
    Ts,
    Mp4,
    Aac,
    Mp3,
    Ac3,
    Eac3,
}

impl Packing {
    /// The demuxer's name.
    pub(super) fn demuxer(self) -> &'static str {
        match self {
            Self::Ts => "mpegts",
            Self::Mp4 => "mov",
            Self::Aac => "aac",
            Self::Mp3 => "mp3",
            Self::Ac3 => "ac3",
            Self::Eac3 => "eac3",
        }
    }

    /// From the first bytes after any ID3 tag.
    fn of(head: &[u8]) -> Option<Self> {
        if is_transport_stream(head) || (head.first() == Some(&0x47) && head.len() < 376) {
            return Some(Self::Ts);
        }
        let boxes = [&b"ftyp"[..], b"styp", b"moof", b"moov", b"sidx", b"emsg", b"prft", b"mdat", b"free"];
        if head.get(4..8).is_some_and(|kind| boxes.contains(&kind)) {
            return Some(Self::Mp4);
        }
        match head {
            [0xff, second, ..] if second & 0xf6 == 0xf0 => Some(Self::Aac),
            [0xff, second, ..] if second & 0xe0 == 0xe0 => Some(Self::Mp3),
            // The bit stream identification: above 10 it is E-AC-3 (ETSI TS 102 366, annex E).
            [0x0b, 0x77, _, _, _, id, ..] => Some(if id >> 3 > 10 { Self::Eac3 } else { Self::Ac3 }),
            _ => None,
        }
    }
}

/// Consecutive segments of one encoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) packing: Packing,
    /// Where on the presentation's timeline packed audio begins, in seconds, as its ID3 tag says.
    pub(super) starts: Option<f64>,
    map: Option<String>,
}

/// All parts of one track, and how far they reach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Parts {
    /// What the list was when recording began; another list begins anew.
    pub(super) plan: String,
    /// The place in the feed that is appended next.
    pub(super) next: u64,
    /// The media sequence number after the last one appended or passed over.
    pub(super) next_number: Option<u64>,
    /// Bytes fetched for the appended segments.
    pub(super) fetched: u64,
    /// Seconds of media appended, by the list's word.
    pub(super) seconds: f64,
    pub(super) parts: Vec<Part>,
}

impl Parts {
    /// Reads the note in `folder`; nothing usable, or another plan, is an empty start with an empty folder.
    pub(super) fn open(folder: &Path, plan: &str) -> Result<Self, MediaError> {
        let read = || -> Option<Self> {
            let parts: Self = serde_json::from_slice(&std::fs::read(note(folder)).ok()?).ok()?;
            (parts.plan == plan && parts.parts.iter().all(|p| cut(&folder.join(&p.file), p.bytes)))
                .then_some(parts)
        };
        if let Some(parts) = read() {
            return Ok(parts);
        }
        let storage = |e: std::io::Error| MediaError::storage("Making the download's folder", &e);
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(storage)?;
        }
        std::fs::create_dir_all(folder).map_err(storage)?;
        Ok(Self { plan: plan.to_owned(), ..Self::default() })
    }

    /// Appends the file of a segment and removes it. `anew` begins another part, as does another map.
    /// Blocks: call it where blocking is allowed.
    pub(super) fn append(
        &mut self,
        folder: &Path,
        segment: &Segment,
        file: &Path,
        map: Option<&Bytes>,
        anew: bool,
    ) -> Result<(), MediaError> {
        let storage = |e: std::io::Error| MediaError::storage("Joining segments", &e);
        let mut source = File::open(file).map_err(storage)?;
        let length = source.metadata().map_err(storage)?.len();
        let place = segment.map.as_ref().map(|m| m.place());
        if length > 0 {
            let head = Head::read(&mut source).map_err(storage)?;
            let same = self.parts.last().is_some_and(|p| !anew && p.map == place);
            if !same {
                self.begin(folder, &head, place, map)?;
            }
            if let Some(part) = self.parts.last_mut() {
                let mut out =
                    OpenOptions::new().append(true).open(folder.join(&part.file)).map_err(storage)?;
                source.seek(SeekFrom::Start(head.media_at)).map_err(storage)?;
                part.bytes += std::io::copy(&mut source, &mut out).map_err(storage)?;
            }
        }
        self.fetched += length;
        self.seconds += segment.seconds;
        Ok(())
    }

    fn begin(
        &mut self,
        folder: &Path,
        head: &Head,
        place: Option<String>,
        map: Option<&Bytes>,
    ) -> Result<(), MediaError> {
        let packing = Packing::of(map.map_or(&head.bytes[..], |m| &m[..])).ok_or_else(|| {
            invalid("A segment is neither MPEG-TS, fragmented MP4 nor packed audio; the key may be wrong.")
        })?;
        let file = format!("part{:04}.{}", self.parts.len(), packing.demuxer());
        let mut out =
            File::create(folder.join(&file)).map_err(|e| MediaError::storage("Joining segments", &e))?;
        let first = map.map_or(&[][..], |m| &m[..]);
        out.write_all(first).map_err(|e| MediaError::storage("Joining segments", &e))?;
        self.parts.push(Part { file, bytes: first.len() as u64, packing, starts: head.starts, map: place });
        Ok(())
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), MediaError> {
        write_whole(&note(folder), &serde_json::to_vec(self).unwrap_or_default())
    }
}

fn note(folder: &Path) -> PathBuf {
    folder.join("parts.json")
}

/// Cuts a file to a length it must have reached.
fn cut(file: &Path, bytes: u64) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(file) else { return false };
    file.metadata().is_ok_and(|m| m.len() >= bytes) && file.set_len(bytes).is_ok()
}

/// The beginning of a segment.
struct Head {
    /// The first media bytes.
    bytes: Vec<u8>,
    /// Where media begins: after ID3 tags, which would only disturb within a part.
    media_at: u64,
    starts: Option<f64>,
}

impl Head {
    fn read(source: &mut File) -> std::io::Result<Self> {
        let mut media_at = 0;
        let mut starts = None;
        loop {
            let mut bytes = Vec::new();
            source.seek(SeekFrom::Start(media_at))?;
            Read::by_ref(source).take(1024).read_to_end(&mut bytes)?;
            match id3_length(&bytes) {
                Some(length) => {
                    let mut tag = Vec::new();
                    source.seek(SeekFrom::Start(media_at))?;
                    Read::by_ref(source).take(length.min(1 << 20)).read_to_end(&mut tag)?;
                    starts = starts.or_else(|| id3_timestamp(&tag));
                    media_at += length;
                }
                None => return Ok(Self { bytes, media_at, starts }),
            }
        }
    }
}

/// The whole length of the ID3v2 tag that bytes begin with.
fn id3_length(bytes: &[u8]) -> Option<u64> {
    let head = bytes.get(..10).filter(|h| h.starts_with(b"ID3"))?;
    let size = head[6..10].iter().fold(0u64, |sum, b| sum << 7 | u64::from(b & 0x7f));
    let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
    Some(10 + size + footer)
}

/// The 33-bit time of 90 kHz that packed audio carries (RFC 8216, 3.4), in seconds.
fn id3_timestamp(tag: &[u8]) -> Option<f64> {
    const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
    let at = crate::download::sniff::find(tag, OWNER)? + OWNER.len();
    let ticks = u64::from_be_bytes(tag.get(at..at + 8)?.try_into().ok()?);
    Some((ticks & 0x1_ffff_ffff) as f64 / 90_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(map: Option<&str>) -> Segment {
        let url = |p: &str| url::Url::parse(&format!("https://a.example/{p}")).unwrap();
        Segment {
            number: 0,
            url: url("s"),
            span: None,
            seconds: 2.0,
            key: None,
            map: map.map(|m| super::super::list::MapUse { url: url(m), span: None, key: None }),
            discontinuity: false,
            gap: false,
        }
    }

    #[test]
    fn what_the_note_does_not_claim_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let track = folder.path().join("main");
        let mut parts = Parts::open(&track, "plan").unwrap();
        let file = track.join("s.seg");
        let put = |parts: &mut Parts, fill: u8, anew: bool| {
            let mut bytes = vec![fill; 188 * 4];
            bytes.iter_mut().step_by(188).for_each(|b| *b = 0x47);
            std::fs::write(&file, bytes).unwrap();
            parts.append(&track, &segment(None), &file, None, anew).unwrap();
        };
        put(&mut parts, 1, false);
        put(&mut parts, 2, false);
        parts.save(&track).unwrap();
        put(&mut parts, 3, false);
        let again = Parts::open(&track, "plan").unwrap();
        assert_eq!(again.parts.len(), 1);
        assert_eq!(std::fs::metadata(track.join(&again.parts[0].file)).unwrap().len(), 188 * 8);
        let mut again = again;
        put(&mut again, 4, true);
        assert_eq!(again.parts.len(), 2);
        assert_eq!(again.seconds, 6.0);
        assert!(Parts::open(&track, "other plan").unwrap().parts.is_empty());
    }

    #[test]
    fn packed_audio_tells_its_time() {
        let mut tag = b"ID3\x04\x00\x00\x00\x00\x00\x3f".to_vec();
        tag.extend_from_slice(b"PRIV\x00\x00\x00\x35\x00\x00com.apple.streaming.transportStreamTimestamp\0");
        tag.extend_from_slice(&900_000u64.to_be_bytes());
        assert_eq!(id3_timestamp(&tag), Some(10.0));
        assert_eq!(id3_length(&tag), Some(10 + 0x3f));
    }

    #[test]
    fn a_page_is_no_segment() {
        assert_eq!(Packing::of(b"<!DOCTYPE html><html>"), None);
        assert_eq!(Packing::of(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd"), None);
        assert_eq!(Packing::of(b"\x00\x00\x00\x18ftypiso5"), Some(Packing::Mp4));
        assert_eq!(Packing::of(b"\xff\xf1\x50"), Some(Packing::Aac));
    }
}
