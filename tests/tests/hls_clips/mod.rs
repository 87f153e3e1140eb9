//! Clips made by ffmpeg for the HLS tests, and the check of what became of them.
//!
//! A film of 8 s, 25 pictures a second, in segments of 1 s: 200 pictures. Each second begins with a white flash and a
//! beep at the same moment, so that picture and sound can be seen to stay together.
#![allow(dead_code)]

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    Ts,
    /// The same film, small.
    Small,
    /// Another film of 3 s, whose clock begins at 50 s.
    Other,
    Mp4,
    OtherMp4,
    Mp4Single,
    Picture,
    Sound,
    OtherPicture,
    OtherSound,
    PictureMp4,
    SoundMp4,
}

/// The folder of a shape, with `main.m3u8`; made once and kept in the build folder.
pub fn clip(shape: Shape) -> PathBuf {
    // One at a time: two tests may want the same clip.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(|e| e.into_inner());
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hls-clips-3");
    let folder = root.join(format!("{shape:?}"));
    if folder.join("made").is_file() {
        return folder;
    }
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    make(shape, &folder);
    std::fs::write(folder.join("made"), "").unwrap();
    folder
}

#[allow(clippy::disallowed_methods)]
fn program(name: &str, args: &[&str], dir: &Path) -> std::process::Output {
    let done = Command::new(name).args(args).current_dir(dir).output().unwrap();
    assert!(done.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    done
}

fn make(shape: Shape, folder: &Path) {
    use Shape::*;
    let other = matches!(shape, Other | OtherMp4 | OtherPicture | OtherSound);
    let size = if shape == Small { "96x72" } else { "160x120" };
    let seconds = if other { 3 } else { 8 };
    let background = if other { "darkgreen" } else { "navy" };
    let video = format!(
        "color={background}:size={size}:rate=25:duration={seconds},\
         drawbox=c=white:t=fill:enable='lt(mod(t,1),0.1)',format=yuv420p"
    );
    let sound = format!("aevalsrc='if(lt(mod(t,1),0.1),sin(2*PI*880*t),0)':s=44100:d={seconds}");
    let fragmented = matches!(shape, Mp4 | OtherMp4 | Mp4Single | PictureMp4 | SoundMp4);
    let mut args = vec!["-v", "error", "-nostdin", "-f", "lavfi", "-i", &video, "-f", "lavfi", "-i", &sound];
    if !matches!(shape, Sound | OtherSound | SoundMp4) {
        args.extend([
            "-map",
            "0:v",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-keyint_min",
            "25",
        ]);
        args.extend(["-sc_threshold", "0", "-bf", "2"]);
    }
    if !matches!(shape, Picture | OtherPicture | PictureMp4) {
        args.extend(["-map", "1:a", "-c:a", "aac", "-b:a", "64k"]);
    }
    // Clocks that begin well above zero, as streams' do; else ffmpeg moves each list to zero on its own.
    args.extend(["-output_ts_offset", if other { "50" } else { "10" }]);
    args.extend(["-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_playlist_type", "vod"]);
    if shape == Mp4Single {
        args.extend(["-hls_flags", "single_file"]);
    } else {
        args.extend(["-hls_segment_filename", if fragmented { "seg%d.m4s" } else { "seg%d.ts" }]);
    }
    if fragmented {
        args.extend(["-hls_segment_type", "fmp4"]);
    }
    args.push("main.m3u8");
    program("ffmpeg", &args, folder);
}

/// The same film as DASH, in `main.mpd`.
pub fn dash() -> PathBuf {
    let film = clip(Shape::Mp4Single);
    let folder = film.join("dash");
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(|e| e.into_inner());
    if !folder.join("made").is_file() {
        std::fs::create_dir_all(&folder).unwrap();
        let args = [
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-allowed_extensions",
            "ALL",
            "-i",
            "../main.m3u8",
            "-c",
            "copy",
        ];
        program("ffmpeg", &[&args[..], &["-f", "dash", "-seg_duration", "1", "main.mpd"]].concat(), &folder);
        std::fs::write(folder.join("made"), "").unwrap();
    }
    folder
}

/// The bytes of a shape's segments, in order.
pub fn segments(shape: Shape) -> Vec<Vec<u8>> {
    let folder = clip(shape);
    let names = ["ts", "m4s"].map(|e| (0..).map(move |n| format!("seg{n}.{e}")));
    let [ts, m4s] =
        names.map(|names| names.map_while(|n| std::fs::read(folder.join(n)).ok()).collect::<Vec<_>>());
    if ts.is_empty() { m4s } else { ts }
}

/// The film's sound as packed AAC in eight segments, each with the ID3 tag that tells its time.
pub fn packed_audio() -> Vec<Vec<u8>> {
    let folder = clip(Shape::Sound);
    let all: Vec<u8> = segments(Shape::Sound).concat();
    let joined = folder.join("joined.ts");
    std::fs::write(&joined, all).unwrap();
    program(
        "ffmpeg",
        &["-v", "error", "-y", "-i", "joined.ts", "-c", "copy", "-f", "adts", "sound.aac"],
        &folder,
    );
    let start = probe(&joined, &["-show_entries", "format=start_time"])[0].parse::<f64>().unwrap();
    let sound = std::fs::read(folder.join("sound.aac")).unwrap();
    let mut frames = Vec::new();
    let mut at = 0;
    while at + 7 <= sound.len() {
        let length = usize::from(sound[at + 3] & 3) << 11
            | usize::from(sound[at + 4]) << 3
            | usize::from(sound[at + 5] >> 5);
        frames.push(&sound[at..at + length]);
        at += length;
    }
    let per_segment = frames.len().div_ceil(8);
    let mut time = start;
    let mut made = Vec::new();
    for chunk in frames.chunks(per_segment) {
        let mut segment = b"ID3\x04\x00\x00\x00\x00\x00\x3fPRIV\x00\x00\x00\x35\x00\x00".to_vec();
        segment.extend_from_slice(b"com.apple.streaming.transportStreamTimestamp\0");
        segment.extend_from_slice(&((time * 90_000.0).round() as u64).to_be_bytes());
        chunk.iter().for_each(|frame| segment.extend_from_slice(frame));
        time += chunk.len() as f64 * 1024.0 / 44_100.0;
        made.push(segment);
    }
    made
}

/// AES-128-CBC as HLS has it.
pub fn aes(plain: &[u8], key: [u8; 16], iv: [u8; 16]) -> Vec<u8> {
    cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(plain)
}

pub fn gzip(text: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text"), text).unwrap();
    program("gzip", &["-c", "text"], folder.path()).stdout
}

/// What a fetched film must be.
#[derive(Clone, Copy)]
pub struct Expected {
    seconds: f64,
    pictures: usize,
    size: Option<(u32, u32)>,
    tolerance: f64,
}

pub fn expect(seconds: f64, pictures: usize) -> Expected {
    Expected { seconds, pictures, size: None, tolerance: 0.1 }
}

impl Expected {
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = Some((width, height));
        self
    }

    /// Sound and picture of a part end a little apart, and the next part begins after the later one.
    pub fn parts(mut self, parts: u8) -> Self {
        self.tolerance = 0.1 * f64::from(parts);
        self
    }
}

/// Decodes a film whole and compares: length, one picture and one sound stream, the number of pictures, no complaint of
/// the decoder, flash and beep at the same moments.
pub fn check(path: &Path, expected: Expected) {
    let seconds: f64 = probe(path, &["-show_entries", "format=duration"])[0].parse().unwrap();
    assert!(
        (seconds - expected.seconds).abs() < expected.tolerance,
        "lasts {seconds} s, not {}",
        expected.seconds
    );
    let kinds = probe(path, &["-show_entries", "stream=codec_type"]);
    assert_eq!(kinds, ["video", "audio"]);
    let pictures =
        probe(path, &["-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames"]);
    assert_eq!(pictures[0].parse::<usize>().unwrap(), expected.pictures);
    if let Some((width, height)) = expected.size {
        let size = probe(path, &["-select_streams", "v", "-show_entries", "stream=width,height"]);
        assert_eq!(size, [format!("{width},{height}")]);
    }
    let file = path.to_str().unwrap();
    let decoded = program(
        "ffmpeg",
        &["-v", "warning", "-nostdin", "-i", file, "-f", "null", "-"],
        path.parent().unwrap(),
    );
    assert_eq!(String::from_utf8_lossy(&decoded.stderr), "", "the decoder complains");
    let (flashes, beeps) = (flashes(path), beeps(path));
    assert!(flashes.len() >= expected.seconds as usize - 1, "{flashes:?}");
    assert_eq!(flashes.len(), beeps.len(), "{flashes:?} {beeps:?}");
    for (flash, beep) in flashes.iter().zip(&beeps) {
        assert!((flash - beep).abs() < 0.05, "picture and sound are apart: {flashes:?} {beeps:?}");
    }
}

fn probe(path: &Path, args: &[&str]) -> Vec<String> {
    let file = path.to_str().unwrap();
    let args = [&["-v", "error", "-of", "csv=p=0"], args, &[file]].concat();
    let said = program("ffprobe", &args, path.parent().unwrap());
    String::from_utf8(said.stdout).unwrap().lines().map(|l| l.trim_end_matches(',').to_owned()).collect()
}

/// Times where the picture turns white.
fn flashes(path: &Path) -> Vec<f64> {
    let filter = format!("movie='{}',signalstats", path.to_str().unwrap());
    let args = ["-v", "error", "-f", "lavfi", "-i", &filter, "-show_entries"];
    let said = program(
        "ffprobe",
        &[&args[..], &["frame=pts_time:frame_tags=lavfi.signalstats.YAVG", "-of", "csv=p=0"]].concat(),
        path.parent().unwrap(),
    );
    let text = String::from_utf8(said.stdout).unwrap();
    let levels = text.lines().map(|l| {
        let (time, level) = l.split_once(',').unwrap();
        (time.parse::<f64>().unwrap(), level.trim_end_matches(',').parse::<f64>().unwrap() > 150.0)
    });
    rises(levels)
}

/// Times where a beep begins.
fn beeps(path: &Path) -> Vec<f64> {
    let file = path.to_str().unwrap();
    let levels = "astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.Overall.RMS_level:file=-";
    let args = ["-v", "error", "-nostdin", "-i", file, "-map", "0:a", "-af", levels, "-f", "null", "-"];
    let said = program("ffmpeg", &args, path.parent().unwrap());
    let text = String::from_utf8(said.stdout).unwrap();
    let mut lines = text.lines();
    let levels = std::iter::from_fn(|| {
        let time = lines.next()?.rsplit_once("pts_time:")?.1.trim().parse().unwrap();
        let level = lines.next()?.rsplit_once('=')?.1;
        Some((time, level.parse::<f64>().is_ok_and(|l| l > -20.0)))
    });
    rises(levels)
}

fn rises(levels: impl Iterator<Item = (f64, bool)>) -> Vec<f64> {
    let mut before = false;
    let mut times = Vec::new();
    for (time, high) in levels {
        if high && !before {
            times.push(time);
        }
        before = high;
    }
    times
}
