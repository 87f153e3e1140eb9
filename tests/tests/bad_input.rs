//! Bad, odd and hostile input at the level of media: each ends in a clear code or a right result, within its time,
//! with nothing left in the scratch folder, no partial file, no other file read and no connection made.
#![allow(clippy::unwrap_used)] // helpers of tests count as tests

mod bad_files;
mod media_files;

use bad_files::{Canaries, assert_good_clip, clip, refused, through};
use domain::ErrorCode::{
    self, FileEmpty, FileNotFound, FileTypeUnsupported, FileUnreadable, MediaDamaged, NotAFile, PlaylistLocal,
};
use media_files::{Room, ffmpeg};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

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
    std::fs::set_permissions(room.path("secret.mp4"), std::os::unix::fs::PermissionsExt::from_mode(0o000))
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
