//! What the tests of bad input share: everything done to one file, canaries, and files no muxer would write.

mod damaged;
mod odd;

use crate::media_files::{Room, ffmpeg};
use domain::{ErrorCode, MediaInfo, MediaKind};
use media::pictures::FilmstripInfo;
use media::waveform::Loudness;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// Longest the whole of the work on one bad file may take; a hang is what it catches, not slowness.
const LIMIT: Duration = Duration::from_secs(180);

/// What became of a file. Where `info` is an error, the rest was not tried and stands at the same error.
#[derive(Debug)]
pub struct Outcome {
    pub info: Result<MediaInfo, ErrorCode>,
    pub poster: Result<bool, ErrorCode>,
    pub strip: Result<Option<FilmstripInfo>, ErrorCode>,
    pub waveform: Result<Option<Loudness>, ErrorCode>,
    /// Samples of the sound for speech.
    pub speech: Result<usize, ErrorCode>,
}

/// Does everything to one file, and checks what holds for every file: in time, nothing left in the scratch folder,
/// an output there or not as the answer says, a message that is a sentence and shows no control characters.
pub async fn through(room: &Room, path: &Path) -> Outcome {
    let outcome = tokio::time::timeout(LIMIT, all(room, path)).await;
    let outcome = outcome.unwrap_or_else(|_| panic!("{}: not done after {LIMIT:?}", path.display()));
    assert_eq!(room.left_in_scratch(), [""; 0], "{}", path.display());
    outcome
}

fn code(error: media::MediaError) -> ErrorCode {
    assert!(error.message.ends_with('.') && error.message.len() > 12, "{error:?}");
    assert!(!error.message.chars().any(char::is_control), "{error:?}");
    let internal =
        [ErrorCode::Internal, ErrorCode::ToolFailed, ErrorCode::ToolMissing, ErrorCode::StorageFault];
    assert!(!internal.contains(&error.code), "{error:?}");
    error.code
}

async fn all(room: &Room, path: &Path) -> Outcome {
    let (tools, run) = (&room.tools, &room.run);
    let looked = media::intake::examine(path);
    let info = room.probe(path).await.map_err(code);
    if let Err(error) = looked {
        let error = code(error);
        assert_eq!(info, Err(error), "the first look and the probe disagree");
    }
    let info = match info {
        Ok(info) => info,
        Err(error) => {
            return Outcome {
                info: Err(error),
                poster: Err(error),
                strip: Err(error),
                waveform: Err(error),
                speech: Err(error),
            };
        }
    };
    let out = room.out("bad");
    let there = || {
        let size = std::fs::metadata(&out).map(|about| about.len()).ok();
        let _ = std::fs::remove_file(&out);
        size
    };
    let poster = media::pictures::poster(tools, path, &info, &out, run).await.map_err(code);
    assert_eq!(there().is_some_and(|size| size > 100), poster == Ok(true), "poster: {poster:?}");
    let strip = media::pictures::filmstrip(tools, path, &info, &out, run).await.map_err(code);
    assert_eq!(there().is_some_and(|size| size > 100), matches!(strip, Ok(Some(_))), "filmstrip: {strip:?}");
    let waveform = media::waveform::waveform(tools, path, &info, &out, run).await.map_err(code);
    assert_eq!(there().is_some(), matches!(waveform, Ok(Some(_))), "waveform: {waveform:?}");
    let speech = media::audio::speech_wav(tools, path, &info, &out, run).await.map_err(code);
    let size = there();
    assert_eq!(size.is_some(), speech.is_ok(), "speech: {speech:?}");
    let speech = speech.map(|()| (size.unwrap_or(44) as usize - 44) / 2);
    Outcome { info: Ok(info), poster, strip, waveform, speech }
}

const CLIP: &str = "-f lavfi -i testsrc2=s=160x120:r=10:d=2 -f lavfi -i sine=440:d=2 -c:v libx264 -preset ultrafast \
                    -pix_fmt yuv420p -g 5 -c:a aac";

/// A good clip of two seconds with picture and sound, as bytes.
pub fn clip(room: &Room, name: &str, more: &str) -> Vec<u8> {
    ffmpeg(&format!("{CLIP} {more} {name}"), room.folder.path());
    std::fs::read(room.path(name)).unwrap()
}

/// Checks that everything about [`clip`] came out right.
pub fn assert_good_clip(name: &str, outcome: &Outcome) {
    let info = outcome.info.as_ref().unwrap_or_else(|code| panic!("{name}: {code}"));
    assert_eq!((info.kind, info.has_audio), (MediaKind::Video, true), "{name}");
    assert!((info.duration - 2.0).abs() < 0.2, "{name}: {}", info.duration);
    assert_eq!(outcome.poster, Ok(true), "{name}");
    assert!(matches!(outcome.strip, Ok(Some(_))), "{name}: {:?}", outcome.strip);
    assert!(
        outcome.speech.is_ok_and(|samples| samples.abs_diff(32_000) < 3_200),
        "{name}: {:?}",
        outcome.speech
    );
    let loudness = outcome.waveform.unwrap().unwrap();
    assert!(loudness.integrated.is_some() && loudness.true_peak.is_some(), "{name}: {loudness:?}");
}

/// Checks that a file is refused with one of these codes.
pub async fn refused(room: &Room, name: &str, codes: &[ErrorCode]) {
    let outcome = through(room, &room.path(name)).await;
    match &outcome.info {
        Err(code) if codes.contains(code) => println!("{name}: {code}"),
        other => panic!("{name}: {other:?}, wanted {codes:?}"),
    }
}

/// A file nobody may read and a server nobody may call.
pub struct Canaries {
    pub file: PathBuf,
    /// `http://127.0.0.1:port`
    pub address: String,
    calls: Arc<AtomicUsize>,
    long_ago: SystemTime,
    /// Whether this file system notes that a file was read.
    notes_reading: bool,
}

impl Canaries {
    pub async fn new(room: &Room) -> Canaries {
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let make = |name: &str| {
            let path = room.path(name);
            std::fs::write(&path, "CANARY").unwrap();
            let times = std::fs::FileTimes::new().set_accessed(long_ago);
            std::fs::File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
            path
        };
        let accessed = |path: &Path| std::fs::metadata(path).unwrap().accessed().unwrap();
        let trial = make("trial");
        std::fs::read(&trial).unwrap();
        let notes_reading = accessed(&trial) != long_ago;
        if !notes_reading {
            println!("skipped: canary file (this file system does not note reading)");
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Canaries { file: make("canary.txt"), address, calls, long_ago, notes_reading }
    }

    pub fn assert_untouched(&self) {
        assert_eq!(self.calls.load(Ordering::SeqCst), 0, "somebody called the canary server");
        if self.notes_reading {
            let accessed = std::fs::metadata(&self.file).unwrap().accessed().unwrap();
            assert_eq!(accessed, self.long_ago, "somebody read the canary file");
        }
    }
}

/// The checksum PNG chunks carry.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
    let padding = vec![0; body.len() % 2];
    [name, &(body.len() as u32).to_le_bytes(), body, &padding].concat()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// An AVI with one raw film stream and one text stream, whose only packet holds `inner` as a subtitle file.
pub fn avi_with_gab2(inner: &[u8]) -> Vec<u8> {
    let main = words(&[100_000, 0, 0, 0x10, 1, 0, 2, 0, 16, 16, 0, 0, 0, 0]);
    let header =
        |kind: &[u8; 4]| [&kind[..], b"DIB ", &words(&[0, 0, 0, 1, 10, 0, 1, 0, 0, 0, 0, 0])].concat();
    let picture = words(&[40, 16, 16, 0x0018_0001, 0, 768, 0, 0, 0, 0]);
    let film = chunk(
        b"LIST",
        &[b"strl".to_vec(), chunk(b"strh", &header(b"vids")), chunk(b"strf", &picture)].concat(),
    );
    let text =
        chunk(b"LIST", &[b"strl".to_vec(), chunk(b"strh", &header(b"txts")), chunk(b"strf", b"")].concat());
    let name: Vec<u8> = "x\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let gab2 = [
        b"GAB2\0".to_vec(),
        vec![2, 0],
        words(&[name.len() as u32]),
        name,
        vec![4, 0],
        words(&[inner.len() as u32]),
        inner.to_vec(),
    ]
    .concat();
    let packets = [chunk(b"01tx", &gab2), chunk(b"00db", &[90; 768])].concat();
    let lists = [
        b"AVI ".to_vec(),
        chunk(b"LIST", &[b"hdrl".to_vec(), chunk(b"avih", &main), film, text].concat()),
        chunk(b"LIST", &[b"movi".to_vec(), packets].concat()),
    ];
    chunk(b"RIFF", &lists.concat())
}
