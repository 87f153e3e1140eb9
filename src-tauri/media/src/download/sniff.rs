//! What the first bytes of an answer are.
//!
//! Owns the telling apart of media, playlists, pages and the rest, whatever the server calls them. Leaves the exact
//! verdict on media to `probe`.

/// What arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Media, or bytes that may well be media; with the usual file extension.
    Media(&'static str),
    /// An HLS playlist.
    Playlist,
    /// A web page.
    Page,
    /// A DASH manifest, which only yt-dlp reads.
    Dash,
    /// Something that holds no media, by its usual name.
    Foreign(&'static str),
}

/// How many bytes are enough to tell.
pub(super) const ENOUGH: usize = 4096;

/// Tells from the first bytes (up to [`ENOUGH`]) and, for HTML without a doctype, the declared type.
pub(super) fn sniff(head: &[u8], content_type: Option<&str>) -> Kind {
    if let Some(kind) = by_magic(head) {
        return kind;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let lower = text[..text.len().min(1024)].to_ascii_lowercase();
    if text.starts_with(b"#EXTM3U") {
        return Kind::Playlist;
    }
    if text.starts_with(b"<") {
        let says_html = content_type.is_some_and(|t| t.to_ascii_lowercase().contains("html"));
        let has = |needle: &[u8]| find(&lower, needle).is_some();
        return if has(b"<mpd") {
            Kind::Dash
        } else if says_html || has(b"<!doctype html") || has(b"<html") || has(b"<head") || has(b"<body") {
            Kind::Page
        } else if lower.starts_with(b"<?xml") || lower.starts_with(b"<svg") {
            Kind::Foreign("an XML document")
        } else {
            Kind::Page
        };
    }
    if !head.is_empty() && is_text(head) {
        let says_html = content_type.is_some_and(|t| t.to_ascii_lowercase().contains("html"));
        return if says_html { Kind::Page } else { Kind::Foreign("a text") };
    }
    Kind::Media("bin")
}

fn by_magic(head: &[u8]) -> Option<Kind> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let media = |extension| Some(Kind::Media(extension));
    if at(4, b"ftyp") {
        return media(match head.get(8..12) {
            Some(b"qt  ") => "mov",
            Some(b"M4A ") => "m4a",
            _ => "mp4",
        });
    }
    if [b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"moof"].iter().any(|kind| at(4, *kind)) {
        return media("mp4");
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        return media(if find(&head[..head.len().min(64)], b"webm").is_some() { "webm" } else { "mkv" });
    }
    if at(0, b"RIFF") {
        return match head.get(8..12) {
            Some(b"WAVE") => media("wav"),
            Some(b"AVI ") => media("avi"),
            Some(b"WEBP") => media("webp"),
            _ => None,
        };
    }
    if is_transport_stream(head) {
        return media("ts");
    }
    let table: &[(&[u8], Kind)] = &[
        (b"OggS", Kind::Media("ogg")),
        (b"fLaC", Kind::Media("flac")),
        (b"FLV\x01", Kind::Media("flv")),
        (b"ID3", Kind::Media("mp3")),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind::Media("wmv")),
        (b"\x00\x00\x01\xba", Kind::Media("mpg")),
        (b"\x00\x00\x01\xb3", Kind::Media("mpg")),
        (b"FORM", Kind::Media("aiff")),
        (b"caff", Kind::Media("caf")),
        (b"#!AMR", Kind::Media("amr")),
        (b"\x0b\x77", Kind::Media("ac3")),
        (b"\xff\xd8\xff", Kind::Media("jpg")),
        (b"\x89PNG\r\n\x1a\n", Kind::Media("png")),
        (b"GIF8", Kind::Media("gif")),
        (b"PK\x03\x04", Kind::Foreign("a ZIP archive")),
        (b"%PDF-", Kind::Foreign("a PDF document")),
        (b"Rar!", Kind::Foreign("a RAR archive")),
        (b"7z\xbc\xaf", Kind::Foreign("a 7-Zip archive")),
        (b"\x1f\x8b", Kind::Foreign("a gzip archive")),
        (b"\x7fELF", Kind::Foreign("a program")),
        (b"MZ", Kind::Foreign("a program")),
    ];
    if let Some((_, kind)) = table.iter().find(|(magic, _)| at(0, magic)) {
        return Some(*kind);
    }
    match head {
        // ADTS and MPEG audio share their sync word; the layer bits are zero in ADTS alone.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => media("aac"),
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => media("mp3"),
        _ => None,
    }
}

/// A sync byte at every 188th place, as far as the bytes reach.
pub(super) fn is_transport_stream(head: &[u8]) -> bool {
    head.len() >= 188 && head.iter().step_by(188).take(4).all(|b| *b == 0x47)
}

/// UTF-8 without control characters; a character cut at the end is forgiven.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none() && e.valid_up_to() > 0,
    };
    valid && !head.iter().any(|b| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c))
}

/// The first place of `needle` in `hay`.
pub(super) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|w| w == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_not_its_declared_type() {
        assert_eq!(sniff(b"#EXTM3U\n#EXT-X-VERSION:3\n", Some("video/mp4")), Kind::Playlist);
        assert_eq!(sniff(b"\xef\xbb\xbf#EXTM3U\r\n", None), Kind::Playlist);
        assert_eq!(sniff(b"\n  <!DOCTYPE html><html>", Some("video/mp4")), Kind::Page);
        assert_eq!(sniff(b"<!-- x --><html>", None), Kind::Page);
        assert_eq!(sniff(b"<div>video</div>", Some("text/html; charset=utf-8")), Kind::Page);
        assert_eq!(sniff(b"<?xml version=\"1.0\"?><MPD xmlns=", None), Kind::Dash);
        assert_eq!(sniff(b"{\"error\":1}", Some("video/mp4")), Kind::Foreign("a text"));
        assert_eq!(sniff(b"PK\x03\x04....", None), Kind::Foreign("a ZIP archive"));
        assert_eq!(sniff(b"\x00\x00\x00\x20ftypisom", Some("text/html")), Kind::Media("mp4"));
        assert_eq!(sniff(b"\xff\xf1\x50\x80", None), Kind::Media("aac"));
        assert_eq!(sniff(b"\xff\xfb\x90\x64", None), Kind::Media("mp3"));
        assert_eq!(sniff(b"\x01\x02\x03\x04unknown", None), Kind::Media("bin"));
        let mut stream = vec![0u8; 188 * 3];
        for packet in 0..3 {
            stream[packet * 188] = 0x47;
        }
        assert_eq!(sniff(&stream, None), Kind::Media("ts"));
    }
}
