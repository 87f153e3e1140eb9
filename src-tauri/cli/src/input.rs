//! Reading what a person typed: headers and times.

use crate::failure::Failure;
use domain::{Header, UtcTime};
use jiff::civil;
use jiff::{Span, Timestamp, Zoned};

/// Headers given as `Name: value` or as `@FILE` with one a line. Values never stand in an error.
pub fn headers(given: &[String]) -> Result<Vec<Header>, Failure> {
    let mut headers = Vec::new();
    for each in given {
        match each.strip_prefix('@') {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Failure::usage(format!("The header file {file} cannot be read: {error}."))
                })?;
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    headers.push(header(line)?);
                }
            }
            None => headers.push(header(each)?),
        }
    }
    Ok(headers)
}

fn header(line: &str) -> Result<Header, Failure> {
    let wrong = || Failure::usage("A header has the form \"Name: value\", or @FILE with one a line.");
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    let (name, value) = (name.trim(), value.trim());
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(wrong());
    }
    if http::HeaderValue::from_str(value).is_err() {
        return Err(Failure::usage(format!(
            "The value of the header {name} holds a character that headers cannot."
        )));
    }
    Ok(Header { name: name.into(), value: value.into() })
}

/// A moment: RFC 3339, a local date and time, a local time of day (its next occurrence), or `+` and a span.
pub fn time(text: &str, now: &Zoned) -> Result<UtcTime, Failure> {
    let text = text.trim();
    let found = match text.strip_prefix('+') {
        Some(span) => later(span, now),
        None => text.parse::<Timestamp>().ok().or_else(|| moment(text, now)).or_else(|| next(text, now)),
    };
    found.map(|stamp| UtcTime(stamp.as_millisecond())).ok_or_else(|| {
        Failure::usage(format!(
            "\"{text}\" is not a time; write 2026-11-21T22:00:00Z, \"2026-11-21 22:00\", 22:00 or +2h."
        ))
    })
}

fn later(span: &str, now: &Zoned) -> Option<Timestamp> {
    let span: Span = span.trim().parse().ok()?;
    let later = now.checked_add(span).ok()?.timestamp();
    (later >= now.timestamp()).then_some(later)
}

fn moment(text: &str, now: &Zoned) -> Option<Timestamp> {
    let date_and_time = text.parse::<civil::DateTime>().ok()?;
    Some(date_and_time.to_zoned(now.time_zone().clone()).ok()?.timestamp())
}

fn next(text: &str, now: &Zoned) -> Option<Timestamp> {
    let time = text.parse::<civil::Time>().ok()?;
    let today = now.date().to_datetime(time).to_zoned(now.time_zone().clone()).ok()?;
    if today > *now {
        return Some(today.timestamp());
    }
    let tomorrow = now.date().tomorrow().ok()?.to_datetime(time);
    Some(tomorrow.to_zoned(now.time_zone().clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<String> {
        let now = "2026-11-21T21:30:00Z".parse::<Timestamp>().unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        time(text, &now).ok().map(|time| time.to_string())
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("2026-11-21T22:00:00Z", "2026-11-21T22:00:00.000Z"),
            ("2026-11-21T22:00:00+02:00", "2026-11-21T20:00:00.000Z"),
            ("2026-11-21 22:00", "2026-11-21T22:00:00.000Z"),
            ("2026-11-21T22:00", "2026-11-21T22:00:00.000Z"),
            ("22:00", "2026-11-21T22:00:00.000Z"),
            ("21:00", "2026-11-22T21:00:00.000Z"),
            ("+2h", "2026-11-21T23:30:00.000Z"),
            ("+1h30m", "2026-11-21T23:00:00.000Z"),
            ("+90s", "2026-11-21T21:31:30.000Z"),
            ("+2d", "2026-11-23T21:30:00.000Z"),
        ] {
            assert_eq!(at(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "soon", "25:00", "+", "+x", "+-2h", "-2h", "2026-13-01 10:00"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn headers_are_checked_and_never_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headers");
        std::fs::write(&file, "Cookie: a=b; c\n\nReferer: https://x.example/\n").unwrap();
        let given = vec!["X-Token:  s3cret ".to_string(), format!("@{}", file.display())];
        let read = headers(&given).unwrap();
        let pairs: Vec<(&str, &str)> = read.iter().map(|h| (h.name.as_str(), h.value.as_str())).collect();
        assert_eq!(pairs, [("X-Token", "s3cret"), ("Cookie", "a=b; c"), ("Referer", "https://x.example/")]);
        for wrong in ["s3cret", "A B: s3cret", "X: s3cret\u{1}", ": s3cret"] {
            let failure = headers(&[wrong.to_string()]).unwrap_err();
            assert_eq!(failure.code, 2);
            assert!(!failure.error.message.contains("s3cret"), "{}", failure.error.message);
        }
        assert_eq!(headers(&["@/nowhere/at/all".into()]).unwrap_err().code, 2);
    }
}
