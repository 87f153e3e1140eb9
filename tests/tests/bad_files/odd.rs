//! Films and pictures that are right, but of an odd size, rate or make, or claim to be.

use super::{assert_good_clip, clip, refused, through};
use crate::media_files::{Room, ffmpeg};
use domain::ErrorCode::{FileTypeUnsupported, MediaDamaged, MediaTooLarge};
use domain::MediaKind;

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
    png.extend(super::crc32(&png[12..29]).to_be_bytes());
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
