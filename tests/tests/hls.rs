//! HLS of many shapes, each decoded to prove length, streams and that no frame is missing.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod web;

#[path = "hls_clips/mod.rs"]
mod clips;

use clips::{Shape, aes, check, clip, expect, gzip, packed_audio, segments};
use domain::ErrorCode;
use media::download::Method;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::tempdir;
use web::{Reply, Seen, Web, run};

/// Serves a shape's files under `/v` and fetches `/v/<name>`.
async fn fetched(web: &Web, name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempdir().unwrap();
    let got = web.get(&format!("/v/{name}"), folder.path()).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
    assert_eq!(got.method, Method::Hls);
    assert!(!folder.path().join("hls").exists(), "parts are left behind");
    (folder, got.path)
}

async fn playlist(web: &Web, text: impl Into<String>) -> (tempfile::TempDir, std::path::PathBuf) {
    let text = text.into();
    web.on("/v/main.m3u8", move |_| Reply::ok(text.clone()));
    fetched(web, "main.m3u8").await
}

#[tokio::test]
async fn transport_stream_segments() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    let (_keep, path) = fetched(&web, "main.m3u8").await;
    check(&path, expect(8.0, 200));
    assert_eq!(
        web.all().len(),
        9,
        "each thing once: {:?}",
        web.all().iter().map(|s| &s.path).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_best_of_several_variants_whatever_it_is_called() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts)).folder("/small", &clip(Shape::Small));
    // Without an extension, declared as text, packed.
    web.on("/v/watch", |_| {
        Reply::ok(gzip(
            "#EXTM3U\n#EXT-X-VERSION:4\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"English\",URI=\"subs.m3u8\"\n\
             #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=99,RESOLUTION=4000x4000,URI=\"iframes.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=96x72,SUBTITLES=\"subs\"\n../small/main.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION=1280x720,SUBTITLES=\"subs\"\ngone.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=160x120,SUBTITLES=\"subs\"\nmain.m3u8\n",
        ))
        .with("content-encoding", "gzip")
        .with("content-type", "text/plain")
    });
    let (_keep, path) = fetched(&web, "watch").await;
    check(&path, expect(8.0, 200).size(160, 120));
    assert_eq!(web.asked("/v/subs.m3u8") + web.asked("/v/iframes.m3u8") + web.asked("/small/main.m3u8"), 0);
}

#[tokio::test]
async fn encrypted_with_an_explicit_vector() {
    let web = Web::start().await;
    let key = [7u8; 16];
    let iv = [0xabu8; 16];
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI=\"key.bin\",IV=0xABABABABABABABABABABABABABABABAB\n",
    );
    for (number, bytes) in segments(Shape::Ts).into_iter().enumerate() {
        web.file(&format!("/v/{number}.ts"), aes(&bytes, key, iv));
        text.push_str(&format!("#EXTINF:1,\n{number}.ts\n"));
    }
    web.file("/v/key.bin", key.to_vec());
    let (_keep, path) = playlist(&web, text + "#EXT-X-ENDLIST\n").await;
    check(&path, expect(8.0, 200));
    assert_eq!(web.asked("/v/key.bin"), 1);
}

#[tokio::test]
async fn encrypted_by_sequence_with_changing_keys_and_a_clear_end() {
    let web = Web::start().await;
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:4294967290\n");
    for (number, bytes) in segments(Shape::Ts).into_iter().enumerate() {
        let key = [if number < 3 { 1u8 } else { 2 }; 16];
        match number {
            0 => text.push_str("#EXT-X-KEY:METHOD=AES-128,URI=\"/keys/1\"\n"),
            3 => text.push_str("#EXT-X-KEY:METHOD=AES-128,URI=\"/keys/2\",KEYFORMAT=\"identity\"\n"),
            6 => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
            _ => {}
        }
        let iv = (4_294_967_290u128 + number as u128).to_be_bytes();
        web.file(&format!("/v/{number}.ts"), if number < 6 { aes(&bytes, key, iv) } else { bytes });
        text.push_str(&format!("#EXTINF:1.0,a title, with commas\n{number}.ts\n"));
    }
    web.file("/keys/1", vec![1u8; 16]).file("/keys/2", vec![2u8; 16]);
    let (_keep, path) = playlist(&web, text + "#EXT-X-ENDLIST\n").await;
    check(&path, expect(8.0, 200));
}

#[tokio::test]
async fn byte_ranges_with_and_without_offsets() {
    for honest in [true, false] {
        let web = Web::start().await;
        let all = segments(Shape::Ts);
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:1\n");
        for (number, bytes) in all.iter().enumerate() {
            let offset = if number == 0 { "@0" } else { "" };
            text.push_str(&format!("#EXTINF:1,\n#EXT-X-BYTERANGE:{}{offset}\nall.ts\n", bytes.len()));
        }
        let whole: bytes::Bytes = all.concat().into();
        // A server that knows no ranges sends the whole file each time.
        web.on(
            "/v/all.ts",
            move |seen| {
                if honest { Reply::file(&whole, None, seen) } else { Reply::ok(whole.clone()) }
            },
        );
        let (_keep, path) = playlist(&web, text + "#EXT-X-ENDLIST\n").await;
        check(&path, expect(8.0, 200));
    }
}

#[tokio::test]
async fn fragmented_mp4_with_an_initialisation_section() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Mp4));
    let (_keep, path) = fetched(&web, "main.m3u8").await;
    check(&path, expect(8.0, 200));
    assert_eq!(web.asked("/v/init.mp4"), 1);
}

#[tokio::test]
async fn fragmented_mp4_in_one_file() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Mp4Single));
    let (_keep, path) = fetched(&web, "main.m3u8").await;
    check(&path, expect(8.0, 200));
}

#[tokio::test]
async fn encrypted_fragments_behind_a_clear_and_a_packed_map() {
    for packed in [false, true] {
        let web = Web::start().await;
        let (key, iv) = ([9u8; 16], [3u8; 16]);
        let init = std::fs::read(clip(Shape::Mp4).join("init.mp4")).unwrap();
        web.file("/v/init.mp4", if packed { aes(&init, key, iv) } else { init });
        web.file("/v/key", key.to_vec());
        let key_tag = "#EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x03030303030303030303030303030303\n";
        let map_tag = "#EXT-X-MAP:URI=\"init.mp4\"\n";
        let (first, second) = if packed { (key_tag, map_tag) } else { (map_tag, key_tag) };
        let mut text = format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n{first}{second}");
        for (number, bytes) in segments(Shape::Mp4).into_iter().enumerate() {
            web.file(&format!("/v/{number}.m4s"), aes(&bytes, key, iv));
            text.push_str(&format!("#EXTINF:1,\n{number}.m4s\n"));
        }
        let (_keep, path) = playlist(&web, text + "#EXT-X-ENDLIST\n").await;
        check(&path, expect(8.0, 200));
    }
}

#[tokio::test]
async fn discontinuities_follow_each_other_in_time() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts)).folder("/ad", &clip(Shape::Other));
    // Film, advertisement, film: the clocks jump forth and back.
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:1\n");
    let part = |from: &str, range: std::ops::Range<usize>| -> String {
        range.map(|n| format!("#EXTINF:1,\n{from}/seg{n}.ts\n")).collect()
    };
    text.push_str(&part("/v", 0..4));
    text.push_str("#EXT-X-DISCONTINUITY\n");
    text.push_str(&part("/ad", 0..3));
    text.push_str("#EXT-X-DISCONTINUITY\n");
    text.push_str(&part("/v", 4..8));
    let (_keep, path) = playlist(&web, text + "#EXT-X-ENDLIST\n").await;
    check(&path, expect(11.0, 275).parts(3));
}

#[tokio::test]
async fn discontinuities_with_another_map() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Mp4)).folder("/ad", &clip(Shape::OtherMp4));
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n");
    for (from, range) in [("/v", 0..3), ("/ad", 0..3), ("/v", 3..8)] {
        text.push_str(&format!("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"{from}/init.mp4\"\n"));
        text.extend(range.map(|n| format!("#EXTINF:1,\n{from}/seg{n}.m4s\n")));
    }
    let (_keep, path) = playlist(&web, text + "#EXT-X-ENDLIST\n").await;
    check(&path, expect(11.0, 275).parts(3));
}

const MASTER: &str = "#EXTM3U\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"/sound/main.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Other\",URI=\"/none/main.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=160x120,CODECS=\"avc1.42c00a,mp4a.40.2\",AUDIO=\"a\"\n/picture/main.m3u8\n";

#[tokio::test]
async fn sound_in_a_list_of_its_own() {
    for (picture, sound) in [(Shape::Picture, Shape::Sound), (Shape::PictureMp4, Shape::SoundMp4)] {
        let web = Web::start().await;
        web.folder("/picture", &clip(picture)).folder("/sound", &clip(sound));
        let (_keep, path) = playlist(&web, MASTER).await;
        check(&path, expect(8.0, 200));
    }
}

#[tokio::test]
async fn packed_sound_lies_where_its_tags_say() {
    let web = Web::start().await;
    web.folder("/picture", &clip(Shape::Picture));
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:1\n");
    for (number, bytes) in packed_audio().into_iter().enumerate() {
        web.file(&format!("/sound/{number}.aac"), bytes);
        text.push_str(&format!("#EXTINF:1,\n{number}.aac\n"));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    web.on("/sound/main.m3u8", move |_| Reply::ok(text.clone()));
    let (_keep, path) = playlist(&web, MASTER).await;
    check(&path, expect(8.0, 200));
}

#[tokio::test]
async fn sound_and_picture_break_together() {
    let web = Web::start().await;
    for (prefix, film, ad) in
        [("picture", Shape::Picture, Shape::OtherPicture), ("sound", Shape::Sound, Shape::OtherSound)]
    {
        web.folder(&format!("/{prefix}"), &clip(film)).folder(&format!("/{prefix}-ad"), &clip(ad));
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:1\n");
        text.extend((0..4).map(|n| format!("#EXTINF:1,\nseg{n}.ts\n")));
        text.push_str("#EXT-X-DISCONTINUITY\n");
        text.extend((0..3).map(|n| format!("#EXTINF:1,\n/{prefix}-ad/seg{n}.ts\n")));
        text.push_str("#EXT-X-ENDLIST\n");
        web.on(&format!("/{prefix}/main.m3u8"), move |_| Reply::ok(text.clone()));
    }
    let (_keep, path) = playlist(&web, MASTER).await;
    check(&path, expect(7.0, 175).parts(2));
}

#[tokio::test]
async fn gaps_are_passed_over_and_addresses_taken_as_they_stand() {
    let (web, cdn) = (Web::start().await, Web::start().await);
    web.folder("/v", &clip(Shape::Ts));
    cdn.folder("/far", &clip(Shape::Ts));
    web.on("/v/q.ts", |seen: &Seen| match seen.query.as_str() {
        "n=2" => Reply::ok(segments(Shape::Ts)[2].clone()),
        other => Reply::new(404, other.to_owned()),
    });
    let text = format!(
        "#EXTM3U\r\n#EXT-X-TARGETDURATION:1.2\r\n#EXT-X-KEY:METHOD=NONE\r\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\r\n\
         #EXTINF:1,\r\nseg0.ts\r\n#EXTINF:1\r\n{}\r\n#EXTINF:1,\r\nq.ts?n=2\r\n#EXTINF:1,\r\n//{}/far/seg3.ts\r\n\
         #EXT-X-GAP\r\n#EXTINF:1,\r\nnothing.ts\r\n#EXTINF:1,\r\n./../v/seg5.ts\r\n#EXTINF:1,\r\nseg6.ts\r\n#EXTINF:1,\r\nseg7.ts\r\n#EXT-X-ENDLIST",
        web.url("/v/seg1.ts"),
        cdn.host,
    );
    web.on("/v/main.m3u8", move |_| Reply::ok(text.clone()));
    let folder = tempdir().unwrap();
    let mut request = web.request("/v/main.m3u8?token=x", folder.path());
    request.policy.allow_hosts.push(cdn.host.clone());
    let path = run(request).await.unwrap().path;
    check(&path, expect(8.0, 175));
    assert_eq!(web.asked("/v/nothing.ts"), 0);
    assert!(web.all().iter().filter(|s| s.path.ends_with(".ts")).all(|s| !s.query.contains("token")));
}

/// A list that grows by a segment each time it is asked for, and shows the last `window`.
fn growing(
    shape: Shape,
    window: usize,
    step: usize,
    end: bool,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let count = segments(shape).len();
    move |seen| {
        let shown = (3 + seen.before * step).min(count);
        let from = shown.saturating_sub(window);
        let kind = if window >= count { "#EXT-X-PLAYLIST-TYPE:EVENT\n" } else { "" };
        let mut text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{}\n{kind}", 100 + from);
        text.extend((from..shown).map(|n| format!("#EXTINF:1,\nseg{n}.ts\n")));
        if end && shown == count {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        Reply::ok(text)
    }
}

#[tokio::test]
async fn live_lists_are_followed_to_their_end_without_doubles() {
    for window in [4, 99] {
        let web = Web::start().await;
        web.folder("/v", &clip(Shape::Ts));
        web.on("/v/main.m3u8", growing(Shape::Ts, window, 2, true));
        let (_keep, path) = fetched(&web, "main.m3u8").await;
        check(&path, expect(8.0, 200));
        for n in 0..8 {
            assert_eq!(web.asked(&format!("/v/seg{n}.ts")), 1);
        }
    }
}

#[tokio::test]
async fn a_live_list_ends_at_its_limit_or_its_standstill() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    web.on("/v/main.m3u8", growing(Shape::Ts, 4, 1, false));
    let folder = tempdir().unwrap();
    let mut request = web.request("/v/main.m3u8", folder.path());
    request.policy.max_live_seconds = 5;
    check(&run(request).await.unwrap().path, expect(5.0, 125));

    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    web.on("/v/main.m3u8", growing(Shape::Ts, 8, 5, false));
    let (_keep, path) = fetched(&web, "main.m3u8").await;
    check(&path, expect(8.0, 200));
    // Three seconds of standstill, asked about twice a second: not without end.
    assert!(web.asked("/v/main.m3u8") < 20);
}

#[tokio::test]
async fn a_live_recording_goes_on_in_a_new_process() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    web.on("/v/main.m3u8", growing(Shape::Ts, 99, 1, true));
    let folder = tempdir().unwrap();
    let task = tokio::spawn(run(web.request("/v/main.m3u8", folder.path())));
    let note = folder.path().join("hls/main/parts.json");
    let start = Instant::now();
    let next = || {
        serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(&note).ok()?).ok()?["next"]
            .as_u64()
    };
    while next().is_none_or(|n| n < 4) {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    task.abort();
    let _ = task.await;
    let path = web.get("/v/main.m3u8", folder.path()).await.unwrap().path;
    check(&path, expect(8.0, 200));
    for n in 0..4 {
        assert_eq!(web.asked(&format!("/v/seg{n}.ts")), 1, "segment {n} came twice");
    }
}

#[tokio::test]
async fn a_segment_that_left_the_live_window_is_missed_not_fatal() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    web.on("/v/seg2.ts", |_| Reply::new(404, ""));
    web.on("/v/main.m3u8", growing(Shape::Ts, 4, 2, true));
    let (_keep, path) = fetched(&web, "main.m3u8").await;
    check(&path, expect(8.0, 175));
}

#[tokio::test]
async fn single_segments_are_tried_again() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    for (n, bytes) in segments(Shape::Ts).into_iter().enumerate().take(5) {
        let bytes = bytes::Bytes::from(bytes);
        web.on(&format!("/v/seg{n}.ts"), move |seen| {
            let whole = Reply::ok(bytes.clone());
            match (n, seen.before) {
                (0, 0 | 1) => Reply::new(500, ""),
                (1, 0) => whole.cut(bytes.len() / 2),
                (2, 0) => Reply::new(404, ""),
                (3, 0) => Reply::new(429, "").with("retry-after", "1"),
                (4, 0) => whole.with("content-length", (bytes.len() + 9).to_string()).cut(bytes.len()),
                _ => whole,
            }
        });
    }
    let (_keep, path) = fetched(&web, "main.m3u8").await;
    check(&path, expect(8.0, 200));
}

#[tokio::test]
async fn a_lost_segment_is_an_error_and_the_next_try_takes_up_the_rest() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    web.on("/v/seg5.ts", |_| Reply::new(404, ""));
    let folder = tempdir().unwrap();
    let error = web.get("/v/main.m3u8", folder.path()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::UrlNotFound);
    assert!(error.message.contains("segment 5"), "{}", error.message);
    web.folder("/v", &clip(Shape::Ts));
    let path = web.get("/v/main.m3u8", folder.path()).await.unwrap().path;
    check(&path, expect(8.0, 200));
    for n in [0, 1, 2, 3, 4, 6, 7] {
        assert_eq!(web.asked(&format!("/v/seg{n}.ts")), 1, "segment {n} came twice");
    }
}

#[tokio::test]
async fn a_new_process_keeps_what_the_last_one_had() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    let last = bytes::Bytes::from(segments(Shape::Ts)[7].clone());
    web.on("/v/seg7.ts", move |seen| {
        let mut reply = Reply::ok(last.clone());
        reply.delay = Duration::from_secs(if seen.before == 0 { 60 } else { 0 });
        reply
    });
    let folder = tempdir().unwrap();
    let task = tokio::spawn(run(web.request("/v/main.m3u8?t=1", folder.path())));
    let note = folder.path().join("hls/main/parts.json");
    let start = Instant::now();
    while !std::fs::read_to_string(&note).is_ok_and(|n| n.contains("\"next\":7")) {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    task.abort();
    let _ = task.await;
    // What the killed process wrote beyond its note, and a half segment.
    let part = std::fs::read_dir(folder.path().join("hls/main")).unwrap().map(|e| e.unwrap().path());
    let part = part.into_iter().find(|p| p.extension().is_some_and(|e| e == "mpegts")).unwrap();
    append(&part, b"torn");
    std::fs::write(folder.path().join("hls/main/s00000007.part"), b"half").unwrap();
    let path = web.get("/v/main.m3u8?t=2", folder.path()).await.unwrap().path;
    check(&path, expect(8.0, 200));
    for n in 0..7 {
        assert_eq!(web.asked(&format!("/v/seg{n}.ts")), 1, "segment {n} came twice");
    }
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[tokio::test]
async fn what_cannot_be_played_is_named() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    web.file("/v/short", vec![1u8; 15]).file("/v/wrong", vec![1u8; 16]);
    web.on("/v/denied", |_| Reply::new(403, ""));
    web.on("/v/page.ts", |_| Reply::html("<!DOCTYPE html><html>Please log in</html>"));
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
    let tail = "#EXTINF:1,\nseg0.ts\n#EXT-X-ENDLIST\n";
    let encv = [&b"\x00\x00\x00\x18ftypiso5\x00\x00\x00\x00"[..], b"xxxxmoovxxxxencvxxxxsinf"].concat();
    web.file("/v/encv.mp4", encv);
    for (lines, code) in [
        ("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n", ErrorCode::PlaylistProtected),
        (
            "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:x\",KEYFORMAT=\"urn:uuid:edef8ba9\"\n",
            ErrorCode::PlaylistProtected,
        ),
        ("#EXT-X-MAP:URI=\"encv.mp4\"\n", ErrorCode::PlaylistProtected),
        ("#EXT-X-KEY:METHOD=AES-128,URI=\"short\"\n", ErrorCode::PlaylistInvalid),
        ("#EXT-X-KEY:METHOD=AES-128,URI=\"denied\"\n", ErrorCode::AccessRefused),
        ("#EXTINF:1,\npage.ts\n", ErrorCode::PlaylistInvalid),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1\nmain.m3u8\n", ErrorCode::PlaylistInvalid),
        ("#EXT-X-I-FRAMES-ONLY\n", ErrorCode::PlaylistInvalid),
    ] {
        let text = format!("{head}{lines}{tail}");
        web.on("/v/main.m3u8", move |_| Reply::ok(text.clone()));
        let folder = tempdir().unwrap();
        let error = web.get("/v/main.m3u8", folder.path()).await.unwrap_err();
        assert_eq!(error.code, code, "{lines}: {error:?}");
        assert!(!folder.path().join("media.mp4").exists());
    }
    // A wrong key: what comes out is no media.
    let noise = aes(&segments(Shape::Ts)[0], [5; 16], [0; 16]);
    web.file("/v/noise.ts", noise);
    web.on("/v/main.m3u8", |_| {
        Reply::ok("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"wrong\"\n#EXTINF:1,\nnoise.ts\n#EXT-X-ENDLIST\n")
    });
    let folder = tempdir().unwrap();
    let error = web.get("/v/main.m3u8", folder.path()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PlaylistInvalid);
}

#[tokio::test]
async fn the_size_limit_counts_all_segments() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    let folder = tempdir().unwrap();
    let mut request = web.request("/v/main.m3u8", folder.path());
    request.policy.max_bytes = 60_000;
    assert_eq!(run(request).await.unwrap_err().code, ErrorCode::DownloadTooLarge);
}

#[tokio::test]
async fn a_page_that_starts_hls_in_a_script() {
    let web = Web::start().await;
    web.folder("/v", &clip(Shape::Ts));
    // Only who comes from the page is let in.
    for (n, bytes) in segments(Shape::Ts).into_iter().enumerate() {
        let bytes = bytes::Bytes::from(bytes);
        web.on(&format!("/v/seg{n}.ts"), move |seen| match seen.header("referer") {
            Some(referer) if referer.ends_with("/sales?id=7") => Reply::ok(bytes.clone()),
            _ => Reply::new(403, ""),
        });
    }
    web.on("/sales", |_| {
        Reply::html(
            r#"<!DOCTYPE html><title>Sales</title><video id="v" loop muted src="/none.mp4"></video>
               <script>const hls = new Hls(); hls.loadSource("\/v\/main.m3u8"); hls.attachMedia(v)</script>"#,
        )
    });
    let folder = tempdir().unwrap();
    let got = web.get("/sales?id=7", folder.path()).await.unwrap();
    assert_eq!((got.method, got.title.as_deref()), (Method::Page, Some("Sales")));
    check(&got.path, expect(8.0, 200));
}
