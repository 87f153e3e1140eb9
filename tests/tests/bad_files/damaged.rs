//! Films and sounds that were cut short, overwritten, or say wrong things about themselves.

use super::{assert_good_clip, clip, refused, through};
use crate::media_files::{Room, ffmpeg};
use domain::ErrorCode::{FileEmpty, FileTypeUnsupported, MediaDamaged};
use domain::MediaKind;

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
    rubbish[40..].iter_mut().enumerate().for_each(|(n, byte)| *byte = ((n * n) >> 3) as u8);
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
