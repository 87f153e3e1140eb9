//! What a file is, from its first bytes.
//!
//! Invariant: a playlist or a script is recognised whatever its name; no media kind that ffmpeg may open can be text.

/// The kinds of file that matter at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// Sound or moving pictures, in a container ffmpeg finds by itself.
    Media,
    /// A still picture (or an animation), to be opened with this demuxer of ffmpeg and no other.
    Picture(&'static str),
    /// Text that names other files or addresses.
    Playlist(&'static str),
    /// Something else, said in English.
    Foreign(&'static str),
    Text,
    Unknown,
}

/// (offset, bytes, what)
type Magic = (usize, &'static [u8], Sniffed);

const MAGIC: &[Magic] = &[
    (0, b"\x1a\x45\xdf\xa3", Sniffed::Media),
    (8, b"AVI ", Sniffed::Media),
    (8, b"WAVE", Sniffed::Media),
    (8, b"WEBP", Sniffed::Picture("webp_pipe")),
    (0, b"riff\x2e\x91\xcf\x11", Sniffed::Media),
    (0, b"OggS", Sniffed::Media),
    (0, b"fLaC", Sniffed::Media),
    (0, b"ID3", Sniffed::Media),
    (0, b"APETAGEX", Sniffed::Media),
    (0, b"ADIF", Sniffed::Media),
    (0, b"\x0b\x77", Sniffed::Media),
    (0, b"\x7f\xfe\x80\x01", Sniffed::Media),
    (0, b"\xfe\x7f\x01\x80", Sniffed::Media),
    (0, b"FLV\x01", Sniffed::Media),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Sniffed::Media),
    (0, b".RMF", Sniffed::Media),
    (0, b".ra\xfd", Sniffed::Media),
    (0, b"\x00\x00\x01\xba", Sniffed::Media),
    (0, b"\x00\x00\x01\xb3", Sniffed::Media),
    (0, b"\x00\x00\x01\xb0", Sniffed::Media),
    (0, b"\x00\x00\x00\x01", Sniffed::Media),
    (0, b"\x00\x00\x01\x67", Sniffed::Media),
    (8, b"AIFF", Sniffed::Media),
    (8, b"AIFC", Sniffed::Media),
    (0, b".snd", Sniffed::Media),
    (0, b"caff", Sniffed::Media),
    (0, b"MAC ", Sniffed::Media),
    (0, b"wvpk", Sniffed::Media),
    (0, b"TTA1", Sniffed::Media),
    (0, b"MPCK", Sniffed::Media),
    (0, b"MP+", Sniffed::Media),
    (0, b"tBaK", Sniffed::Media),
    (0, b"#!AMR", Sniffed::Media),
    (0, b"DSD ", Sniffed::Media),
    (0, b"FRM8", Sniffed::Media),
    (0, b"Creative Voice File", Sniffed::Media),
    (0, b"DKIF", Sniffed::Media),
    (0, b"nut/multimedia", Sniffed::Media),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01", Sniffed::Media),
    (0, b"\x1f\x07\x00", Sniffed::Media),
    (0, b"YUV4MPEG2", Sniffed::Media),
    (0, b"\xb7\xd8\x00\x20\x37\x49\xda\x11", Sniffed::Media),
    (0, b"\x12\x00\x0a", Sniffed::Media),
    (0, b"\xff\xd8\xff", Sniffed::Picture("jpeg_pipe")),
    (0, b"\x89PNG\r\n\x1a\n", Sniffed::Picture("png_pipe")),
    (0, b"GIF87a", Sniffed::Picture("gif")),
    (0, b"GIF89a", Sniffed::Picture("gif")),
    (0, b"BM", Sniffed::Picture("bmp_pipe")),
    (0, b"II*\0", Sniffed::Picture("tiff_pipe")),
    (0, b"MM\0*", Sniffed::Picture("tiff_pipe")),
    (0, b"8BPS", Sniffed::Picture("psd_pipe")),
    (0, b"qoif", Sniffed::Picture("qoi_pipe")),
    (0, b"\xff\x0a", Sniffed::Picture("jpegxl_pipe")),
    (4, b"JXL \r\n\x87\n", Sniffed::Picture("jpegxl_pipe")),
    (4, b"jP  \r\n\x87\n", Sniffed::Picture("j2k_pipe")),
    (0, b"PK\x03\x04", Sniffed::Foreign("an archive or office document")),
    (0, b"PK\x05\x06", Sniffed::Foreign("an archive")),
    (0, b"\x7fELF", Sniffed::Foreign("a program")),
    (0, b"MZ", Sniffed::Foreign("a program")),
    (0, b"\xca\xfe\xba\xbe", Sniffed::Foreign("a program")),
    (0, b"\xcf\xfa\xed\xfe", Sniffed::Foreign("a program")),
    (0, b"%PDF", Sniffed::Foreign("a PDF document")),
    (0, b"%!PS", Sniffed::Foreign("a PostScript document")),
    (0, b"\x1f\x8b", Sniffed::Foreign("an archive")),
    (0, b"BZh", Sniffed::Foreign("an archive")),
    (0, b"\xfd7zXZ\0", Sniffed::Foreign("an archive")),
    (0, b"7z\xbc\xaf\x27\x1c", Sniffed::Foreign("an archive")),
    (0, b"Rar!\x1a\x07", Sniffed::Foreign("an archive")),
    (0, b"\x28\xb5\x2f\xfd", Sniffed::Foreign("an archive")),
    (257, b"ustar", Sniffed::Foreign("an archive")),
    (0, b"SQLite format 3\0", Sniffed::Foreign("a database")),
];

/// Says what a file is that begins with `head`.
pub(crate) fn sniff(head: &[u8]) -> Sniffed {
    // Text first: "BM", "MZ", "MAC " and "ID3" can begin a text as well.
    if let Some(text) = as_text(head) {
        return text_kind(text);
    }
    let known = MAGIC
        .iter()
        .find(|(offset, magic, _)| head.get(*offset..).is_some_and(|rest| rest.starts_with(magic)));
    if let Some((_, _, what)) = known {
        return *what;
    }
    if is_iso(head) || is_transport_stream(head) || has_sound_frames(head) {
        return Sniffed::Media;
    }
    Sniffed::Unknown
}

/// ISO base media and QuickTime begin with a box of a known kind.
fn is_iso(head: &[u8]) -> bool {
    const BOXES: [&[u8]; 10] =
        [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx"];
    head.get(4..8).is_some_and(|kind| BOXES.contains(&kind))
}

/// MPEG transport stream: the sync byte three packets in a row, for each packet size in use.
fn is_transport_stream(head: &[u8]) -> bool {
    [188, 192, 204].iter().any(|size| {
        (0..*size).any(|start| (0..3).all(|packet| head.get(start + packet * size) == Some(&0x47)))
    })
}

/// Two frames of MPEG audio or ADTS AAC in a row, perhaps after some padding.
fn has_sound_frames(head: &[u8]) -> bool {
    let reaches_next = |at: usize, length: Option<usize>| {
        length.is_some_and(|length| {
            length > 4 && head.get(at + length..).is_some_and(|next| mpeg_or_adts(next).is_some())
        })
    };
    (0..head.len().saturating_sub(4))
        .any(|at| head[at] == 0xff && reaches_next(at, mpeg_or_adts(&head[at..])))
}

/// The length in bytes of the MPEG audio or ADTS frame that begins here.
fn mpeg_or_adts(bytes: &[u8]) -> Option<usize> {
    const KBITS: [[usize; 15]; 5] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [first, second, third, fourth, fifth, sixth, ..] = *bytes else { return None };
    if first != 0xff || second & 0xe0 != 0xe0 {
        return None;
    }
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    if layer == 0 {
        // ADTS: 12 sync bits, layer 0, 13 bits of length from the end of the fourth byte on.
        let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
        return (second & 0xf6 == 0xf0 && third >> 2 & 0xf < 13 && length > 7).then_some(length);
    }
    let (rate_index, frequency_index) = (usize::from(third >> 4), usize::from(third >> 2 & 3));
    if version == 1 || rate_index == 0 || rate_index == 15 || frequency_index == 3 {
        return None;
    }
    let frequency = [44_100, 48_000, 32_000][frequency_index] >> [2, 0, 1, 0][usize::from(version)];
    let padding = usize::from(third >> 1 & 1);
    let row = match (version, layer) {
        (3, 3) => 0,
        (3, 2) => 1,
        (3, _) => 2,
        (_, 3) => 3,
        _ => 4,
    };
    let bits = KBITS[row][rate_index] * 1000;
    Some(match layer {
        3 => (12 * bits / frequency + padding) * 4,
        1 if version != 3 => 72 * bits / frequency + padding,
        _ => 144 * bits / frequency + padding,
    })
}

/// The head as text: no control characters but blanks, valid UTF-8 or UTF-16 but for a cut at the end.
fn as_text(head: &[u8]) -> Option<String> {
    let head = &head[..head.len().min(8 << 10)];
    if let [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] = head {
        let big = head[0] == 0xfe;
        let units = rest.chunks_exact(2).map(|pair| {
            if big { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) }
        });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        return text.ok().filter(|text| is_printable(text));
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text.to_owned(),
        Err(cut) if cut.error_len().is_none() => {
            String::from_utf8_lossy(&head[..cut.valid_up_to()]).into_owned()
        }
        // Latin-1 and the like, as long as it looks like a playlist to ffmpeg.
        Err(_) => {
            let loose = String::from_utf8_lossy(head).into_owned();
            return is_printable(&loose)
                .then_some(loose)
                .filter(|text| matches!(text_kind(text.clone()), Sniffed::Playlist(_)));
        }
    };
    is_printable(&text).then_some(text)
}

fn is_printable(text: &str) -> bool {
    text.chars().all(|character| !character.is_control() || matches!(character, '\t' | '\n' | '\r' | '\u{c}'))
}

fn text_kind(text: String) -> Sniffed {
    let text = text.trim_start().to_ascii_lowercase();
    let begins = |start: &str| text.starts_with(start);
    if begins("#extm3u") || text.contains("\n#extinf") || begins("#extinf") || text.contains("#ext-x-") {
        return Sniffed::Playlist("m3u");
    }
    if begins("ffconcat") || begins("file '") || begins("file /") || text.contains("\nfile '") {
        return Sniffed::Playlist("ffconcat");
    }
    if text.contains("<mpd") {
        return Sniffed::Playlist("DASH");
    }
    if begins("v=0") {
        return Sniffed::Playlist("SDP");
    }
    if begins("[playlist]") || begins("[reference]") {
        return Sniffed::Playlist("pls");
    }
    if begins("<asx") || text.contains("<asx ") || text.contains("<smil") || text.contains("<playlist") {
        return Sniffed::Playlist("XML");
    }
    if begins("rtsp://") || begins("rtsptext") {
        return Sniffed::Playlist("address");
    }
    // A raw AMR file begins as text but goes on as bytes, so it never comes here; YUV4MPEG neither.
    Sniffed::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playlists_are_known_whatever_comes_before() {
        for text in [
            "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
            "\u{feff}\n  #EXTM3U\n",
            "# a comment\n#EXTINF:9,x\na.ts\n",
            "ffconcat version 1.0\nfile '/etc/passwd'\n",
            "# harmless\nfile '/etc/passwd'\n",
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">",
            "[playlist]\nFile1=/etc/passwd\n",
            "<ASX version=\"3.0\"><entry>",
        ] {
            assert!(matches!(sniff(text.as_bytes()), Sniffed::Playlist(_)), "{text}");
        }
        let wide: Vec<u8> =
            [0xfeff_u16].into_iter().chain("#EXTM3U\n".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert!(matches!(sniff(&wide), Sniffed::Playlist(_)));
    }

    #[test]
    fn text_is_text_even_when_it_begins_like_media() {
        for text in [
            "BM is a make of car\n",
            "MAC address list\n",
            "ID3 tags explained",
            "OggS",
            "1\n00:00:01,000 --> ",
        ] {
            assert_eq!(sniff(text.as_bytes()), Sniffed::Text, "{text}");
        }
        assert_eq!(sniff(&[0x55; 4000].map(|byte: u8| byte ^ 0xd5)), Sniffed::Unknown);
    }

    #[test]
    fn sound_frames_are_found_after_padding() {
        // MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes a frame.
        let mut frames = vec![0; 100];
        for _ in 0..3 {
            let start = frames.len();
            frames.extend([0xff, 0xfb, 0x90, 0x00]);
            frames.resize(start + 417, 0);
        }
        assert_eq!(sniff(&frames), Sniffed::Media);
        assert_eq!(sniff(&frames[..300]), Sniffed::Unknown);
    }
}
