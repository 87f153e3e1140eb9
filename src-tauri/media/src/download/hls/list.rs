//! Playlists in our own words, every address resolved and checked.
//!
//! Owns the meaning of the tags: which key, which map, which bytes, which discontinuity a segment has. Leaves the
//! line syntax to `m3u8-rs` behind [`super::mend`], and fetching to [`super::segment`].
//! Invariant: a list that was read holds only addresses that passed the guard, so a hostile line stops the whole
//! list before anything of it is fetched.

use super::mend;
use crate::MediaError;
use crate::download::NetPolicy;
use crate::download::client::resolve;
use crate::download::guard::shown;
use domain::ErrorCode;
use m3u8_rs::{KeyMethod, MediaPlaylistType};
use url::Url;

/// More segments than a week of 3 s pieces is no playlist.
const MOST_SEGMENTS: usize = 200_000;

/// Part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Span {
    pub(super) offset: u64,
    /// Never 0; `offset + length` fits.
    pub(super) length: u64,
}

/// An AES-128 key in use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct KeyUse {
    pub(super) url: Url,
    /// `None`: the segment's media sequence number.
    pub(super) iv: Option<[u8; 16]>,
}

/// The initialisation section segments begin with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MapUse {
    pub(super) url: Url,
    pub(super) span: Option<Span>,
    /// The key in force where it stands; whether it is really encrypted shows in its bytes.
    pub(super) key: Option<KeyUse>,
}

impl MapUse {
    /// The same map after addresses were signed anew.
    pub(super) fn place(&self) -> String {
        let span = self.span.map(|s| format!("{}+{}", s.offset, s.length)).unwrap_or_default();
        format!("{}#{span}", shown(&self.url))
    }
}

/// One piece of media.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    /// Its media sequence number.
    pub(super) number: u64,
    pub(super) url: Url,
    pub(super) span: Option<Span>,
    pub(super) seconds: f64,
    pub(super) key: Option<KeyUse>,
    pub(super) map: Option<MapUse>,
    /// Timestamps or encoding begin anew here.
    pub(super) discontinuity: bool,
    /// The server says that it has nothing for this piece.
    pub(super) gap: bool,
}

/// A list of segments.
#[derive(Clone, Debug)]
pub(super) struct MediaList {
    /// The longest segment, in seconds; at least 0.5.
    pub(super) target: f64,
    /// Nothing will be added.
    pub(super) ended: bool,
    pub(super) segments: Vec<Segment>,
}

/// Reads a list of segments.
///
/// Errors: `PLAYLIST_INVALID`, `PLAYLIST_PROTECTED`, and those of the guard for any address inside.
pub(super) fn read_media(text: &str, base: &Url, policy: &NetPolicy) -> Result<MediaList, MediaError> {
    let mended = mend::mend(text);
    let (_, list) =
        m3u8_rs::parse_media_playlist(mended.as_bytes()).map_err(|_| invalid("It cannot be read."))?;
    if list.segments.len() > MOST_SEGMENTS {
        return Err(invalid("It lists more than 200,000 segments."));
    }
    if list.i_frames_only {
        return Err(invalid("It holds single pictures only."));
    }
    let mut key: Option<KeyUse> = None;
    let mut map: Option<MapUse> = None;
    let mut before: Option<(Url, u64)> = None;
    let mut segments = Vec::with_capacity(list.segments.len());
    for (place, segment) in list.segments.iter().enumerate() {
        if let Some(tag) = &segment.key {
            key = read_key(tag, base, policy)?;
        }
        if segment.unknown_tags.iter().any(|tag| tag.tag == "X-KEY") {
            return Err(invalid("A key tag cannot be read."));
        }
        if let Some(tag) = &segment.map {
            let span = match &tag.byte_range {
                Some(range) => Some(span(range.length, range.offset.unwrap_or(0))?),
                None => None,
            };
            map = Some(MapUse { url: resolve(base, &tag.uri, policy)?, span, key: key.clone() });
        }
        let url = resolve(base, &segment.uri, policy)?;
        let span = match &segment.byte_range {
            None => None,
            Some(range) => {
                let follows = before.as_ref().filter(|(u, _)| *u == url).map_or(0, |(_, end)| *end);
                Some(span(range.length, range.offset.unwrap_or(follows))?)
            }
        };
        before = span.map(|s| (url.clone(), s.offset + s.length));
        segments.push(Segment {
            number: list.media_sequence.saturating_add(place as u64),
            url,
            span,
            seconds: f64::from(segment.duration),
            key: key.clone(),
            map: map.clone(),
            discontinuity: segment.discontinuity,
            gap: segment.unknown_tags.iter().any(|tag| tag.tag == "X-GAP"),
        });
    }
    let ended = list.end_list || list.playlist_type == Some(MediaPlaylistType::Vod);
    if segments.is_empty() && ended {
        return Err(invalid("It lists no segments."));
    }
    let longest = segments.iter().map(|s| s.seconds).fold(0.0, f64::max);
    let target = if list.target_duration > 0 { list.target_duration as f64 } else { longest };
    Ok(MediaList { target: target.clamp(0.5, 60.0), ended, segments })
}

fn read_key(tag: &m3u8_rs::Key, base: &Url, policy: &NetPolicy) -> Result<Option<KeyUse>, MediaError> {
    let open = tag.keyformat.as_deref().is_none_or(|format| format == "identity");
    match tag.method {
        KeyMethod::None => return Ok(None),
        KeyMethod::AES128 if open => {}
        _ => return Err(protected(&tag.method.to_string())),
    }
    let uri = tag.uri.as_deref().ok_or_else(|| invalid("A key has no address."))?;
    if uri.starts_with("skd:") {
        return Err(protected("FairPlay"));
    }
    let iv = match tag.iv.as_deref() {
        None => None,
        Some(text) => Some(read_iv(text).ok_or_else(|| invalid("A key's IV is no 128-bit number."))?),
    };
    Ok(Some(KeyUse { url: resolve(base, uri, policy)?, iv }))
}

fn read_iv(text: &str) -> Option<[u8; 16]> {
    let digits = text.trim().strip_prefix("0x").or_else(|| text.trim().strip_prefix("0X"))?;
    let number =
        (!digits.is_empty() && digits.len() <= 32).then(|| u128::from_str_radix(digits, 16).ok())??;
    Some(number.to_be_bytes())
}

fn span(length: u64, offset: u64) -> Result<Span, MediaError> {
    if length == 0 || offset.checked_add(length).is_none() {
        return Err(invalid("A byte range is impossible."));
    }
    Ok(Span { offset, length })
}

/// One way to play the whole: a list of segments and, apart, its sound.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variant {
    pub(super) url: Url,
    pub(super) audio: Option<Url>,
}

/// Reads a list of lists: the variants, best first.
///
/// Best is: with picture before without, a picture every player shows (8 bit SDR) before others, then more lines,
/// then more bits. A variant whose address the guard refuses is left out; when none is left, its refusal is the error.
pub(super) fn read_master(text: &str, base: &Url, policy: &NetPolicy) -> Result<Vec<Variant>, MediaError> {
    let mended = mend::mend(text);
    let (_, list) =
        m3u8_rs::parse_master_playlist(mended.as_bytes()).map_err(|_| invalid("It cannot be read."))?;
    let mut refused = None;
    let mut ranked = Vec::new();
    for stream in list.variants.iter().filter(|s| !s.is_i_frame && !s.uri.is_empty()) {
        let sound = stream.audio.as_deref().and_then(|group| best_audio(&list.alternatives, group));
        let read = || -> Result<Variant, MediaError> {
            let audio = match sound {
                Some(uri) => Some(resolve(base, uri, policy)?),
                None => None,
            };
            Ok(Variant { url: resolve(base, &stream.uri, policy)?, audio })
        };
        match read() {
            Ok(variant) => ranked.push((rank(stream), variant)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    // A stable sort: of equals the one the author put first.
    ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let variants: Vec<Variant> = ranked.into_iter().map(|(_, variant)| variant).collect();
    match refused {
        Some(error) if variants.is_empty() => Err(error),
        _ if variants.is_empty() => Err(invalid("It lists no variants.")),
        _ => Ok(variants),
    }
}

fn rank(stream: &m3u8_rs::VariantStream) -> (bool, bool, u64, u64) {
    let codecs = stream.codecs.as_deref().unwrap_or_default().to_ascii_lowercase();
    let sound_only = ["mp4a", "ac-3", "ec-3", "opus", "flac", "mp3"];
    let video = stream.resolution.is_some()
        || codecs.is_empty()
        || codecs.split(',').any(|c| !sound_only.iter().any(|s| c.trim().starts_with(s)));
    let range = stream.other_attributes.as_ref().and_then(|a| a.get("VIDEO-RANGE"));
    let plain = range.is_none_or(|r| r.as_str() == "SDR") && !codecs.contains("dvh");
    (video, plain, stream.resolution.map_or(0, |r| r.height.saturating_mul(r.width)), stream.bandwidth)
}

/// The group's default sound, else the one chosen by itself, else the first; `None` when it lies in the variant.
fn best_audio<'a>(alternatives: &'a [m3u8_rs::AlternativeMedia], group: &str) -> Option<&'a str> {
    let mut best: Option<&m3u8_rs::AlternativeMedia> = None;
    for media in alternatives.iter().filter(|m| m.group_id == group) {
        if best.is_none_or(|b| (media.default, media.autoselect) > (b.default, b.autoselect)) {
            best = Some(media);
        }
    }
    best?.uri.as_deref()
}

pub(super) fn invalid(why: &str) -> MediaError {
    MediaError::new(ErrorCode::PlaylistInvalid, format!("The HLS playlist is not valid. {why}"))
}

pub(super) fn protected(how: &str) -> MediaError {
    MediaError::new(
        ErrorCode::PlaylistProtected,
        format!("The video is protected ({how}); only its own player can open it."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://cdn.example/v/main.m3u8?token=1").unwrap()
    }

    fn media(text: &str) -> Result<MediaList, MediaError> {
        read_media(text, &base(), &NetPolicy::default())
    }

    #[test]
    fn keys_maps_and_ranges_apply_until_they_change() {
        let list = media(
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"20@0\"\n\
             #EXTINF:4,\n#EXT-X-BYTERANGE:100@20\nf.mp4\n#EXTINF:4,\n#EXT-X-BYTERANGE:50\nf.mp4\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"/k\",IV=0x1F\n#EXTINF:4,\n#EXT-X-BYTERANGE:10\nf.mp4\n\
             #EXT-X-KEY:METHOD=NONE\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:2,\ng.mp4\n#EXT-X-ENDLIST\n",
        )
        .unwrap();
        let s = &list.segments;
        assert_eq!(s.iter().map(|s| s.number).collect::<Vec<_>>(), [7, 8, 9, 10]);
        assert_eq!(
            s.iter().map(|s| s.span.map(|s| (s.offset, s.length))).collect::<Vec<_>>(),
            [Some((20, 100)), Some((120, 50)), Some((170, 10)), None]
        );
        assert!(s.iter().all(|s| s.map.as_ref().unwrap().span == Some(Span { offset: 0, length: 20 })));
        assert_eq!(s[0].key, None);
        let key = s[2].key.as_ref().unwrap();
        assert_eq!(key.url.as_str(), "https://cdn.example/k");
        assert_eq!(key.iv.unwrap()[15], 0x1f);
        assert_eq!(s[3].key, None);
        assert!(s[3].discontinuity && s[3].gap && list.ended && !s[2].discontinuity);
        assert_eq!(s[0].url.as_str(), "https://cdn.example/v/f.mp4", "the query is not inherited");
    }

    #[test]
    fn protected_lists_are_named() {
        for key in [
            "METHOD=SAMPLE-AES,URI=\"https://a.example/k\"",
            "METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,AAAA\",KEYFORMAT=\"urn:uuid:edef8ba9\"",
            "METHOD=AES-128,URI=\"skd://x\"",
            "METHOD=AES-128,URI=\"https://a.example/k\",KEYFORMAT=\"com.apple.streamingkeydelivery\"",
        ] {
            let error =
                media(&format!("#EXTM3U\n#EXT-X-KEY:{key}\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST")).unwrap_err();
            assert_eq!(error.code, ErrorCode::PlaylistProtected, "{key}");
        }
    }

    #[test]
    fn hostile_addresses_stop_the_list() {
        let cases = [
            ("#EXTINF:1,\nfile:///etc/passwd", ErrorCode::UrlSchemeUnsupported),
            ("#EXTINF:1,\nconcat:http://a.example/x|file:///etc/passwd", ErrorCode::UrlSchemeUnsupported),
            ("#EXTINF:1,\ndata:video/mp2t;base64,AAAA", ErrorCode::UrlSchemeUnsupported),
            ("#EXTINF:1,\ncrypto:file:///etc/passwd", ErrorCode::UrlSchemeUnsupported),
            ("#EXTINF:1,\ngopher://127.0.0.1:6379/", ErrorCode::UrlSchemeUnsupported),
            ("#EXTINF:1,\nhttp://169.254.169.254/", ErrorCode::HostBlocked),
            ("#EXTINF:1,\n//127.0.0.1/x", ErrorCode::HostBlocked),
            (
                "#EXT-X-KEY:METHOD=AES-128,URI=\"file:///k\"\n#EXTINF:1,\na.ts",
                ErrorCode::UrlSchemeUnsupported,
            ),
            ("#EXT-X-MAP:URI=\"file:///k\"\n#EXTINF:1,\na.ts", ErrorCode::UrlSchemeUnsupported),
            ("#EXT-X-BYTERANGE:5@18446744073709551615\n#EXTINF:1,\na.ts", ErrorCode::PlaylistInvalid),
            ("", ErrorCode::PlaylistInvalid),
        ];
        for (lines, code) in cases {
            let error = media(&format!("#EXTM3U\n#EXTINF:1,\nok.ts\n{lines}\n#EXT-X-ENDLIST"));
            let error = if lines.is_empty() { media("#EXTM3U\n#EXT-X-ENDLIST") } else { error };
            assert_eq!(error.unwrap_err().code, code, "{lines}");
        }
    }

    #[test]
    fn the_best_variant_comes_first_with_its_sound() {
        let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"de\",URI=\"de.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"pt\",DEFAULT=YES,URI=\"pt.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=9000000,CODECS=\"mp4a.40.2\"\nsound.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nlow.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=8000000,RESOLUTION=1920x1080,VIDEO-RANGE=PQ\nhdr.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,AUDIO=\"a\"\nhigh.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=4000x4000\nfile:///etc/passwd\n";
        let variants = read_master(text, &base(), &NetPolicy::default()).unwrap();
        let names: Vec<_> = variants.iter().map(|v| v.url.path()).collect();
        assert_eq!(names, ["/v/high.m3u8", "/v/low.m3u8", "/v/hdr.m3u8", "/v/sound.m3u8"]);
        assert_eq!(variants[0].audio.as_ref().unwrap().path(), "/v/pt.m3u8");
        assert_eq!(variants[1].audio, None);
    }
}
