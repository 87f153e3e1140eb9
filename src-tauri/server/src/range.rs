//! Which bytes of a file a request asks for (RFC 9110, sections 13 and 14).
//!
//! Pure functions of headers and the file's validators.
//! Several ranges at once are answered with the whole file, which the RFC allows and every player understands.

use http::HeaderMap;
use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};

/// What to send of a file of a given length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// 200 with everything.
    Whole,
    /// 206 with the bytes `first..=last`.
    Part { first: u64, last: u64 },
    /// 416: the range lies behind the end.
    Unsatisfiable,
    /// 304: the client has it.
    NotModified,
}

/// The validators of the file as it is now.
pub(crate) struct Validators {
    /// A strong entity tag, quotes included.
    pub(crate) etag: String,
    /// HTTP date of the last change.
    pub(crate) modified: String,
}

/// The answer's shape for a request with `headers`; `head` for HEAD, to which ranges do not apply.
pub(crate) fn slice(headers: &HeaderMap, length: u64, validators: &Validators, head: bool) -> Slice {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(IF_NONE_MATCH), text(IF_MODIFIED_SINCE)) {
        (Some(tags), _) if matches_any(tags, &validators.etag) => return Slice::NotModified,
        (None, Some(date)) if date == validators.modified => return Slice::NotModified,
        _ => {}
    }
    let Some(range) = text(RANGE).filter(|_| !head) else { return Slice::Whole };
    // If-Range: strong comparison of the tag, exact comparison of the date; anything else means "send it whole".
    if let Some(condition) = text(IF_RANGE)
        && condition != validators.etag
        && condition != validators.modified
    {
        return Slice::Whole;
    }
    parse(range, length)
}

fn matches_any(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// One `bytes=` range against a length; what is not understood is as if it were not there.
fn parse(range: &str, length: u64) -> Slice {
    let Some((unit, set)) = range.split_once('=') else { return Slice::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Slice::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Slice::Whole };
    match (number(first), number(last)) {
        (Number::None, Number::Some(count)) => match count.min(length) {
            0 => Slice::Unsatisfiable,
            count => Slice::Part { first: length - count, last: length - 1 },
        },
        (Number::Some(first), Number::None) => part(first, u64::MAX, length),
        (Number::Some(first), Number::Some(last)) if first <= last => part(first, last, length),
        _ => Slice::Whole,
    }
}

fn part(first: u64, last: u64, length: u64) -> Slice {
    if first >= length { Slice::Unsatisfiable } else { Slice::Part { first, last: last.min(length - 1) } }
}

enum Number {
    None,
    Some(u64),
    Invalid,
}

/// Digits only; what is beyond 64 bits is as good as the largest.
fn number(text: &str) -> Number {
    let text = text.trim();
    if text.is_empty() {
        Number::None
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Number::Some(text.parse().unwrap_or(u64::MAX))
    } else {
        Number::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Slice::*;

    fn ask(headers: &[(http::HeaderName, &str)], length: u64, head: bool) -> Slice {
        let validators =
            Validators { etag: "\"a1\"".into(), modified: "Sat, 21 Nov 2026 07:00:00 GMT".into() };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        slice(&headers, length, &validators, head)
    }

    #[test]
    fn the_table_of_ranges() {
        let table: &[(&str, u64, Slice)] = &[
            ("bytes=0-0", 1000, Part { first: 0, last: 0 }),
            ("bytes=0-499", 1000, Part { first: 0, last: 499 }),
            ("bytes=500-", 1000, Part { first: 500, last: 999 }),
            ("bytes=0-", 1000, Part { first: 0, last: 999 }),
            ("bytes=-1", 1000, Part { first: 999, last: 999 }),
            ("bytes=-5000", 1000, Part { first: 0, last: 999 }),
            ("bytes=999-99999999999999999999999", 1000, Part { first: 999, last: 999 }),
            ("Bytes= 1 - 2 ", 1000, Part { first: 1, last: 2 }),
            ("bytes=1000-", 1000, Unsatisfiable),
            ("bytes=99999999999999999999999-", 1000, Unsatisfiable),
            ("bytes=-0", 1000, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-1", 0, Unsatisfiable),
            ("bytes=5-4", 1000, Whole),
            ("bytes=a-b", 1000, Whole),
            ("bytes=-", 1000, Whole),
            ("bytes=+1-2", 1000, Whole),
            ("bytes=", 1000, Whole),
            ("bytes", 1000, Whole),
            ("lines=0-1", 1000, Whole),
            ("bytes=0-1,3-4", 1000, Whole),
        ];
        for (range, length, wanted) in table {
            assert_eq!(ask(&[(RANGE, range)], *length, false), *wanted, "{range} of {length}");
        }
        assert_eq!(ask(&[(RANGE, "bytes=0-1")], 1000, true), Whole, "HEAD knows no range");
        assert_eq!(ask(&[], 0, false), Whole);
    }

    #[test]
    fn conditions_decide_first() {
        let range = (RANGE, "bytes=0-1");
        let part = Part { first: 0, last: 1 };
        assert_eq!(ask(&[range.clone(), (IF_RANGE, "\"a1\"")], 9, false), part);
        assert_eq!(ask(&[range.clone(), (IF_RANGE, "Sat, 21 Nov 2026 07:00:00 GMT")], 9, false), part);
        assert_eq!(ask(&[range.clone(), (IF_RANGE, "\"b2\"")], 9, false), Whole);
        assert_eq!(ask(&[range.clone(), (IF_RANGE, "W/\"a1\"")], 9, false), Whole);
        assert_eq!(ask(&[range.clone(), (IF_NONE_MATCH, "\"x\", W/\"a1\"")], 9, false), NotModified);
        assert_eq!(ask(&[(IF_NONE_MATCH, "*")], 9, true), NotModified);
        assert_eq!(ask(&[(IF_NONE_MATCH, "\"x\"")], 9, false), Whole);
        assert_eq!(ask(&[(IF_MODIFIED_SINCE, "Sat, 21 Nov 2026 07:00:00 GMT")], 9, false), NotModified);
    }
}
