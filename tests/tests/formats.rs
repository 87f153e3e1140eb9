//! Every kind of file people have, through the whole of the local media work: first look, probe, speech sound,
//! poster, filmstrip, waveform and loudness. The files are made here by ffmpeg.
#![allow(clippy::unwrap_used)] // helpers of tests count as tests

mod media_files;

use domain::{MediaInfo, MediaKind, StreamKind};
use media_files::{Room, ffmpeg, first_loud, samples};

/// Three seconds: a moving test picture of 320 × 240 at 25 a second, and a tone from second 1 to second 2.
const PICTURE: &str = "-f lavfi -i testsrc2=s=320x240:r=25:d=3";
const SOUND: &str = r"-f lavfi -i aevalsrc=0.5*sin(2*PI*440*t)*between(t\,1\,2):s=48000:d=3";

/// Name, how it is encoded, and how its sound streams are called by ffmpeg.
const FILMS: &[(&str, &str, &str)] = &[
    ("a.mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac", "aac"),
    (
        "faststart.mp4",
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a libmp3lame -movflags +faststart",
        "mp3",
    ),
    (
        "fragmented.mp4",
        "-c:v libx264 -preset ultrafast -g 25 -c:a aac -movflags frag_keyframe+empty_moov",
        "aac",
    ),
    ("a.mov", "-c:v mjpeg -q:v 5 -pix_fmt yuvj420p -c:a pcm_s16le", "pcm_s16le"),
    ("a.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a flac", "flac"),
    ("a.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis", "vorbis"),
    ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus", "opus"),
    ("a.avi", "-c:v mpeg4 -c:a libmp3lame", "mp3"),
    ("a.ts", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -c:a aac", "aac"),
    ("a.m2ts", "-c:v mpeg2video -c:a ac3", "ac3"),
    ("a.flv", "-c:v flv1 -ar 44100 -c:a libmp3lame", "mp3"),
    ("a.wmv", "-c:v wmv2 -c:a wmav2", "wmav2"),
    ("a.mpg", "-c:v mpeg1video -c:a mp2", "mp2"),
    ("a.ogv", "-c:v libtheora -c:a libvorbis", "vorbis"),
    ("a.3gp", "-c:v mpeg4 -c:a aac", "aac"),
];

const SOUNDS: &[(&str, &str, &str)] = &[
    ("a.mp3", "-c:a libmp3lame", "mp3"),
    ("bare.mp3", "-c:a libmp3lame -write_xing 0 -id3v2_version 0", "mp3"),
    ("a.m4a", "-c:a aac", "aac"),
    ("a.wav", "-c:a pcm_s16le", "pcm_s16le"),
    ("float.wav", "-c:a pcm_f32le", "pcm_f32le"),
    ("a.flac", "-c:a flac", "flac"),
    ("a.ogg", "-c:a libvorbis", "vorbis"),
    ("a.opus", "-c:a libopus", "opus"),
    ("a.aac", "-c:a aac", "aac"),
    ("a.aiff", "-c:a pcm_s16be", "pcm_s16be"),
    ("a.wma", "-c:a wmav2", "wmav2"),
    ("a.ac3", "-c:a ac3", "ac3"),
    ("a.caf", "-c:a pcm_s16le", "pcm_s16le"),
    ("a.mka", "-c:a pcm_s16le", "pcm_s16le"),
    ("a.au", "-c:a pcm_s16be", "pcm_s16be"),
    ("a.w64", "-c:a pcm_s16le", "pcm_s16le"),
];

fn assert_close(what: &str, value: f64, wanted: f64, within: f64) {
    assert!((value - wanted).abs() <= within, "{what}: {value}, wanted {wanted} ± {within}");
}

/// Checks the sound for speech: length, and that the tone is where it was put.
async fn check_speech(room: &Room, name: &str, info: &MediaInfo) {
    let out = room.out("speech.wav");
    media::audio::speech_wav(&room.tools, &room.path(name), info, &out, &room.run).await.unwrap();
    let heard = samples(&out);
    assert_close(&format!("{name}: samples"), heard.len() as f64 / 16_000.0, 3.0, 0.12);
    assert_close(&format!("{name}: tone begins"), first_loud(&heard).unwrap(), 1.0, 0.06);
    let last = heard.iter().rposition(|sample| sample.unsigned_abs() > 1500).unwrap();
    assert_close(&format!("{name}: tone ends"), last as f64 / 16_000.0, 2.0, 0.06);
}

/// Checks the waveform: length, and that its peaks are where the tone was put, at its height; and the loudness.
async fn check_waveform(room: &Room, name: &str, info: &MediaInfo) {
    let out = room.out("waveform.json");
    let loudness =
        media::waveform::waveform(&room.tools, &room.path(name), info, &out, &room.run).await.unwrap();
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(written["version"], 1, "{name}");
    let per_second = written["per_second"].as_f64().unwrap();
    let peaks: Vec<u64> =
        written["peaks"].as_array().unwrap().iter().map(|peak| peak.as_u64().unwrap()).collect();
    assert_close(&format!("{name}: peaks"), peaks.len() as f64 / per_second, 3.0, 0.12);
    let loud = |peak: &&u64| **peak > 60;
    let first = peaks.iter().position(|peak| loud(&peak)).unwrap() as f64 / per_second;
    let last = peaks.iter().rposition(|peak| loud(&peak)).unwrap() as f64 / per_second;
    assert_close(&format!("{name}: peaks begin"), first, 1.0, 0.06);
    assert_close(&format!("{name}: peaks end"), last, 2.0, 0.06);
    let highest = *peaks.iter().max().unwrap() as f64;
    assert_close(&format!("{name}: highest peak"), highest, 127.5, 20.0);
    // A sine of half height in one channel is -9.7 LUFS; the blocks that hold only part of it make that -10.9.
    let loudness = loudness.unwrap();
    assert_close(&format!("{name}: loudness"), loudness.integrated.unwrap(), -10.9, 0.6);
    assert_close(&format!("{name}: true peak"), loudness.true_peak.unwrap(), -6.0, 1.3);
}

/// Width and height of a JPEG, and the mean brightness of its four quarters (top left, top right, bottom left, right).
fn jpeg(room: &Room, path: &std::path::Path) -> (u32, u32, [f64; 4]) {
    let name = path.to_str().unwrap();
    let said = media_files::command(
        "ffprobe",
        &["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", name],
        room.folder.path(),
    );
    let said = String::from_utf8(said).unwrap();
    let mut parts = said.trim().split(',');
    assert_eq!(parts.next(), Some("mjpeg"));
    let (width, height) = (parts.next().unwrap().parse().unwrap(), parts.next().unwrap().parse().unwrap());
    let scaled =
        ["-v", "error", "-i", name, "-vf", "scale=2:2:flags=area,format=gray", "-f", "rawvideo", "-"];
    let pixels = media_files::command("ffmpeg", &scaled, room.folder.path());
    (width, height, std::array::from_fn(|index| f64::from(pixels[index])))
}

/// Checks the poster and the filmstrip: sizes, and that there is something to see.
async fn check_pictures(room: &Room, name: &str, info: &MediaInfo) {
    let (poster, strip) = (room.out("poster.jpg"), room.out("strip.jpg"));
    let path = room.path(name);
    assert!(media::pictures::poster(&room.tools, &path, info, &poster, &room.run).await.unwrap(), "{name}");
    let (width, height, light) = jpeg(room, &poster);
    assert_eq!((width, height), (320, 240), "{name}");
    assert!(light.iter().sum::<f64>() > 200.0, "{name}: {light:?}");
    let made = media::pictures::filmstrip(&room.tools, &path, info, &strip, &room.run).await.unwrap();
    if info.kind == MediaKind::Image {
        assert_eq!((made, strip.exists()), (None, false), "{name}");
        return;
    }
    let made = made.unwrap_or_else(|| panic!("{name}: no filmstrip"));
    assert_eq!((made.width, made.height), (120, 90), "{name}");
    assert!((6..=7).contains(&made.count), "{name}: {}", made.count);
    let (width, height, light) = jpeg(room, &strip);
    assert_eq!((width, height), (120 * made.count, 90), "{name}");
    assert!(light.iter().sum::<f64>() > 200.0, "{name}: {light:?}");
    std::fs::remove_file(&strip).unwrap();
}

#[tokio::test]
async fn films_are_seen_and_heard() {
    let room = Room::new().await;
    for (name, encoding, codec) in FILMS {
        ffmpeg(&format!("{PICTURE} {SOUND} {encoding} {name}"), room.folder.path());
        media::intake::examine(&room.path(name)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let info = room.probe(&room.path(name)).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((info.kind, info.has_audio), (MediaKind::Video, true), "{name}");
        assert_eq!((info.width, info.height), (Some(320), Some(240)), "{name}");
        assert_close(&format!("{name}: duration"), info.duration, 3.0, 0.15);
        assert_close(&format!("{name}: frame rate"), info.frame_rate.unwrap(), 25.0, 0.5);
        assert_eq!(info.size, std::fs::metadata(room.path(name)).unwrap().len(), "{name}");
        let sound = info.streams.iter().find(|stream| stream.kind == StreamKind::Audio).unwrap();
        assert_eq!((sound.codec.as_str(), sound.channels), (*codec, Some(1)), "{name}");
        check_speech(&room, name, &info).await;
        check_waveform(&room, name, &info).await;
        check_pictures(&room, name, &info).await;
    }
    assert_eq!(room.left_in_scratch(), [""; 0]);
}

#[tokio::test]
async fn sounds_are_probed_and_heard() {
    let room = Room::new().await;
    for (name, encoding, codec) in SOUNDS {
        ffmpeg(&format!("{SOUND} {encoding} {name}"), room.folder.path());
        media::intake::examine(&room.path(name)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let info = room.probe(&room.path(name)).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((info.kind, info.has_audio, info.width), (MediaKind::Audio, true, None), "{name}");
        assert_close(&format!("{name}: duration"), info.duration, 3.0, 0.15);
        assert_eq!((info.streams[0].codec.as_str(), info.streams[0].channels), (*codec, Some(1)), "{name}");
        check_speech(&room, name, &info).await;
        check_waveform(&room, name, &info).await;
        let (path, out) = (room.path(name), room.out("none.jpg"));
        assert!(
            !media::pictures::poster(&room.tools, &path, &info, &out, &room.run).await.unwrap(),
            "{name}"
        );
        assert_eq!(
            media::pictures::filmstrip(&room.tools, &path, &info, &out, &room.run).await.unwrap(),
            None
        );
        assert!(!out.exists(), "{name}");
    }
    assert_eq!(room.left_in_scratch(), [""; 0]);
}

#[tokio::test]
async fn pictures_are_seen() {
    let room = Room::new().await;
    let one = "-f lavfi -i testsrc2=s=320x240 -frames:v 1";
    let pictures = ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tiff"];
    for name in pictures {
        ffmpeg(&format!("{one} {name}"), room.folder.path());
        let info = room.probe(&room.path(name)).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((info.kind, info.duration, info.has_audio), (MediaKind::Image, 0.0, false), "{name}");
        assert_eq!((info.width, info.height), (Some(320), Some(240)), "{name}");
        assert_eq!(info.frame_rate, None, "{name}");
        check_pictures(&room, name, &info).await;
        let out = room.out("none.json");
        let none =
            media::waveform::waveform(&room.tools, &room.path(name), &info, &out, &room.run).await.unwrap();
        assert_eq!((none, out.exists()), (None, false), "{name}");
    }
    ffmpeg(&format!("{PICTURE} moving.gif"), room.folder.path());
    let info = room.probe(&room.path("moving.gif")).await.unwrap();
    assert_eq!((info.kind, info.has_audio), (MediaKind::Video, false));
    assert_close("moving.gif: duration", info.duration, 3.0, 0.2);
    check_pictures(&room, "moving.gif", &info).await;
}

#[tokio::test]
async fn turned_films_are_shown_upright() {
    let room = Room::new().await;
    let dir = room.folder.path();
    // White in the top left quarter, black elsewhere.
    let corner = "-f lavfi -i color=black:s=320x240:r=25:d=1 -vf drawbox=0:0:160:120:white:fill";
    ffmpeg(&format!("{corner} -c:v libx264 -preset ultrafast -pix_fmt yuv420p flat.mp4"), dir);
    // The tag's sense is counter-clockwise: the quarter of the upright picture that is white, and its size.
    for (tag, clockwise, white, size) in
        [(0, 0, 0, (320, 240)), (90, 270, 2, (240, 320)), (180, 180, 3, (320, 240)), (270, 90, 1, (240, 320))]
    {
        ffmpeg(&format!("-i flat.mp4 -c copy -metadata:s:v:0 rotate={tag} turned.mp4"), dir);
        let path = room.path("turned.mp4");
        let info = room.probe(&path).await.unwrap();
        assert_eq!((info.width, info.height), (Some(size.0), Some(size.1)), "{tag}");
        assert_eq!(info.streams[0].rotation, Some(clockwise), "{tag}");
        let (poster, strip) = (room.out("poster.jpg"), room.out("strip.jpg"));
        assert!(media::pictures::poster(&room.tools, &path, &info, &poster, &room.run).await.unwrap());
        let (width, height, light) = jpeg(&room, &poster);
        assert_eq!((width, height), size, "{tag}");
        for (quarter, light) in light.iter().enumerate() {
            assert_eq!(*light > 128.0, quarter == white, "{tag}: {light:?}");
        }
        let made =
            media::pictures::filmstrip(&room.tools, &path, &info, &strip, &room.run).await.unwrap().unwrap();
        let wide = (90.0 * f64::from(size.0) / f64::from(size.1)).round() as u32;
        assert_eq!((made.width, made.height), (wide, 90), "{tag}");
    }
    // Pixels that are not square.
    ffmpeg("-f lavfi -i testsrc2=s=352x288:r=25:d=1 -vf setsar=16/11 -c:v mpeg4 wide.mp4", dir);
    let info = room.probe(&room.path("wide.mp4")).await.unwrap();
    assert_eq!((info.width, info.height), (Some(512), Some(288)));
    let poster = room.out("wide.jpg");
    assert!(
        media::pictures::poster(&room.tools, &room.path("wide.mp4"), &info, &poster, &room.run)
            .await
            .unwrap()
    );
    let (width, height, _) = jpeg(&room, &poster);
    assert_eq!((width, height), (512, 288));
}

#[tokio::test]
async fn cover_art_is_the_poster_of_a_song() {
    let room = Room::new().await;
    let dir = room.folder.path();
    ffmpeg("-f lavfi -i color=white:s=200x100 -frames:v 1 cover.png", dir);
    ffmpeg(&format!("{SOUND} -c:a libmp3lame plain.mp3"), dir);
    ffmpeg(&format!("{SOUND} -c:a aac plain.m4a"), dir);
    for (name, from) in [("song.mp3", "plain.mp3"), ("song.m4a", "plain.m4a"), ("song.flac", "plain.m4a")] {
        let codec = if name.ends_with("flac") { "flac" } else { "copy" };
        let cover = "-map 0:a -map 1:v -c:v png -disposition:v attached_pic";
        ffmpeg(&format!("-i {from} -i cover.png {cover} -c:a {codec} -metadata title=Tune {name}"), dir);
        let info = room.probe(&room.path(name)).await.unwrap();
        assert_eq!(
            (info.kind, info.title.as_deref(), info.width),
            (MediaKind::Audio, Some("Tune"), None),
            "{name}"
        );
        let out = room.out("cover.jpg");
        assert!(
            media::pictures::poster(&room.tools, &room.path(name), &info, &out, &room.run).await.unwrap()
        );
        let (width, height, light) = jpeg(&room, &out);
        assert_eq!((width, height), (200, 100), "{name}");
        assert!(light.iter().all(|light| *light > 240.0), "{name}: {light:?}");
        let strip =
            media::pictures::filmstrip(&room.tools, &room.path(name), &info, &out, &room.run).await.unwrap();
        assert_eq!(strip, None, "{name}");
        check_speech(&room, name, &info).await;
    }
}

#[tokio::test]
async fn a_poster_is_not_black_where_there_is_something_to_see() {
    let room = Room::new().await;
    let dir = room.folder.path();
    // One key frame, black; the picture comes after. And a long film that is black for its first 70 of 100 s.
    let fade = "-vf drawbox=enable=lt(t\\,1):c=black:t=fill";
    ffmpeg(&format!("{PICTURE} {fade} -c:v libx264 -preset ultrafast -g 999 -pix_fmt yuv420p fade.mp4"), dir);
    let mostly = "-vf drawbox=enable=lt(t\\,70):c=black:t=fill";
    let long = "-f lavfi -i testsrc2=s=320x240:r=10:d=100";
    ffmpeg(&format!("{long} {mostly} -c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p late.mp4"), dir);
    for name in ["fade.mp4", "late.mp4"] {
        let info = room.probe(&room.path(name)).await.unwrap();
        let out = room.out("poster.jpg");
        assert!(
            media::pictures::poster(&room.tools, &room.path(name), &info, &out, &room.run).await.unwrap()
        );
        let (_, _, light) = jpeg(&room, &out);
        assert!(light.iter().sum::<f64>() > 200.0, "{name}: {light:?}");
    }
}

#[tokio::test]
async fn a_long_film_is_entered_at_key_frames() {
    let room = Room::new().await;
    let dir = room.folder.path();
    // Ever lighter: frame n of the strip must be lighter than the one before.
    let ramp = "-f lavfi -i color=black:s=1920x1080:r=10:d=120 -vf geq=lum=16+T*1.8:cb=128:cr=128";
    let small = ramp.replace("1920x1080", "64x36");
    for name in ["ramp.mp4", "ramp.mkv", "ramp.ts", "ramp.avi"] {
        let codec =
            if name.ends_with("avi") { "mpeg4" } else { "libx264 -preset ultrafast -pix_fmt yuv420p" };
        ffmpeg(&format!("{small},scale=1920:1080:flags=neighbor -c:v {codec} -g 20 {name}"), dir);
        let info = room.probe(&room.path(name)).await.unwrap();
        let out = room.out("strip.jpg");
        let made = media::pictures::filmstrip(&room.tools, &room.path(name), &info, &out, &room.run)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((made.count, made.width, made.height), (30, 160, 90), "{name}");
        let strip = out.to_str().unwrap();
        let scaled =
            ["-v", "error", "-i", strip, "-vf", "scale=30:1:flags=area,format=gray", "-f", "rawvideo", "-"];
        let light = media_files::command("ffmpeg", &scaled, dir);
        for (n, pair) in light.windows(2).enumerate() {
            assert!(pair[1] > pair[0] + 2, "{name}: frame {n}: {light:?}");
        }
        // Frame n stands for (n + ½) / 30 of the film: its light is that of the moment or of the two seconds before.
        for (n, light) in light.iter().enumerate() {
            let moment = (n as f64 + 0.5) * 4.0;
            let light = (f64::from(*light) / 255.0 * 219.0) / 1.8;
            assert!((moment - 3.5..=moment + 1.5).contains(&light), "{name}: frame {n} shows second {light}");
        }
    }
    assert_eq!(room.left_in_scratch(), [""; 0]);
}

#[tokio::test]
async fn sound_that_begins_late_is_padded_to_the_timeline() {
    let room = Room::new().await;
    let dir = room.folder.path();
    // The sound is laid two seconds after the pictures.
    let late = format!("{PICTURE} -itsoffset 2 {SOUND} -map 0:v -map 1:a -c:v mpeg4 -c:a aac");
    for name in ["late.mp4", "late.mkv", "late.ts"] {
        ffmpeg(&format!("{late} {name}"), dir);
        let info = room.probe(&room.path(name)).await.unwrap();
        let out = room.out("late.wav");
        media::audio::speech_wav(&room.tools, &room.path(name), &info, &out, &room.run).await.unwrap();
        assert_close(name, first_loud(&samples(&out)).unwrap(), 3.0, 0.06);
    }
}
