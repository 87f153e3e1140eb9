//! Bad, odd and hostile input at the level of media: each ends in a clear code or a right result, within its time,
//! with nothing left in the scratch folder, no partial file, no other file read and no connection made.

mod bad_files;
mod media_files;

use bad_files::{Canaries, Outcome, through};
use domain::ErrorCode::{
    self, FileEmpty, FileNotFound, FileTypeUnsupported, FileUnreadable, MediaDamaged, MediaTooLarge,
    NotAFile, PlaylistLocal,
};
use domain::MediaKind;
use media_files::{Room, ffmpeg};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

const CLIP: &str = "-f lavfi -i testsrc2=s=160x120:r=10:d=2 -f lavfi -i sine=440:d=2 -c:v libx264 -preset ultrafast \
                    -pix_fmt yuv420p -g 5 -c:a aac";

/// A good clip of two seconds with picture and sound, as bytes.
fn clip(room: &Room, name: &str, more: &str) -> Vec<u8> {
    ffmpeg(&format!("{CLIP} {more} {name}"), room.folder.path());
    std::fs::read(room.path(name)).unwrap()
}

fn assert_good_clip(name: &str, outcome: &Outcome) {
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

async fn refused(room: &Room, name: &str, codes: &[ErrorCode]) {
    let outcome = through(room, &room.path(name)).await;
    match &outcome.info {
        Err(code) if codes.contains(code) => println!("{name}: {code}"),
        other => panic!("{name}: {other:?}, wanted {codes:?}"),
    }
}

#[tokio::test]
async fn strange_names_change_nothing() {
    let room = Room::new().await;
    let good = clip(&room, "good.mp4", "");
    let names: Vec<OsString> = [
        "it's \"quoted\".mp4",
        "two\nlines.mp4",
        "-i",
        "-f lavfi -i testsrc.mp4",
        "--exec=calc.mp4",
        ";rm -rf ~.mp4",
        "$(id).mp4",
        "`id`.mp4",
        "a|b&c>d<e.mp4",
        "concat:a.mp4|b.mp4",
        "file:x.mp4",
        "http:x.mp4",
        "pipe:0",
        "subfile,,start,0,end,9,,:x.mp4",
        "%d%s%03d.mp4",
        "*?[a]{b}.mp4",
        " leading and trailing ",
        "\u{202e}4pm.harmless.mp4",
        "日本語🎬é.mp4",
        "back\\slash.mp4",
        "no extension",
        "song.m3u8",
        "CON.mp4.",
    ]
    .into_iter()
    .map(OsString::from)
    .chain([OsStr::from_bytes(b"not \xff\xfe utf-8.mp4").to_owned(), "x".repeat(255).into()])
    .collect();
    for name in names {
        let path = room.folder.path().join(&name);
        std::fs::write(&path, &good).unwrap();
        assert_good_clip(&name.to_string_lossy(), &through(&room, &path).await);
        std::fs::remove_file(&path).unwrap();
    }
    // A still picture whose name is a pattern, beside a file the pattern would find.
    ffmpeg("-f lavfi -i color=red:s=64x48 -frames:v 1 red.jpg", room.folder.path());
    ffmpeg("-f lavfi -i color=blue:s=32x32 -frames:v 1 -update 1 picture1.jpg", room.folder.path());
    std::fs::rename(room.path("red.jpg"), room.path("picture%d.jpg")).unwrap();
    let outcome = through(&room, &room.path("picture%d.jpg")).await;
    assert_eq!(outcome.info.unwrap().width, Some(64));
    assert_eq!(outcome.poster, Ok(true));
    // An output in a folder whose name is a pattern.
    let folder = room.path("100%d done");
    std::fs::create_dir(&folder).unwrap();
    let info = room.probe(&room.path("good.mp4")).await.unwrap();
    let out = folder.join("poster.jpg");
    assert!(
        media::pictures::poster(&room.tools, &room.path("good.mp4"), &info, &out, &room.run).await.unwrap()
    );
    assert!(out.metadata().unwrap().len() > 500);
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused() {
    let room = Room::new().await;
    clip(&room, "good.mp4", "");
    let dir = room.folder.path();
    symlink("good.mp4", room.path("link.mp4")).unwrap();
    assert_good_clip("link.mp4", &through(&room, &room.path("link.mp4")).await);
    symlink("nowhere.mp4", room.path("dangling.mp4")).unwrap();
    refused(&room, "dangling.mp4", &[FileNotFound]).await;
    symlink("loop2.mp4", room.path("loop1.mp4")).unwrap();
    symlink("loop1.mp4", room.path("loop2.mp4")).unwrap();
    refused(&room, "loop1.mp4", &[FileNotFound]).await;
    media_files::command("mkfifo", &["fifo.mp4"], dir);
    refused(&room, "fifo.mp4", &[NotAFile]).await;
    symlink("fifo.mp4", room.path("link to fifo.mp4")).unwrap();
    refused(&room, "link to fifo.mp4", &[NotAFile]).await;
    let _socket = std::os::unix::net::UnixListener::bind(room.path("socket.mp4")).unwrap();
    refused(&room, "socket.mp4", &[NotAFile]).await;
    std::fs::create_dir(room.path("folder.mp4")).unwrap();
    refused(&room, "folder.mp4", &[NotAFile]).await;
    for device in ["/dev/zero", "/dev/null", "/dev/tty"] {
        refused(&room, device, &[NotAFile, FileNotFound, FileUnreadable]).await;
    }
    refused(&room, "missing.mp4", &[FileNotFound]).await;
    refused(&room, "good.mp4/inside.mp4", &[FileNotFound]).await;
    refused(&room, &"long".repeat(1000), &[FileNotFound]).await;
    refused(&room, "zero\0byte.mp4", &[FileNotFound]).await;
    // Says 0 bytes, has some.
    refused(&room, "/proc/version", &[FileTypeUnsupported, FileEmpty]).await;
    std::fs::copy(room.path("good.mp4"), room.path("secret.mp4")).unwrap();
    std::fs::set_permissions(room.path("secret.mp4"), std::os::unix::fs::PermissionsExt::from_mode(0))
        .unwrap();
    if std::fs::File::open(room.path("secret.mp4")).is_ok() {
        println!("skipped: unreadable file (this user may read everything)");
    } else {
        refused(&room, "secret.mp4", &[FileUnreadable]).await;
    }
}

#[tokio::test]
async fn files_that_go_or_change_in_between() {
    let room = Room::new().await;
    let good = clip(&room, "good.mp4", "");
    let info = room.probe(&room.path("good.mp4")).await.unwrap();
    let each = async |wanted: ErrorCode| {
        let (path, out) = (room.path("good.mp4"), room.out("out"));
        let tools = &room.tools;
        let codes = [
            media::probe::probe(tools, &path, &room.run).await.unwrap_err().code,
            media::pictures::poster(tools, &path, &info, &out, &room.run).await.unwrap_err().code,
            media::pictures::filmstrip(tools, &path, &info, &out, &room.run).await.unwrap_err().code,
            media::waveform::waveform(tools, &path, &info, &out, &room.run).await.unwrap_err().code,
            media::audio::speech_wav(tools, &path, &info, &out, &room.run).await.unwrap_err().code,
        ];
        assert!(codes.iter().all(|code| *code == wanted), "{codes:?}, wanted {wanted}");
        assert!(!out.exists());
        assert_eq!(room.left_in_scratch(), [""; 0]);
    };
    std::fs::remove_file(room.path("good.mp4")).unwrap();
    each(FileNotFound).await;
    std::fs::write(room.path("good.mp4"), "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n").unwrap();
    each(PlaylistLocal).await;
    std::fs::write(room.path("good.mp4"), "").unwrap();
    each(FileEmpty).await;
    // Another film in its place, cut short: what cannot be decoded is said to be damaged.
    std::fs::write(room.path("good.mp4"), &good[..200]).unwrap();
    each(MediaDamaged).await;
    // The scratch folder is gone.
    std::fs::write(room.path("good.mp4"), &good).unwrap();
    let lost = media::Run::quiet(room.path("no such scratch"));
    let error =
        media::pictures::poster(&room.tools, &room.path("good.mp4"), &info, &room.out("x"), &lost).await;
    assert_eq!(error.unwrap_err().code, ErrorCode::StorageFault);
    // Cancelled before and while.
    let cancelled = media::Run::quiet(&room.run.scratch);
    cancelled.cancel.cancel();
    let error = media::probe::probe(&room.tools, &room.path("good.mp4"), &cancelled).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
}

#[tokio::test]
async fn cancel_in_the_middle_leaves_nothing() {
    let room = Room::new().await;
    let dir = room.folder.path();
    // An hour of sound: no machine is through it before the cancel.
    ffmpeg("-f lavfi -i anullsrc=r=48000:cl=stereo -t 3600 -c:a pcm_s16le hour.wav", dir);
    let info = room.probe(&room.path("hour.wav")).await.unwrap();
    for what in ["waveform", "speech"] {
        let out = room.out(what);
        let run = media::Run::quiet(&room.run.scratch);
        let (cancel, path) = (run.cancel.clone(), room.path("hour.wav"));
        let work = async {
            if what == "waveform" {
                media::waveform::waveform(&room.tools, &path, &info, &out, &run).await.map(|_| ())
            } else {
                media::audio::speech_wav(&room.tools, &path, &info, &out, &run).await
            }
        };
        let stop = async {
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            cancel.cancel();
            std::time::Instant::now()
        };
        let (done, stopped) = tokio::join!(work, stop);
        assert_eq!(done.unwrap_err().code, ErrorCode::Cancelled, "{what}");
        assert!(stopped.elapsed().as_secs_f64() < 2.0, "{what}: {:?}", stopped.elapsed());
        assert!(!out.exists(), "{what}");
    }
    assert_eq!(room.left_in_scratch(), [""; 0]);
}

#[tokio::test]
async fn damaged_films() {
    let room = Room::new().await;
    let write = |name: &str, bytes: &[u8]| std::fs::write(room.path(name), bytes).unwrap();
    write("empty.mp4", b"");
    refused(&room, "empty.mp4", &[FileEmpty]).await;
    let plain = clip(&room, "plain.mp4", "");
    write("no index.mp4", &plain[..plain.len() * 2 / 3]);
    refused(&room, "no index.mp4", &[MediaDamaged]).await;
    write("type only.mp4", &plain[..32]);
    refused(&room, "type only.mp4", &[MediaDamaged]).await;
    write("huge index.mp4", &[&[0x7f, 0xff, 0xff, 0xff], &b"moov"[..], &[0; 100]].concat());
    refused(&room, "huge index.mp4", &[MediaDamaged, FileTypeUnsupported]).await;

    // Cut, but with the index in front: what is there is shown and heard.
    let fast = clip(&room, "fast.mp4", "-movflags +faststart");
    write("cut.mp4", &fast[..fast.len() * 2 / 3]);
    let outcome = through(&room, &room.path("cut.mp4")).await;
    assert!(outcome.info.is_ok() && outcome.poster == Ok(true), "{outcome:?}");
    assert!(outcome.speech.is_ok_and(|samples| samples > 8_000), "{:?}", outcome.speech);
    for name in ["cut.mkv", "cut.ts", "cut.avi", "cut.webm"] {
        let more = if name.ends_with("webm") { "-c:v libvpx -deadline realtime -c:a libvorbis" } else { "" };
        let whole = clip(&room, name, more);
        write(name, &whole[..whole.len() * 2 / 3]);
        let outcome = through(&room, &room.path(name)).await;
        assert!(outcome.info.is_ok() && outcome.poster == Ok(true), "{name}: {outcome:?}");
        assert!(outcome.speech.is_ok_and(|samples| samples > 8_000), "{name}: {:?}", outcome.speech);
        assert!(matches!(outcome.waveform, Ok(Some(_))), "{name}: {:?}", outcome.waveform);
        write(name, &whole[..whole.len().min(60)]);
        let outcome = through(&room, &room.path(name)).await;
        assert!(
            matches!(outcome.info, Err(MediaDamaged | FileTypeUnsupported)),
            "{name}: {:?}",
            outcome.info
        );
    }

    // Noise over the pictures: ends one way or the other, and says so.
    let mut noisy = fast.clone();
    let from = noisy.len() / 3;
    for (n, byte) in noisy[from..].iter_mut().enumerate().step_by(7) {
        *byte = (n * 31) as u8;
    }
    write("noisy.mp4", &noisy);
    let outcome = through(&room, &room.path("noisy.mp4")).await;
    assert!(outcome.info.is_ok(), "{:?}", outcome.info);
    // Noise over everything but the first bytes.
    let mut rubbish = plain.clone();
    rubbish[40..].iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * n >> 3) as u8);
    write("rubbish.mp4", &rubbish);
    refused(&room, "rubbish.mp4", &[MediaDamaged]).await;
    write("garbage first.ts", &[vec![0x11; 77], clip(&room, "whole.ts", "")].concat());
    assert_good_clip("garbage first.ts", &through(&room, &room.path("garbage first.ts")).await);
}

#[tokio::test]
async fn damaged_and_odd_sounds() {
    let room = Room::new().await;
    let dir = room.folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(room.path(name), bytes).unwrap();
    ffmpeg("-f lavfi -i sine=440:d=2 -c:a libmp3lame a.mp3", dir);
    let mp3 = std::fs::read(room.path("a.mp3")).unwrap();
    write("cut.mp3", &mp3[..mp3.len() / 2]);
    let outcome = through(&room, &room.path("cut.mp3")).await;
    assert!(outcome.speech.is_ok_and(|samples| (8_000..24_000).contains(&samples)), "{outcome:?}");
    write("padded.mp3", &[vec![0; 3000], mp3.clone()].concat());
    assert!(through(&room, &room.path("padded.mp3")).await.speech.is_ok());
    std::fs::copy(room.path("a.mp3"), room.path("sound.mp4")).unwrap();
    let outcome = through(&room, &room.path("sound.mp4")).await;
    assert_eq!(outcome.info.unwrap().kind, MediaKind::Audio);

    ffmpeg("-f lavfi -i sine=440:d=1 -c:a pcm_s16le -fflags +bitexact a.wav", dir);
    let wav = std::fs::read(room.path("a.wav")).unwrap();
    assert_eq!(&wav[36..40], b"data");
    let with_size = |size: u32, bytes: &[u8]| [&wav[..40], &size.to_le_bytes(), bytes].concat();
    write("no samples.wav", &with_size(0, &[]));
    let outcome = through(&room, &room.path("no samples.wav")).await;
    match &outcome.info {
        Err(code) => assert_eq!(*code, MediaDamaged),
        Ok(info) => {
            assert!(info.duration < 0.01 && outcome.speech.is_ok_and(|samples| samples == 0), "{outcome:?}")
        }
    }
    write("header cut.wav", &wav[..20]);
    refused(&room, "header cut.wav", &[MediaDamaged]).await;
    write("endless.wav", &with_size(u32::MAX, &wav[44..]));
    let outcome = through(&room, &room.path("endless.wav")).await;
    assert!(outcome.speech.is_ok_and(|samples| samples.abs_diff(16_000) < 800), "{outcome:?}");
    write("too long.wav", &with_size(10_000_000, &wav[44..]));
    let outcome = through(&room, &room.path("too long.wav")).await;
    assert!(outcome.speech.is_ok_and(|samples| samples.abs_diff(16_000) < 800), "{outcome:?}");

    for (name, source, channels, rate, samples) in [
        ("short.wav", "sine=440:d=0.01:r=44100", 1, 44_100, 160),
        ("eight.wav", "aevalsrc=sin(2000*t)|0|0|0|0|0|0|sin(3000*t):c=7.1:s=48000:d=1", 8, 48_000, 16_000),
        ("three.flac", "aevalsrc=sin(2000*t)|0|0:c=3.0:s=48000:d=1", 3, 48_000, 16_000),
        ("fine.wav", "sine=440:d=1:r=192000", 1, 192_000, 16_000),
        ("coarse.wav", "sine=440:d=1:r=8000", 1, 8_000, 16_000),
    ] {
        ffmpeg(&format!("-f lavfi -i {source} {name}"), dir);
        let outcome = through(&room, &room.path(name)).await;
        let info = outcome.info.as_ref().unwrap();
        assert_eq!(
            (info.streams[0].channels, info.streams[0].sample_rate),
            (Some(channels), Some(rate)),
            "{name}"
        );
        assert!(
            outcome.speech.is_ok_and(|heard| heard.abs_diff(samples) < 40),
            "{name}: {:?}",
            outcome.speech
        );
        let loudness = outcome.waveform.unwrap().unwrap();
        assert!(loudness.true_peak.is_some_and(|peak| peak > -30.0), "{name}: {loudness:?}");
        assert_eq!(loudness.integrated.is_some(), samples > 6_400, "{name}: {loudness:?}");
    }
    ffmpeg("-f lavfi -i anullsrc=r=44100:cl=stereo -t 1 silent.flac", dir);
    let outcome = through(&room, &room.path("silent.flac")).await;
    let loudness = outcome.waveform.unwrap().unwrap();
    assert_eq!((loudness.integrated, loudness.true_peak), (None, None));

    for (name, codec) in [("a.flac", "flac"), ("a.ogg", "libvorbis"), ("a.opus", "libopus")] {
        ffmpeg(&format!("-i a.wav -c:a {codec} {name}"), dir);
        let whole = std::fs::read(room.path(name)).unwrap();
        write(name, &whole[..40]);
        refused(&room, name, &[MediaDamaged, FileTypeUnsupported]).await;
    }
    // A picture in an ID3 tag and no sound after it.
    ffmpeg("-f lavfi -i color=red:s=64x64 -frames:v 1 cover.jpg", dir);
    ffmpeg("-i a.mp3 -i cover.jpg -map 0 -map 1 -c copy -disposition:v attached_pic song.mp3", dir);
    let song = std::fs::read(room.path("song.mp3")).unwrap();
    let tag = song[6..10].iter().fold(0, |size, byte| size << 7 | usize::from(*byte)) + 10;
    write("cover only.mp3", &song[..tag]);
    refused(&room, "cover only.mp3", &[FileTypeUnsupported, MediaDamaged]).await;
}

#[tokio::test]
async fn odd_films() {
    let room = Room::new().await;
    let dir = room.folder.path();
    let make = |line: &str| ffmpeg(line, dir);
    make("-f lavfi -i testsrc2=s=160x120:r=10:d=2 -c:v mpeg4 mute.mp4");
    let outcome = through(&room, &room.path("mute.mp4")).await;
    assert_eq!((outcome.poster, outcome.waveform), (Ok(true), Ok(None)));
    assert_eq!(outcome.speech, Err(FileTypeUnsupported), "no sound");

    make("-f lavfi -i testsrc2=s=160x120:r=25 -frames:v 1 -c:v libx264 -preset ultrafast one.mp4");
    let outcome = through(&room, &room.path("one.mp4")).await;
    assert_eq!((outcome.poster, outcome.strip.unwrap().unwrap().count), (Ok(true), 1));

    for (name, size, codec) in [
        ("odd.mkv", "321x241", "ffv1"),
        ("tiny.mkv", "2x2", "ffv1"),
        ("pixel.mkv", "1x1", "ffv1"),
        ("tall.mkv", "16x2000", "ffv1"),
        ("flat.mkv", "2000x8", "ffv1"),
    ] {
        make(&format!("-f lavfi -i color=white:s={size}:r=10:d=1,format=gray -c:v {codec} {name}"));
        let outcome = through(&room, &room.path(name)).await;
        let info = outcome.info.as_ref().unwrap();
        assert_eq!(format!("{}x{}", info.width.unwrap(), info.height.unwrap()), size);
        assert_eq!(outcome.poster, Ok(true), "{name}");
        assert!(matches!(outcome.strip, Ok(Some(_))), "{name}: {:?}", outcome.strip);
    }

    // Frame rates that cannot be: a raw film says what we like in its first line.
    let frame = [&b"FRAME\n"[..], &[128; 6]].concat();
    for rate in ["0:0", "0:1", "1:0", "1000000000:1", "1:1000000000"] {
        let head = format!("YUV4MPEG2 W2 H2 F{rate} Ip A1:1 C420jpeg\n");
        std::fs::write(room.path("rate.y4m"), [head.as_bytes(), &frame.repeat(3)].concat()).unwrap();
        let outcome = through(&room, &room.path("rate.y4m")).await;
        match outcome.info {
            Ok(info) => {
                assert!(info.frame_rate.is_none_or(|rate| rate <= 1000.0) && info.duration.is_finite())
            }
            Err(code) => {
                assert!([MediaDamaged, FileTypeUnsupported, MediaTooLarge].contains(&code), "{rate}: {code}")
            }
        }
    }
    let head = "YUV4MPEG2 W65535 H65535 F25:1 Ip A1:1 C420jpeg\n";
    std::fs::write(room.path("large.y4m"), [head.as_bytes(), &frame].concat()).unwrap();
    refused(&room, "large.y4m", &[MediaTooLarge, MediaDamaged]).await;

    std::fs::write(room.path("a.srt"), "1\n00:00:00,000 --> 00:00:01,000\nHello\n").unwrap();
    refused(&room, "a.srt", &[FileTypeUnsupported]).await;
    make("-i a.srt -c:s srt words.mkv");
    refused(&room, "words.mkv", &[FileTypeUnsupported]).await;

    make(&format!(
        "-f lavfi -i anullsrc=r=8000:cl=mono -t 1 {} -c:a pcm_mulaw many.mkv",
        "-map 0 ".repeat(120)
    ));
    refused(&room, "many.mkv", &[MediaTooLarge]).await;
    make(&format!("-f lavfi -i sine=440:d=1:r=8000 {} -c:a pcm_mulaw forty.mkv", "-map 0 ".repeat(40)));
    let outcome = through(&room, &room.path("forty.mkv")).await;
    assert_eq!(outcome.info.as_ref().unwrap().streams.len(), 40);
    assert!(outcome.speech.is_ok_and(|samples| samples.abs_diff(16_000) < 400));

    // Live recordings say no duration.
    let live = clip(&room, "live.mkv", "-live 1");
    assert!(!live.is_empty());
    let outcome = through(&room, &room.path("live.mkv")).await;
    assert_good_clip("live.mkv", &outcome);
}

#[tokio::test]
async fn pictures_of_all_sorts() {
    let room = Room::new().await;
    let dir = room.folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(room.path(name), bytes).unwrap();
    // A PNG of 65535 × 65535 that is only a header and a little data.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x06\0\0\0".to_vec();
    png.extend(bad_files::crc32(&png[12..29]).to_be_bytes());
    png.extend(b"\0\0\0\x0aIDAT\x78\x9c\x63\x60\0\0\0\x02\0\x01");
    write("bomb.png", &png);
    refused(&room, "bomb.png", &[MediaTooLarge]).await;
    ffmpeg("-f lavfi -i testsrc2=s=160x120 -frames:v 1 a.jpg", dir);
    let jpg = std::fs::read(room.path("a.jpg")).unwrap();
    let frame = jpg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let mut large = jpg.clone();
    large[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    write("large.jpg", &large);
    refused(&room, "large.jpg", &[MediaTooLarge, MediaDamaged]).await;
    write("cut.jpg", &jpg[..jpg.len() / 2]);
    let outcome = through(&room, &room.path("cut.jpg")).await;
    assert!(outcome.info.is_ok(), "{outcome:?}");
    write("head.jpg", &jpg[..10]);
    refused(&room, "head.jpg", &[MediaDamaged]).await;
    // Held on its side: Exif orientation 6.
    let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    write("held.jpg", &[&jpg[..2], exif, &jpg[2..]].concat());
    let outcome = through(&room, &room.path("held.jpg")).await;
    let info = outcome.info.unwrap();
    assert_eq!((info.width, info.height, outcome.poster), (Some(120), Some(160), Ok(true)));

    ffmpeg("-f lavfi -i testsrc2=s=160x120:r=10:d=1 moving.gif", dir);
    let outcome = through(&room, &room.path("moving.gif")).await;
    assert_eq!(outcome.info.as_ref().unwrap().kind, MediaKind::Video);
    assert!(outcome.strip.unwrap().is_some());
    write("head.gif", b"GIF89a\x10\0\x10\0\0\0\0;");
    refused(&room, "head.gif", &[MediaDamaged]).await;
    ffmpeg("-f lavfi -i testsrc2=s=160x120:r=10:d=1 -f apng moving.png", dir);
    assert!(through(&room, &room.path("moving.png")).await.info.is_ok());
    ffmpeg("-f lavfi -i testsrc2=s=160x120:r=10:d=1 -c:v libwebp_anim moving.webp", dir);
    let outcome = through(&room, &room.path("moving.webp")).await;
    // ffmpeg learnt to decode these late: then it is a film, before that it is refused.
    assert!(matches!(outcome.info, Ok(_) | Err(FileTypeUnsupported)), "{outcome:?}");
    ffmpeg("-f lavfi -i color=white@0.0:s=64x64,format=rgba -frames:v 1 clear.png", dir);
    assert_eq!(through(&room, &room.path("clear.png")).await.poster, Ok(true));
    ffmpeg("-loop 1 -i a.jpg -t 1 -r 1 -c:v libx264 -preset ultrafast still.mp4", dir);
    assert_eq!(through(&room, &room.path("still.mp4")).await.poster, Ok(true));
}

#[tokio::test]
async fn what_is_not_media_is_refused_by_name() {
    let room = Room::new().await;
    let zeros = vec![0; 100_000];
    let noise: Vec<u8> =
        (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x7f).collect();
    let tar = [vec![b'x'; 257], b"ustar\0".to_vec(), vec![0; 300]].concat();
    for (name, bytes) in [
        ("text.mp4", &b"This is not a film.\n"[..]),
        ("page.mp4", b"<!DOCTYPE html><html><video src='http://127.0.0.1/x'></video></html>"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"),
        ("drawing.png", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        ("words.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHi\n"),
        ("words.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nHi\n"),
        ("words.ass", b"[Script Info]\nScriptType: v4.00+\n"),
        ("paper.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"),
        ("archive.mp4", b"PK\x03\x04\x14\0\0\0\x08\0abcdefghijklmnop"),
        ("archive.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc"),
        ("archive.tar", &tar),
        ("program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>\0"),
        ("program.exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"),
        ("script.sh", b"#!/bin/sh\nrm -rf /\n"),
        ("table.db", b"SQLite format 3\0\x10\0\x01\x01\0"),
        ("zeros.mp4", &zeros),
        ("noise.mp4", &noise),
        ("one byte.mp3", b"\xff"),
        ("metadata.mp4", b";FFMETADATA1\ntitle=x\n"),
        ("options.mp4", b"-f lavfi -i testsrc\n"),
    ] {
        std::fs::write(room.path(name), bytes).unwrap();
        refused(&room, name, &[FileTypeUnsupported]).await;
    }
}

#[tokio::test]
async fn playlists_read_nothing_and_reach_nothing() {
    let room = Room::new().await;
    let canaries = Canaries::new(&room).await;
    let (file, http) = (canaries.file.display().to_string(), &canaries.address);
    let m3u8 = |uri: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{uri}\n#EXT-X-ENDLIST\n");
    let key = format!("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"file://{file}\"\n#EXTINF:9,\n{http}/a.ts\n");
    let map = format!("#EXTM3U\n#EXT-X-MAP:URI=\"{http}/init\"\n#EXTINF:9,\n{file}\n#EXT-X-ENDLIST\n");
    let master = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{http}/child.m3u8\n");
    let wide: Vec<u8> = m3u8(http).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let texts: Vec<(&str, String)> = vec![
        ("list.m3u8", m3u8(&format!("file://{file}"))),
        ("renamed.mp4", m3u8(&file)),
        ("renamed.avi", m3u8(http)),
        ("remote.m3u8", m3u8(http)),
        ("concat.m3u8", m3u8(&format!("concat:{http}/h.m3u8|file://{file}"))),
        ("subfile.m3u8", m3u8(&format!("subfile,,start,0,end,64,,:{file}"))),
        ("data.m3u8", m3u8("data:text/plain;base64,aGVsbG8=")),
        ("async.m3u8", m3u8(&format!("async:{http}"))),
        ("gopher.m3u8", m3u8("gopher://127.0.0.1:6379/_INFO")),
        ("key.m3u8", key),
        ("map.m3u8", map),
        ("master.m3u8", master),
        ("marked.mp4", format!("\u{feff}{}", m3u8(http))),
        ("blank first.mp4", format!("\n\n  {}", m3u8(&file))),
        ("paths.m3u", format!("{file}\n{http}/a.mp3\n")),
        ("list.ffconcat", format!("ffconcat version 1.0\nfile '{file}'\nfile '{http}/a.mp4'\n")),
        ("concat.mp4", format!("ffconcat version 1.0\nfile '{file}'\n")),
        ("concat.txt", format!("# films\nfile '{file}'\n")),
        (
            "session.sdp",
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n".into(),
        ),
        ("session.mp4", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n".into()),
        ("manifest.mpd", format!("<?xml version='1.0'?>\n<MPD><BaseURL>file://{file}</BaseURL></MPD>")),
        ("manifest.mp4", format!("<MPD type='static'><BaseURL>{http}</BaseURL></MPD>")),
        ("list.asx", format!("<asx version='3.0'><entry><ref href='{http}'/></entry></asx>")),
        ("list.pls", format!("[playlist]\nFile1={http}/a.mp3\nNumberOfEntries=1\n")),
        (
            "list.xspf",
            format!("<?xml version='1.0'?><playlist><track><location>{http}</location></track></playlist>"),
        ),
        ("list.smil", format!("<smil><body><video src='{http}'/></body></smil>")),
    ];
    for (name, text) in &texts {
        std::fs::write(room.path(name), text).unwrap();
        refused(&room, name, &[PlaylistLocal]).await;
    }
    std::fs::write(room.path("wide.mp4"), [&[0xff, 0xfe][..], &wide].concat()).unwrap();
    refused(&room, "wide.mp4", &[PlaylistLocal]).await;

    // ffmpeg looks behind an ID3 tag; so the first bytes are those of a song, and what is probed is a playlist.
    let tag = b"ID3\x04\0\0\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0";
    std::fs::write(room.path("tagged.mp3"), [&tag[..], m3u8(http).as_bytes()].concat()).unwrap();
    refused(&room, "tagged.mp3", &[FileTypeUnsupported, MediaDamaged]).await;
    std::fs::write(
        room.path("tagged.mp4"),
        [&tag[..], b"ffconcat version 1.0\nfile '", file.as_bytes(), b"'\n"].concat(),
    )
    .unwrap();
    refused(&room, "tagged.mp4", &[FileTypeUnsupported, MediaDamaged]).await;
    // A film with subtitles in the GAB2 form, which ffmpeg opens as a file inside the file.
    for inner in
        [m3u8(&format!("file://{file}")), m3u8(http), format!("ffconcat version 1.0\nfile '{file}'\n")]
    {
        std::fs::write(room.path("gab2.avi"), bad_files::avi_with_gab2(inner.as_bytes())).unwrap();
        let outcome = through(&room, &room.path("gab2.avi")).await;
        println!("gab2.avi: {:?}", outcome.info.as_ref().map(|info| info.streams.len()));
    }
    canaries.assert_untouched();
}
