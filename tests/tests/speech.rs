//! Speech end to end: espeak-ng says it, the worker child or PocketSphinx hears it.
//!
//! The mini model of `tests/fixtures/mini-whisper` answers inside its closed grammar whatever is said, so these tests
//! show that the path works (sound, voice, windows, child, words, times), never how accurate Whisper is.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use domain::ErrorCode;
use media::models::{self, ModelFile};
use media::speech::{Engine, SpeechDone, SpeechHost, SpeechJob, WindowHeard};
use media::tools::{ToolPaths, Tools};
use media::{MediaError, Run};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

struct Bench {
    folder: tempfile::TempDir,
    host: SpeechHost,
    model: ModelFile,
}

async fn bench() -> Bench {
    bench_with_idle_limit(Duration::from_secs(60)).await
}

async fn bench_with_idle_limit(limit: Duration) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mini = Path::new(ROOT).join("tests/fixtures/mini-whisper/mini-espeak-q5_1.bin");
    let model = models::import(&folder.path().join("models"), &mini, None).unwrap();
    let tools = Tools::find(&ToolPaths::default()).await;
    let worker = PathBuf::from(env!("CARGO_BIN_EXE_speech_worker"));
    let host = SpeechHost::with_idle_limit(worker, tools, folder.path().join("worker"), limit);
    Bench { folder, host, model }
}

#[allow(clippy::disallowed_methods)] // a fixture is made by other programs
fn program(name: &str, args: &[&str]) -> Vec<u8> {
    let ran = std::process::Command::new(name).args(args).output().unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

fn wav(path: &Path, samples: &[i16]) {
    let mut bytes =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data".to_vec();
    bytes.extend((samples.len() as u32 * 2).to_le_bytes());
    bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

fn decoded(file: &Path, filters: &str) -> Vec<i16> {
    let path = file.to_str().unwrap();
    let raw = program(
        "ffmpeg",
        &[
            "-v", "error", "-nostdin", "-i", path, "-af", filters, "-ac", "1", "-ar", "16000", "-f", "s16le",
            "-",
        ],
    );
    raw.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// What espeak-ng says, at 16 kHz, without silence around it.
fn said(folder: &Path, text: &str) -> Vec<i16> {
    let file = folder.join("espeak.wav");
    program("espeak-ng", &["-v", "en-us", "-s", "150", "-w", file.to_str().unwrap(), text]);
    let samples = decoded(&file, "anull");
    let loud = |s: &i16| s.unsigned_abs() > 300;
    let first = samples.iter().position(loud).unwrap();
    let last = samples.iter().rposition(loud).unwrap();
    samples[first..=last].to_vec()
}

/// Sentences at the given seconds in a recording of that length, with a little noise; also their true ends.
fn recording(folder: &Path, sentences: &[(f64, &str)], seconds: f64) -> (PathBuf, Vec<f64>) {
    let mut samples = noise((seconds * 16_000.0) as usize, 20);
    let mut ends = Vec::new();
    let mut spoken = std::collections::HashMap::new();
    for (start, text) in sentences {
        let said = spoken.entry(*text).or_insert_with(|| said(folder, text));
        let first = (start * 16_000.0) as usize;
        ends.push(start + said.len() as f64 / 16_000.0);
        for (to, from) in samples[first..].iter_mut().zip(said.iter()) {
            *to = to.saturating_add(*from);
        }
    }
    let path = folder.join("recording.wav");
    wav(&path, &samples);
    (path, ends)
}

fn noise(count: usize, loud: i32) -> Vec<i16> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) as i32 % (2 * loud + 1) - loud) as i16
    };
    (0..count).map(|_| next()).collect()
}

fn job(wav: &Path, engine: Engine) -> SpeechJob {
    SpeechJob { wav: wav.to_owned(), engine, language: None, heard: vec![], threads: 2, known_language: None }
}

async fn hear(
    bench: &Bench,
    job: SpeechJob,
    run: &Run,
) -> Result<(SpeechDone, Vec<WindowHeard>), MediaError> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let keep = heard.clone();
    let done = bench
        .host
        .transcribe(job, run, &mut move |window| {
            keep.lock().unwrap().push(window);
            Box::pin(async { Ok(()) })
        })
        .await?;
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    Ok((done, heard))
}

fn text(heard: &[WindowHeard]) -> String {
    heard.iter().flat_map(|w| &w.segments).map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Children of this process that run our worker.
fn workers() -> Vec<u32> {
    let ours = std::process::id().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1));
            command.contains("speech_worker") && parent == Some(&ours)
        })
        .collect()
}

#[tokio::test]
async fn the_mini_model_hears_sentences_it_was_never_trained_on() {
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let held_out = [
        "close the file now",
        "close the video again",
        "copy the audio again",
        "copy the track",
        "cut the file please",
        "mute the track now",
        "open the audio",
        "open the video now",
        "play the project please",
        "save the clip again",
    ];
    let trained = ["save the project now", "open the file", "play the clip again", "mute the audio please"];
    let mut wrong = Vec::new();
    for sentence in held_out.iter().chain(&trained) {
        let (path, ends) = recording(bench.folder.path(), &[(1.0, sentence)], 5.0);
        let (done, heard) =
            hear(&bench, job(&path, Engine::Whisper(bench.model.clone())), &run).await.unwrap();
        assert_eq!((done.language.as_str(), done.windows), ("en", 1), "{sentence}");
        let segment = &heard[0].segments[0];
        let words: Vec<_> = segment.words.iter().map(|w| w.text.as_str()).collect();
        if segment.text != *sentence {
            wrong.push(format!("{sentence} -> {}", segment.text));
            continue;
        }
        assert_eq!(words.join(" "), *sentence);
        // A segment may reach into the padding of its window; the words tell the time.
        let (first, last) = (&segment.words[0], &segment.words[segment.words.len() - 1]);
        assert!((first.start - 1.0).abs() < 0.4 && (last.end - ends[0]).abs() < 0.4, "{segment:?} {ends:?}");
        assert!(segment.words.windows(2).all(|w| w[0].end <= w[1].start), "{segment:?}");
        assert!(
            (segment.start - 1.0).abs() < 0.4 && (segment.end - ends[0]).abs() < 0.6,
            "{segment:?} {ends:?}"
        );
        assert!(
            segment.words.iter().all(|w| w.start >= segment.start && w.end <= segment.end),
            "{segment:?}"
        );
    }
    assert!(wrong.len() <= 1, "of 14: {wrong:?}");
}

#[tokio::test]
async fn three_sentences_far_apart_are_all_heard_at_their_times() {
    let bench = bench().await;
    let reported = Arc::new(Mutex::new(Vec::new()));
    let keep = reported.clone();
    let run = Run {
        progress: Arc::new(move |fraction, _| keep.lock().unwrap().push(fraction)),
        ..Run::quiet(bench.folder.path().join("run"))
    };
    let sentences =
        [(1.0, "open the file now"), (6.0, "play the video again"), (11.0, "save the project please")];
    let (path, ends) = recording(bench.folder.path(), &sentences, 15.0);
    let first = job(&path, Engine::Whisper(bench.model.clone()));
    let (done, heard) = hear(&bench, first.clone(), &run).await.unwrap();
    assert_eq!(text(&heard), "open the file now play the video again save the project please");
    assert_eq!(done.windows, 3);
    assert!(done.speech_seconds > 2.0 && done.speech_seconds < 7.0, "{done:?}");
    for ((window, (start, _)), end) in heard.iter().zip(sentences).zip(ends) {
        let segment = &window.segments[0];
        assert!(
            (segment.start - start).abs() < 0.4 && (segment.end - end).abs() < 0.6,
            "{segment:?} {start}..{end}"
        );
        assert!(segment.start >= window.window.start && segment.end <= window.window.end);
    }
    let reported = reported.lock().unwrap().clone();
    assert!(reported.windows(2).all(|f| f[0] <= f[1] + 1e-9), "{reported:?}");
    assert!(
        reported.iter().any(|f| *f > 0.2 && *f < 0.8) && *reported.last().unwrap() > 0.99,
        "{reported:?}"
    );

    // Going on after the first two windows hears the third only, with the same result; and so does all again.
    let rest = SpeechJob { heard: vec![0, 1], known_language: Some("en".into()), ..first.clone() };
    let (again, third) = hear(&bench, rest, &run).await.unwrap();
    assert_eq!((again.windows, third.as_slice()), (3, &heard[2..]));
    assert_eq!(hear(&bench, first, &run).await.unwrap().1, heard);
}

#[tokio::test]
async fn silence_and_noise_are_no_speech() {
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let path = bench.folder.path().join("a.wav");
    for (name, samples) in [
        ("silence", vec![0i16; 160_000]),
        ("noise", noise(160_000, 8_000)),
        ("faint noise", noise(160_000, 3)),
        ("empty", vec![]),
    ] {
        wav(&path, &samples);
        for engine in [Engine::Whisper(bench.model.clone()), Engine::Basic] {
            let (done, heard) = hear(&bench, job(&path, engine), &run).await.unwrap();
            assert_eq!((done.windows, done.speech_seconds, heard.len()), (0, 0.0, 0), "{name}");
        }
    }
    assert!(bench.host.idle_workers().is_empty(), "no worker is started for silence");
}

#[tokio::test]
async fn language_rules_hold_before_any_work() {
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let path = bench.folder.path().join("absent.wav");
    for engine in [Engine::Whisper(bench.model.clone()), Engine::Basic] {
        let portuguese = SpeechJob { language: Some("pt-BR".into()), ..job(&path, engine.clone()) };
        assert_eq!(hear(&bench, portuguese, &run).await.unwrap_err().code, ErrorCode::LanguageUnsupported);
        assert_eq!(hear(&bench, job(&path, engine), &run).await.unwrap_err().code, ErrorCode::StorageFault);
    }
    assert_eq!(Engine::Whisper(bench.model.clone()).name(), "whisper:mini-espeak-q5_1");
}

/// Many sentences, so that there is a middle.
fn long_recording(folder: &Path) -> PathBuf {
    let sentences: Vec<(f64, &str)> =
        (0..16).map(|i| (0.5 + 3.0 * f64::from(i), "play the video again")).collect();
    recording(folder, &sentences, 50.0).0
}

#[tokio::test]
async fn cancelling_in_the_middle_ends_the_child_at_once() {
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let path = long_recording(bench.folder.path());
    let (cancel, cancelled_at) = (run.cancel.clone(), Arc::new(Mutex::new(None)));
    let (when, pid) = (cancelled_at.clone(), Arc::new(Mutex::new(0)));
    let seen = pid.clone();
    let result = bench
        .host
        .transcribe(job(&path, Engine::Whisper(bench.model.clone())), &run, &mut move |_| {
            if when.lock().unwrap().is_none() {
                *seen.lock().unwrap() = workers()[0];
                *when.lock().unwrap() = Some(Instant::now());
                cancel.cancel();
            }
            Box::pin(async { Ok(()) })
        })
        .await;
    assert_eq!(result.unwrap_err().code, ErrorCode::Cancelled);
    let took = cancelled_at.lock().unwrap().unwrap().elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    let pid = *pid.lock().unwrap();
    assert!(pid > 0 && !alive(pid), "the worker {pid} lives on");
    assert!(bench.host.idle_workers().is_empty());
}

#[tokio::test]
async fn a_worker_that_dies_fails_one_attempt_only() {
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let path = long_recording(bench.folder.path());
    // Not SEGV: the Rust runtime takes the first one that nobody caused for its own and goes on.
    for signal in ["-ABRT", "-KILL"] {
        let windows = Arc::new(Mutex::new(Vec::new()));
        let seen = windows.clone();
        let result = bench
            .host
            .transcribe(job(&path, Engine::Whisper(bench.model.clone())), &run, &mut move |heard| {
                seen.lock().unwrap().push(heard.window.index);
                if heard.window.index == 2 {
                    program("kill", &[signal, &workers()[0].to_string()]);
                }
                Box::pin(async { Ok(()) })
            })
            .await;
        let error = result.expect_err(signal);
        assert_eq!(error.code, ErrorCode::EngineCrashed, "{signal}: {error:?}");
        assert!(windows.lock().unwrap().len() >= 3);
    }
    let (path, _) = recording(bench.folder.path(), &[(1.0, "open the file")], 4.0);
    let (_, heard) = hear(&bench, job(&path, Engine::Whisper(bench.model.clone())), &run).await.unwrap();
    assert_eq!(text(&heard), "open the file");
}

#[tokio::test]
async fn the_model_stays_loaded_between_jobs_and_goes_when_idle() {
    let bench = bench_with_idle_limit(Duration::from_secs(15)).await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let (path, _) = recording(bench.folder.path(), &[(1.0, "open the file")], 4.0);
    let whisper = job(&path, Engine::Whisper(bench.model.clone()));
    hear(&bench, whisper.clone(), &run).await.unwrap();
    let first = bench.host.idle_workers();
    assert_eq!(first.len(), 1);
    hear(&bench, whisper, &run).await.unwrap();
    assert_eq!(bench.host.idle_workers(), first, "the same child");
    let began = Instant::now();
    while !bench.host.idle_workers().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(40), "an idle worker stays");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!alive(first[0]), "an idle worker lives on");
}

#[tokio::test]
async fn a_cut_or_foreign_model_is_refused_and_the_host_lives_on() {
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let (path, _) = recording(bench.folder.path(), &[(1.0, "open the file")], 4.0);
    let whole = std::fs::read(&bench.model.path).unwrap();
    let model = ModelFile { path: bench.folder.path().join("ggml-bad.bin"), ..bench.model.clone() };
    for bytes in [&whole[..whole.len() / 2], &whole[..700_000], b"not a model at all, truly"] {
        std::fs::write(&model.path, bytes).unwrap();
        let error = hear(&bench, job(&path, Engine::Whisper(model.clone())), &run).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ModelInvalid, "{error:?}");
    }
    let (_, heard) = hear(&bench, job(&path, Engine::Whisper(bench.model.clone())), &run).await.unwrap();
    assert_eq!(text(&heard), "open the file");
}

/// Word errors (substitutions, insertions, deletions) of what was heard.
fn word_errors(heard: &str, said: &str) -> usize {
    let words = |text: &str| -> Vec<String> {
        let clean = text.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != '\'', " ");
        clean.split_whitespace().map(str::to_owned).collect()
    };
    let (heard, said) = (words(heard), words(said));
    let mut row: Vec<usize> = (0..=said.len()).collect();
    for (i, h) in heard.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, s) in said.iter().enumerate() {
            let best = (diagonal + usize::from(h != s)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[said.len()]
}

#[tokio::test]
async fn the_basic_engine_hears_a_real_voice() {
    let jfk = Path::new(ROOT).join("../shared/data/jfk.wav");
    if !jfk.exists() {
        println!("skipped: jfk.wav is not here");
        return;
    }
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let path = bench.folder.path().join("jfk.wav");
    wav(&path, &decoded(&jfk, "anull"));
    let began = Instant::now();
    let (done, heard) = hear(&bench, job(&path, Engine::Basic), &run).await.unwrap();
    let said = "and so my fellow americans ask not what your country can do for you ask what you can do for your country";
    let errors = word_errors(&text(&heard), said);
    println!("basic: {errors} of 22 words wrong in {:?}: {}", began.elapsed(), text(&heard));
    assert!(errors <= 6, "{errors} of 22 wrong: {}", text(&heard));
    assert_eq!(done.language, "en");
    let words: Vec<_> = heard.iter().flat_map(|w| &w.segments).flat_map(|s| &s.words).collect();
    let country = words.iter().find(|w| w.text == "country").unwrap();
    assert!((country.start - 5.86).abs() < 0.3, "{country:?}");
    assert!(words.iter().filter(|w| w.confidence.is_some()).count() > words.len() / 2);
    assert_eq!(std::fs::read_dir(&run.scratch).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn the_basic_engine_hears_the_sample_clip() {
    let bench = bench().await;
    let run = Run::quiet(bench.folder.path().join("run"));
    let path = bench.folder.path().join("welcome.wav");
    wav(&path, &decoded(&Path::new(ROOT).join("assets/samples/welcome.mp4"), "anull"));
    let (_, heard) = hear(&bench, job(&path, Engine::Basic), &run).await.unwrap();
    let text = text(&heard);
    println!("sample: {text}");
    let words: Vec<&str> = text.split(' ').collect();
    for content in CONTENT {
        assert!(words.contains(content), "“{content}” is missing in: {text}");
    }
}

/// Words of the sample clip that carry its meaning.
const CONTENT: &[&str] = &["welcome", "library", "film", "written", "search", "second", "lost"];
