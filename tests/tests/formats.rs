//! Every kind of file people have, through the whole of the local media work: first look, probe, speech sound,
//! poster, filmstrip, waveform and loudness. The files are made here by ffmpeg.

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

#[tokio::test]
async fn films_are_probed_and_heard() {
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
    }
    assert_eq!(room.left_in_scratch(), [""; 0]);
}

#[tokio::test]
async fn pictures_are_probed() {
    let room = Room::new().await;
    let one = "-f lavfi -i testsrc2=s=320x240 -frames:v 1";
    let pictures = ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tiff"];
    for name in pictures {
        ffmpeg(&format!("{one} {name}"), room.folder.path());
        let info = room.probe(&room.path(name)).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((info.kind, info.duration, info.has_audio), (MediaKind::Image, 0.0, false), "{name}");
        assert_eq!((info.width, info.height), (Some(320), Some(240)), "{name}");
        assert_eq!(info.frame_rate, None, "{name}");
    }
    ffmpeg(&format!("{PICTURE} moving.gif"), room.folder.path());
    let info = room.probe(&room.path("moving.gif")).await.unwrap();
    assert_eq!((info.kind, info.has_audio), (MediaKind::Video, false));
    assert_close("moving.gif: duration", info.duration, 3.0, 0.2);
}

#[tokio::test]
async fn turned_and_stretched_films_have_their_display_size() {
    let room = Room::new().await;
    let dir = room.folder.path();
    ffmpeg(&format!("{PICTURE} -c:v libx264 -preset ultrafast flat.mp4"), dir);
    for (degrees, turned) in [(90, 270), (180, 180), (270, 90)] {
        // ffmpeg 5.1 writes the display matrix from this tag; its sense is that of the angle counter-clockwise.
        ffmpeg(&format!("-i flat.mp4 -c copy -metadata:s:v:0 rotate={degrees} turned.mp4"), dir);
        let info = room.probe(&room.path("turned.mp4")).await.unwrap();
        let wanted = if degrees == 180 { (Some(320), Some(240)) } else { (Some(240), Some(320)) };
        assert_eq!((info.width, info.height), wanted, "{degrees}");
        let told = info.streams[0].rotation;
        assert!(told == Some(degrees) || told == Some(turned), "{degrees}: {told:?}");
    }
    ffmpeg("-f lavfi -i testsrc2=s=352x288:r=25:d=1 -vf setsar=16/11 -c:v mpeg4 wide.mp4", dir);
    let info = room.probe(&room.path("wide.mp4")).await.unwrap();
    assert_eq!((info.width, info.height), (Some(512), Some(288)));
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
