//! Media addresses inside text that is no markup: scripts, configurations, data attributes.
//!
//! Owns the undoing of escapes (`\/`, `\u0026`, `&amp;`, `%2F`, Base64) and the recognising of an address by its
//! extension or by the media type that stands beside it. Leaves resolving and ranking to [`super::find`].
//! Scripts are read as text and never run.

use crate::download::base64::decode;
use crate::download::sniff::find;

/// An address as it stands in the text, relative or absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) address: String,
    /// Known as media only by a type written beside it.
    pub(super) by_type: bool,
}

/// Extensions of media files; playlists are asked for apart.
const MEDIA: &[&str] = &[
    ".mp4", ".m4v", ".webm", ".mov", ".mkv", ".ogv", ".flv", ".avi", ".mp3", ".m4a", ".ogg", ".oga", ".wav",
    ".aac", ".flac",
];
/// Media types as players are told them.
const TYPES: &[&str] = &[
    "video/mp4",
    "video/webm",
    "application/x-mpegurl",
    "application/vnd.apple.mpegurl",
    "audio/mpegurl",
    "video/quicktime",
];
/// Base64 within Base64 has been seen; deeper is a game.
const DEEPEST: usize = 3;
/// Text beyond this is not looked at.
const MOST: usize = 4 << 20;

/// Whether an address points at a playlist by its name.
pub(super) fn is_playlist(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    let (path, query) = lower.split_once('?').unwrap_or((&lower, ""));
    path.contains(".m3u8") || query.contains("format=m3u8") || query.contains("type=m3u8")
}

/// Whether an address points at media by its name.
pub(super) fn is_media(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    is_playlist(address) || MEDIA.iter().any(|extension| path.ends_with(extension))
}

/// Whether an address points at sound alone by its name.
pub(super) fn is_sound(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    [".mp3", ".m4a", ".ogg", ".oga", ".wav", ".aac", ".flac"]
        .iter()
        .any(|extension| path.ends_with(extension))
}

/// All media addresses in a text, in order, each once.
pub(super) fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    look(text, 0, &mut found);
    let mut seen = std::collections::HashSet::new();
    found.retain(|m| seen.insert(m.address.clone()));
    found
}

fn look(text: &str, depth: usize, found: &mut Vec<Mention>) {
    if depth > DEEPEST || text.len() > MOST {
        return;
    }
    let plain = unescaped(text);
    for token in tokens(&plain) {
        if token.to_ascii_lowercase().contains("%3a%2f%2f") && !token.contains("://") {
            let decoded = percent_encoding::percent_decode_str(token).decode_utf8_lossy();
            look(&decoded, depth + 1, found);
        } else if let Some(address) = address_in(token) {
            found.push(Mention { address: address.to_owned(), by_type: false });
        } else if let Some(inner) = base64_text(token) {
            look(&inner, depth + 1, found);
        }
    }
    typed(&plain, found);
}

/// Pieces that may hold one address each: between quotes, blanks, brackets of markup and backslashes.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\\');
    text.split(ends).filter(|token| token.len() > 4)
}

/// The media address in a token: the token itself, or one that another address carries (`?file=https://…`).
fn address_in(token: &str) -> Option<&str> {
    if token.starts_with("data:") || token.starts_with("blob:") {
        return None;
    }
    let starts = token.match_indices("http").filter(|(at, _)| {
        let rest = &token[*at..];
        rest.starts_with("http://") || rest.starts_with("https://")
    });
    for (at, _) in starts {
        let rest = &token[at..];
        if is_media(rest) {
            return Some(if at > 0 { rest.split('&').next().unwrap_or(rest) } else { rest });
        }
    }
    if token.contains("://") {
        return None;
    }
    let path_like = |c: char| c.is_alphanumeric() || "/._-~%?&=+@:,!$()".contains(c);
    let begins = token.starts_with(['/', '.']) || token.starts_with(char::is_alphanumeric);
    // A bare extension or pattern, as in lists of formats, is no file.
    let named = token.split(['?', '#']).next().is_some_and(|path| {
        path.rsplit('/').next().is_some_and(|name| name.find('.').is_some_and(|dot| dot > 0))
    });
    (begins && named && is_media(token) && token.chars().all(path_like) && token.len() < 2048)
        .then_some(token)
}

/// Addresses without a telling name, in the same braces as a media type.
fn typed(text: &str, found: &mut Vec<Mention>) {
    // Byte for byte as long as the text, so that places agree.
    let lower = text.to_ascii_lowercase();
    for kind in TYPES {
        for (at, _) in lower.match_indices(kind) {
            let from = text[..at].rfind('{').unwrap_or(at);
            let to = text[at..].find('}').map_or(at, |end| at + end);
            for token in tokens(&text[from..to]) {
                let web =
                    token.starts_with("http://") || token.starts_with("https://") || token.starts_with("//");
                let picture = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".js", ".css", ".vtt"];
                let path = token.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
                if web && !is_media(token) && !picture.iter().any(|e| path.ends_with(e)) {
                    found.push(Mention { address: token.to_owned(), by_type: true });
                }
            }
        }
    }
}

/// Undoes what scripts and markup do to addresses: `\/`, `\u002F`, `\x2F`, `&amp;`, `&quot;`.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let hex = |from: usize, digits: usize| {
            let code = u32::from_str_radix(rest.get(from..from + digits)?, 16).ok()?;
            char::from_u32(code).map(|c| (c, from + digits))
        };
        let (c, length) = if rest.starts_with("\\/") {
            ('/', 2)
        } else if rest.starts_with("\\u") {
            hex(2, 4).unwrap_or(('\\', 1))
        } else if rest.starts_with("\\x") {
            hex(2, 2).unwrap_or(('\\', 1))
        } else if rest.starts_with("&amp;") {
            ('&', 5)
        } else if rest.starts_with("&quot;") || rest.starts_with("&#34;") {
            ('"', rest.find(';').unwrap_or(0) + 1)
        } else {
            (if rest.starts_with('\\') { '\\' } else { '&' }, 1)
        };
        out.push(c);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// The text a token holds in Base64 (either alphabet), if it is one that may name media.
fn base64_text(token: &str) -> Option<String> {
    if token.len() < 24 || token.len() > 1 << 20 {
        return None;
    }
    let bytes = decode(token)?;
    let promising =
        [&b"http"[..], b"m3u8", b".mp4", b"{\""].iter().any(|needle| find(&bytes, needle).is_some());
    promising.then(|| String::from_utf8(bytes).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        mentions(text).into_iter().map(|m| m.address).collect()
    }

    #[test]
    fn addresses_are_found_in_every_disguise() {
        for text in [
            r#"jwplayer("p").setup({"file":"https:\/\/cdn.example\/v\/main.m3u8?a=1\u0026b=2"})"#,
            r#"hls.loadSource('https://cdn.example/v/main.m3u8?a=1&b=2')"#,
            r#"{&quot;src&quot;:&quot;https://cdn.example/v/main.m3u8?a=1&amp;b=2&quot;}"#,
            "file=https%3A%2F%2Fcdn.example%2Fv%2Fmain.m3u8%3Fa%3D1%26b%3D2",
            "\"https:\\x2f\\x2fcdn.example/v/main.m3u8?a=1&b=2\"",
            // {"url":"https://cdn.example/v/main.m3u8?a=1&b=2"}
            "atob(\"eyJ1cmwiOiJodHRwczovL2Nkbi5leGFtcGxlL3YvbWFpbi5tM3U4P2E9MSZiPTIifQ==\")",
        ] {
            let found = addresses(text);
            assert!(found[0].starts_with("https://cdn.example/v/main.m3u8"), "{text}: {found:?}");
        }
        assert_eq!(addresses("src: '/media/a film.mp4'"), ["film.mp4"], "blanks end an address");
        assert_eq!(addresses("src: \"media/film.mp4?x=1\""), ["media/film.mp4?x=1"]);
    }

    #[test]
    fn types_tell_where_names_do_not() {
        let wistia = r#"{"type":"original","contentType":"video/mp4","url":"https://embed.example/deliveries/ab12.bin","thumb":"https://x/y.jpg"}"#;
        assert_eq!(
            mentions(wistia),
            [Mention { address: "https://embed.example/deliveries/ab12.bin".into(), by_type: true }]
        );
    }

    #[test]
    fn what_is_no_address_is_left() {
        for text in
            [".mp4", "'.mp4'", "*.mp4", "formats: ['.mp4','.webm']", "data:video/mp4;base64,AAAA", "film.jpg"]
        {
            assert_eq!(addresses(text), Vec::<String>::new(), "{text}");
        }
    }
}
