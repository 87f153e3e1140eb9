//! The main job beside the same work by hand: ten minutes of film to a saved transcript.
//!
//! By hand means: the same ffmpeg calls one after the other, the same voice detection and windows, then whisper-rs in
//! this process with the same parameters. What Bobina adds is the queue, the store, the worker child and the library.
//!
//! `bench_main_job MODEL [--rounds N] [--minutes N]`; MODEL is a whisper.cpp file of tiny.en's size, whose words do
//! not matter (`shared/tools/mkrand.py` makes one). `bobina` is the one built beside this program.

use anyhow::{Context, Result, ensure};
use media::speech::windows_of;
use media::tools::{ToolPaths, Tools};
use media::{Run, audio, intake, pictures, probe, waveform};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};

/// Samples a second of the WAV that speech engines are given, and its header's length in bytes.
const RATE: f64 = 16_000.0;
const HEADER: usize = 44;
/// Seconds that a Whisper model hears at once.
const WINDOW: f64 = 30.0;

#[tokio::main]
async fn main() -> Result<()> {
    let (mut model, mut rounds, mut minutes) = (None::<PathBuf>, 2usize, 10u32);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().context("--rounds N")?.parse()?,
            "--minutes" => minutes = arguments.next().context("--minutes N")?.parse()?,
            path => model = Some(path.into()),
        }
    }
    let model = model.context("usage: bench_main_job MODEL [--rounds N] [--minutes N]")?;
    let work = tempfile::tempdir_in(tests::program::bobina()?.parent().context("the build folder")?)?;
    let film = work.path().join("film.mp4");
    make_film(&film, minutes * 60)?;
    let (mut ours, mut hand) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let folder = work.path().join(format!("hand-{round}"));
        std::fs::create_dir(&folder)?;
        let started = Instant::now();
        let (windows, segments) = by_hand(&film, &model, &folder).await?;
        hand.push(started.elapsed().as_secs_f64());
        let data = work.path().join(format!("data-{round}"));
        bobina(&data, &["models", "import", text(&model)?])?;
        let name = model.file_stem().and_then(|name| name.to_str()).context("the model's name")?;
        let started = Instant::now();
        bobina(&data, &["add", text(&film)?, "--engine", &format!("whisper:{name}"), "--wait"])?;
        ours.push(started.elapsed().as_secs_f64());
        println!(
            "round {}: by hand {:.1} s ({windows} windows, {segments} segments), bobina {:.1} s",
            round + 1,
            hand[round],
            ours[round]
        );
    }
    let best = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let (hand, ours) = (best(&hand), best(&ours));
    println!("main job, {minutes} minutes of film, best of {rounds}:");
    println!("| {:10} | {:>8} | {:>18} |", "", "seconds", "of the hand's time");
    println!("| {:10} | {hand:>8.1} | {:>18.3} |", "by hand", 1.0);
    println!("| {:10} | {ours:>8.1} | {:>18.3} |", "bobina", ours / hand);
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is text")
}

#[allow(clippy::disallowed_methods, reason = "the bench starts the programs it measures")]
fn program(path: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Result<()> {
    let path = path.as_ref();
    let output = Command::new(path).args(args).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{path:?} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn bobina(data: &Path, args: &[&str]) -> Result<()> {
    let all: Vec<&str> = ["--data-dir", text(data)?].iter().chain(args).copied().collect();
    program(tests::program::bobina()?, &all)
}

/// The sample clip over and over.
fn make_film(film: &Path, seconds: u32) -> Result<()> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/welcome.mp4");
    let (sample, film, seconds) = (text(&sample)?, text(film)?, seconds.to_string());
    program(
        "ffmpeg",
        &["-v", "error", "-nostdin", "-stream_loop", "-1", "-i", sample, "-t", &seconds, "-c", "copy", film],
    )
}

/// How many windows and segments there were.
async fn by_hand(film: &Path, model: &Path, folder: &Path) -> Result<(usize, usize)> {
    let run = Run::quiet(folder);
    let tools = Tools::find(&ToolPaths::default()).await;
    intake::hash(film, &run).await?;
    let info = probe::probe(&tools, film, &run).await?;
    pictures::poster(&tools, film, &info, &folder.join("poster.jpg"), &run).await?;
    pictures::filmstrip(&tools, film, &info, &folder.join("filmstrip.jpg"), &run).await?;
    waveform::waveform(&tools, film, &info, &folder.join("waveform.json"), &run).await?;
    let wav = folder.join("speech.wav");
    audio::speech_wav(&tools, film, &info, &wav, &run).await?;
    let (windows, _) = windows_of(&wav, WINDOW, &run).await?;
    let mut out = std::fs::File::create(folder.join("transcript.txt"))?;
    let samples = read_samples(&wav)?;
    whisper_rs::install_logging_hooks();
    let context = WhisperContext::new_with_params(model, WhisperContextParameters::default())?;
    let mut state = context.create_state()?;
    let mut segments = 0;
    for window in &windows {
        let place = |second: f64| ((second * RATE) as usize).min(samples.len());
        state.full(parameters(), &samples[place(window.start)..place(window.end)])?;
        for segment in state.as_iter() {
            writeln!(out, "{} {}", segment.start_timestamp(), segment.to_str_lossy()?)?;
            segments += 1;
        }
    }
    out.sync_all()?;
    Ok((windows.len(), segments))
}

fn read_samples(wav: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(wav)?;
    let pairs = bytes.get(HEADER..).context("the WAV holds sound")?.chunks_exact(2);
    Ok(pairs.map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0).collect())
}

/// Those of `media::speech`, said again: what is compared is the work around them.
fn parameters<'a>() -> FullParams<'a, 'a> {
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 5 });
    parameters.set_n_threads(std::thread::available_parallelism().map_or(1, usize::from).min(64) as i32);
    parameters.set_language(Some("en"));
    parameters.set_no_context(true);
    parameters.set_token_timestamps(true);
    parameters.set_suppress_blank(true);
    parameters.set_temperature(0.0);
    parameters.set_temperature_inc(0.2);
    parameters.set_entropy_thold(2.4);
    parameters.set_logprob_thold(-1.0);
    parameters.set_no_speech_thold(0.6);
    parameters.set_print_special(false);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_timestamps(false);
    parameters
}
