//! Makes a playlist as it is found into one `m3u8-rs` reads right.
//!
//! The parser is exact where the web is not: a comma in a title, `TARGETDURATION:10.0`, `METHOD=NONE` without an IV,
//! an empty or unquoted attribute each derail it, and then text becomes addresses. So every line is read here first
//! and written anew: only tags that matter, only attributes that matter, in the quoting the parser wants.
//! Invariant: a line that is no tag comes out as it came in, once.

/// Attributes the parser wants in quotes; all others it wants bare.
const QUOTED: &[&str] = &[
    "URI",
    "KEYFORMAT",
    "CODECS",
    "AUDIO",
    "GROUP-ID",
    "NAME",
    "LANGUAGE",
    "BYTERANGE",
    "SUPPLEMENTAL-CODECS",
];

/// Whether the playlist lists playlists.
pub(super) fn is_master(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("#EXT-X-STREAM-INF"))
}

/// The mended text.
pub(super) fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str("#EXTM3U\n");
    // Several key tags may stand before one segment, one for each key system.
    let mut keys: Vec<Attributes> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|l| !l.is_empty()) {
        let Some(tag) = line.strip_prefix('#') else {
            if let Some(key) = best_key(&keys) {
                push(&mut out, "EXT-X-KEY", key, &["METHOD", "URI", "IV", "KEYFORMAT"]);
            }
            keys.clear();
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        match name {
            "EXTINF" => out.push_str(&format!("#EXTINF:{},\n", seconds(value))),
            "EXT-X-TARGETDURATION" => {
                let whole = seconds(value).parse::<f64>().unwrap_or(0.0).ceil();
                out.push_str(&format!("#{name}:{whole:.0}\n"));
            }
            "EXT-X-MEDIA-SEQUENCE" => out.push_str(&format!("#{name}:{}\n", digits(value))),
            "EXT-X-BYTERANGE" => out.push_str(&format!("#{name}:{}\n", value.trim().trim_matches('"'))),
            "EXT-X-PLAYLIST-TYPE" => out.push_str(&format!("#{name}:{}\n", value.trim())),
            "EXT-X-DISCONTINUITY" | "EXT-X-ENDLIST" | "EXT-X-GAP" | "EXT-X-I-FRAMES-ONLY" => {
                out.push_str(&format!("#{name}\n"));
            }
            "EXT-X-KEY" => keys.push(Attributes::read(value)),
            "EXT-X-MAP" => push(&mut out, name, &Attributes::read(value), &["URI", "BYTERANGE"]),
            "EXT-X-STREAM-INF" => push(
                &mut out,
                name,
                &stream(value),
                &["BANDWIDTH", "RESOLUTION", "CODECS", "AUDIO", "VIDEO-RANGE"],
            ),
            "EXT-X-MEDIA" => {
                let mut media = Attributes::read(value);
                if media.get("TYPE") == Some("AUDIO") {
                    media.default("NAME", "audio");
                    push(
                        &mut out,
                        name,
                        &media,
                        &["TYPE", "GROUP-ID", "NAME", "URI", "LANGUAGE", "DEFAULT", "AUTOSELECT"],
                    );
                }
            }
            _ => {}
        }
    }
    out
}

/// Of several key systems the open one, else the last.
fn best_key(keys: &[Attributes]) -> Option<&Attributes> {
    let open = |key: &&Attributes| {
        matches!(key.get("METHOD"), Some("NONE" | "AES-128"))
            && key.get("KEYFORMAT").is_none_or(|f| f.is_empty() || f == "identity")
    };
    keys.iter().rev().find(open).or(keys.last())
}

/// A stream's attributes, those numbers that the parser insists on made right.
fn stream(value: &str) -> Attributes {
    let mut stream = Attributes::read(value);
    let bandwidth = stream.get("BANDWIDTH").map(digits).unwrap_or_else(|| "0".into());
    stream.set("BANDWIDTH", bandwidth);
    let size = stream.get("RESOLUTION").map(str::to_ascii_lowercase);
    let valid = |s: &str| {
        s.split_once('x').is_some_and(|(w, h)| w.parse::<u64>().is_ok() && h.parse::<u64>().is_ok())
    };
    match size.filter(|s| valid(s)) {
        Some(size) => stream.set("RESOLUTION", size),
        None => stream.remove("RESOLUTION"),
    }
    stream
}

/// The number a value begins with, without sign: `9.009`, `10`, `0`.
fn seconds(value: &str) -> String {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    match value[..end].parse::<f64>() {
        Ok(number) if number.is_finite() => format!("{number:.6}"),
        _ => "0".into(),
    }
}

/// The whole number a value begins with; `0` when there is none that fits.
fn digits(value: &str) -> String {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse::<u64>().unwrap_or(0).to_string()
}

fn push(out: &mut String, name: &str, attributes: &Attributes, keep: &[&str]) {
    let mut parts = Vec::new();
    for key in keep {
        match attributes.get(key) {
            Some(value) if value.is_empty() || value.contains('"') => {}
            Some(value) if QUOTED.contains(key) => parts.push(format!("{key}=\"{value}\"")),
            Some(value) => parts.push(format!("{key}={}", value.replace(',', ""))),
            None => {}
        }
    }
    let unencrypted = name == "EXT-X-KEY" && attributes.get("METHOD") == Some("NONE");
    if unencrypted && attributes.get("IV").is_none() {
        // The parser refuses this tag without one; it is not looked at.
        parts.push("IV=0x0".into());
    }
    out.push_str(&format!("#{name}:{}\n", parts.join(",")));
}

/// `NAME=value,NAME="value"` in order, quotes taken off.
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn read(text: &str) -> Self {
        let mut list = Vec::new();
        let mut rest = text.trim();
        while let Some((name, after)) = rest.split_once('=') {
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => {
                    let (value, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                    (value, next.split_once(',').map_or("", |(_, n)| n))
                }
                None => after.split_once(',').unwrap_or((after, "")),
            };
            list.push((name.trim().to_ascii_uppercase(), value.trim().to_owned()));
            rest = next.trim_start();
        }
        Self(list)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        self.0.push((name.to_owned(), value));
    }

    fn default(&mut self, name: &str, value: &str) {
        if self.get(name).is_none_or(str::is_empty) {
            self.set(name, value.to_owned());
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sloppy_lines_come_out_exact() {
        let mended = mend(
            "\u{feff}#EXTM3U\r\n#EXT-X-TARGETDURATION:9.6\r\n#EXT-X-KEY:METHOD=NONE\r\n# a, comment\r\n\
             #EXTINF:9.009,Title, with, commas\r\n  a.ts \r\n#EXT-X-DATERANGE:ID=\"x\r\n#EXTINF:-1,\nb.ts\n",
        );
        assert_eq!(
            mended,
            "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.009000,\n#EXT-X-KEY:METHOD=NONE,IV=0x0\na.ts\n#EXTINF:0,\nb.ts\n"
        );
    }

    #[test]
    fn attributes_are_quoted_as_the_parser_wants() {
        let mended = mend(
            "#EXTM3U\n#EXT-X-STREAM-INF: PROGRAM-ID=1, RESOLUTION=1280X720, CODECS=\"avc1,mp4a\", AUDIO=\"\", BANDWIDTH=\"12\"\nv\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"x\",URI=\"s\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=a,URI=\"a,b\"\n",
        );
        assert!(
            mended.contains("#EXT-X-STREAM-INF:BANDWIDTH=12,RESOLUTION=1280x720,CODECS=\"avc1,mp4a\"\nv\n"),
            "{mended}"
        );
        assert!(
            mended.contains("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"audio\",URI=\"a,b\"\n"),
            "{mended}"
        );
        assert!(!mended.contains("SUBTITLES"));
    }

    #[test]
    fn of_several_key_systems_the_open_one_is_taken() {
        let mended = mend(
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple\"\n#EXTINF:1,\na\n",
        );
        assert!(mended.contains("METHOD=AES-128,URI=\"k\"") && !mended.contains("skd"));
    }
}
