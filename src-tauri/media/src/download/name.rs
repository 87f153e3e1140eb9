//! Names for people: titles and file names as servers and pages give them.
//!
//! Owns their cleaning. Invariant: nothing from here is ever used as a path.

use super::client::Answer;
use http::header::CONTENT_DISPOSITION;

/// Title and extension from `Content-Disposition`, else from the address.
pub(super) fn file_name(answer: &Answer) -> (Option<String>, Option<String>) {
    let named = answer.header(CONTENT_DISPOSITION).and_then(disposition_name);
    let last = || answer.url.path_segments()?.next_back().map(percent_decoded);
    let Some(name) = named.or_else(last) else { return (None, None) };
    // Either slash parts folders on some system; only the last part is a name.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, ext))
            if (1..=5).contains(&ext.len()) && ext.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            (stem, Some(ext.to_ascii_lowercase()))
        }
        _ => (name, None),
    };
    (clean_title(stem), extension)
}

fn disposition_name(value: &str) -> Option<String> {
    let parts: Vec<(&str, &str)> = value.split(';').filter_map(|p| p.trim().split_once('=')).collect();
    let get = |key: &str| parts.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.trim());
    if let Some((_, encoded)) = get("filename*").and_then(|v| v.split_once("''")) {
        return Some(percent_decoded(encoded));
    }
    get("filename").map(|v| v.trim_matches('"').to_owned())
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A title in one line of at most 200 characters, without control or direction characters; nothing when nothing is left.
pub(super) fn clean_title(text: &str) -> Option<String> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let words: String = text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect();
    let title: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        assert_eq!(disposition_name("attachment; filename=\"a b.mp4\"").as_deref(), Some("a b.mp4"));
        assert_eq!(
            disposition_name("attachment; filename=x; filename*=UTF-8''S%C3%A3o.mp4").as_deref(),
            Some("São.mp4")
        );
    }

    #[test]
    fn titles_are_one_plain_line() {
        assert_eq!(clean_title(" a\n b\u{202e}c ").as_deref(), Some("a b c"));
        assert_eq!(clean_title("\u{0}"), None);
        assert_eq!(clean_title(&"x".repeat(500)).unwrap().len(), 200);
    }
}
