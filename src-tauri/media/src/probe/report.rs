//! ffprobe's answer, as it stands in its JSON, and what it says in our words.

use domain::{Stream, StreamKind};
use serde::Deserialize;
use std::collections::HashMap;

/// Frame rates outside of this are a file's mistake: nothing shows a thousand pictures a second.
const FRAME_RATES: std::ops::RangeInclusive<f64> = 0.001..=1000.0;
/// Characters of a title that are kept.
const TITLE: usize = 300;

#[derive(Debug, Deserialize)]
pub(super) struct Report {
    #[serde(default)]
    pub streams: Vec<ReportStream>,
    pub format: ReportFormat,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReportFormat {
    pub format_name: String,
    duration: Option<String>,
    bit_rate: Option<String>,
    #[serde(default)]
    tags: HashMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReportStream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    channels: Option<i64>,
    sample_rate: Option<String>,
    bit_rate: Option<String>,
    duration: Option<String>,
    nb_read_packets: Option<String>,
    #[serde(default)]
    tags: HashMap<String, String>,
    #[serde(default)]
    disposition: HashMap<String, i64>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

fn seconds(text: &Option<String>) -> Option<f64> {
    text.as_ref()?.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0)
}

fn whole(text: &Option<String>) -> Option<u64> {
    text.as_ref()?.parse().ok().filter(|number| *number > 0)
}

/// `30000/1001` or `4:3` as a number; none for `0/0`.
fn fraction(text: &Option<String>, between: char) -> Option<f64> {
    let (above, below) = text.as_ref()?.split_once(between)?;
    let value = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

fn positive(number: Option<i64>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0)
}

fn tag<'a>(tags: &'a HashMap<String, String>, name: &str) -> Option<&'a str> {
    tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Report {
    /// Seconds, from the container or else from its longest stream.
    pub(super) fn duration(&self) -> Option<f64> {
        let longest = self.streams.iter().filter_map(|stream| seconds(&stream.duration)).reduce(f64::max);
        seconds(&self.format.duration).or(longest)
    }

    pub(super) fn bit_rate(&self) -> Option<u64> {
        whole(&self.format.bit_rate)
    }

    /// The container's title, or that of a stream (Ogg keeps it there).
    pub(super) fn title(&self) -> Option<String> {
        let all = std::iter::once(&self.format.tags).chain(self.streams.iter().map(|stream| &stream.tags));
        let title: String = all
            .filter_map(|tags| tag(tags, "title"))
            .find(|title| !title.trim().is_empty())?
            .trim()
            .chars()
            .filter(|character| !character.is_control())
            .take(TITLE)
            .collect();
        Some(title)
    }

    /// HEIF and AVIF are pictures in a container for films.
    pub(super) fn is_still_brand(&self) -> bool {
        let brand = tag(&self.format.tags, "major_brand");
        brand.is_some_and(|brand| ["avif", "heic", "heix", "mif1"].contains(&brand.trim()))
    }

    /// How much wider than high the pixels of a stream are.
    pub(super) fn pixel_aspect(&self, index: u32) -> f64 {
        let stream = self.streams.iter().find(|stream| stream.index == index);
        stream
            .and_then(|stream| fraction(&stream.sample_aspect_ratio, ':'))
            // Beyond this it is a mistake, and a picture of one line.
            .filter(|aspect| (0.05..=20.0).contains(aspect))
            .unwrap_or(1.0)
    }
}

impl ReportStream {
    /// Packets counted; none when there are none, or nobody counted.
    pub(super) fn packets(&self) -> Option<u64> {
        whole(&self.nb_read_packets)
    }

    pub(super) fn describe(&self) -> Stream {
        let kind = match self.codec_type.as_deref() {
            Some("video") => StreamKind::Video,
            Some("audio") => StreamKind::Audio,
            Some("subtitle") => StreamKind::Subtitle,
            _ => StreamKind::Other,
        };
        let is_video = kind == StreamKind::Video;
        let frame_rate = fraction(&self.avg_frame_rate, '/').or_else(|| fraction(&self.r_frame_rate, '/'));
        Stream {
            index: self.index,
            kind,
            codec: self.codec_name.clone().unwrap_or_else(|| "unknown".into()),
            language: tag(&self.tags, "language").filter(|language| *language != "und").map(str::to_owned),
            width: positive(self.width),
            height: positive(self.height),
            rotation: is_video.then(|| self.rotation()),
            frame_rate: frame_rate.filter(|rate| is_video && FRAME_RATES.contains(rate)),
            channels: positive(self.channels),
            sample_rate: whole(&self.sample_rate).and_then(|rate| u32::try_from(rate).ok()),
            bit_rate: whole(&self.bit_rate),
            attached_picture: self.disposition.get("attached_pic") == Some(&1),
        }
    }

    /// ffprobe tells the display matrix in degrees counter-clockwise, from -180 to 180.
    fn rotation(&self) -> u32 {
        let told =
            self.side_data_list.iter().find_map(|data| data.rotation).filter(|degrees| degrees.is_finite());
        let quarters = (-told.unwrap_or(0.0) / 90.0).round() as i64;
        (quarters.rem_euclid(4) * 90) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(streams: &str, format: &str) -> Report {
        serde_json::from_str(&format!(r#"{{"streams":[{streams}],"format":{{"format_name":"x"{format}}}}}"#))
            .unwrap()
    }

    #[test]
    fn absurd_numbers_become_none() {
        let stream = r#"{"index":0,"codec_type":"video","width":0,"height":-3,"avg_frame_rate":"0/0",
            "r_frame_rate":"1000000000/1","sample_aspect_ratio":"1:0","side_data_list":[{},{"rotation":-90}]}"#;
        let report = report(stream, r#","duration":"nan","bit_rate":"-5""#);
        let stream = report.streams[0].describe();
        assert_eq!((stream.width, stream.height, stream.frame_rate), (None, None, None));
        assert_eq!((stream.rotation, report.pixel_aspect(0)), (Some(90), 1.0));
        assert_eq!((report.duration(), report.bit_rate()), (None, None));
    }

    #[test]
    fn titles_are_found_in_streams_and_cleaned() {
        let report = report(r#"{"index":0,"tags":{"TITLE":" A\u0007 song "}}"#, "");
        assert_eq!(report.title().as_deref(), Some("A song"));
    }
}
