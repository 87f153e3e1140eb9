//! HLS side by side: Bobina, `ffmpeg -i … -c copy`, and yt-dlp with 16 fragments at once.
//!
//! 200 segments of one second from a server (a process of its own) that answers 50 ms late; from the address to the
//! finished mp4, in one run, the median of several. Prints a table with ratios; yt-dlp's row needs it on `PATH`.
//!
//! Usage: `bench_hls [ROUNDS]`, 3 unless said otherwise.

use anyhow::{Context, Result, bail, ensure};
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use media::Run;
use media::download::{FetchRequest, NetPolicy, fetch};
use media::tools::{ToolPaths, Tools};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SEGMENTS: usize = 200;
const LATENCY: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, serve, folder] = args.as_slice()
        && serve == "serve"
    {
        return serve_folder(folder.into()).await;
    }
    let rounds: usize = args.get(1).map_or(Ok(3), |n| n.parse()).context("ROUNDS is a number")?;
    let work = tempfile::tempdir()?;
    let clip = work.path().join("clip");
    make_clip(&clip)?;
    let server = Server::start(&clip)?;
    let url = format!("http://{}/main.m3u8", server.host);
    let expected = frames(&clip.join("main.m3u8"))?;

    let mut rows: Vec<(&str, Vec<f64>)> = vec![("bobina", vec![]), ("ffmpeg -c copy", vec![])];
    // Found once when Bobina starts, not for each download.
    let tools = Tools::find(&ToolPaths::default()).await;
    let yt_dlp = tools.yt_dlp().ok().map(|tool| tool.path.clone());
    if yt_dlp.is_some() {
        rows.push(("yt-dlp -N 16", vec![]));
    } else {
        println!("skipped: yt-dlp is not on PATH");
    }
    for round in 0..rounds {
        for (place, (name, times)) in rows.iter_mut().enumerate() {
            let folder = work.path().join(format!("{place}-{round}"));
            std::fs::create_dir_all(&folder)?;
            let start = Instant::now();
            let film = match place {
                0 => ours(&tools, &url, &server.host, &folder).await?,
                1 => {
                    let film = folder.join("film.mp4");
                    run("ffmpeg", &["-v", "error", "-nostdin", "-i", &url, "-c", "copy", text(&film)?])?;
                    film
                }
                _ => {
                    let film = folder.join("film.mp4");
                    let program = yt_dlp.clone().unwrap_or_default();
                    run(text(&program)?, &["--ignore-config", "-q", "-N", "16", "-o", text(&film)?, &url])?;
                    film
                }
            };
            times.push(start.elapsed().as_secs_f64());
            let got = frames(&film)?;
            ensure!(got == expected, "{name} has {got} pictures of {expected}");
            std::fs::remove_dir_all(&folder)?;
        }
    }
    let medians: Vec<f64> = rows.iter_mut().map(|(_, times)| median(times)).collect();
    println!("HLS, {SEGMENTS} segments, {} ms latency, median of {rounds}:", LATENCY.as_millis());
    println!("{:<16} {:>9} {:>22}", "", "seconds", "bobina is faster by");
    for ((name, _), seconds) in rows.iter().zip(&medians) {
        println!("{name:<16} {seconds:>9.2} {:>21.2}x", seconds / medians[0]);
    }
    Ok(())
}

async fn ours(tools: &Tools, url: &str, host: &str, folder: &Path) -> Result<PathBuf> {
    let policy = NetPolicy { allow_hosts: vec![host.to_owned()], ..NetPolicy::default() };
    let request = FetchRequest { url: url.to_owned(), headers: vec![], policy, folder: folder.to_owned() };
    Ok(fetch(request, tools, &Run::quiet(folder)).await?.path)
}

/// A film of 200 s in segments of one second, about 100 kB each.
fn make_clip(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let video = format!("testsrc2=size=640x360:rate=25:duration={SEGMENTS}");
    let sound = format!("sine=frequency=440:duration={SEGMENTS}");
    let inputs = ["-v", "error", "-nostdin", "-f", "lavfi", "-i", &video, "-f", "lavfi", "-i", &sound];
    let codecs = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "25",
        "-sc_threshold",
        "0",
        "-b:v",
        "700k",
        "-c:a",
        "aac",
    ];
    let list = text(folder)?.to_owned() + "/main.m3u8";
    let hls = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "0", &list];
    run("ffmpeg", &[&inputs[..], &codecs, &hls].concat())
}

fn frames(film: &Path) -> Result<u64> {
    let args =
        ["-v", "error", "-count_packets", "-select_streams", "v", "-show_entries", "stream=nb_read_packets"];
    let said = program("ffprobe").args(args).args(["-of", "csv=p=0"]).arg(film).output()?;
    let line = String::from_utf8(said.stdout)?;
    line.lines().next().and_then(|l| l.trim_end_matches(',').parse().ok()).context("ffprobe counts nothing")
}

fn run(name: &str, args: &[&str]) -> Result<()> {
    let done = program(name).args(args).output().with_context(|| format!("{name} cannot be run"))?;
    if !done.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

/// The peers are run as a user would run them, not as Bobina runs its tools.
#[allow(clippy::disallowed_methods)]
fn program(name: &str) -> Command {
    Command::new(name)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path is not UTF-8")
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The server's process; it ends with this value.
struct Server {
    host: String,
    child: Child,
}

impl Server {
    fn start(folder: &Path) -> Result<Self> {
        let mut child = program(text(&std::env::current_exe()?)?)
            .args(["serve", text(folder)?])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut host = String::new();
        std::io::BufReader::new(child.stdout.take().context("no pipe")?).read_line(&mut host)?;
        Ok(Self { host: host.trim().to_owned(), child })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn serve_folder(folder: PathBuf) -> Result<()> {
    let mut files = std::collections::HashMap::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(format!("/{name}"), bytes::Bytes::from(std::fs::read(&path)?));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let app = axum::Router::new().fallback(move |request: Request| {
        let file = files.get(request.uri().path()).cloned();
        async move {
            tokio::time::sleep(LATENCY).await;
            let mut response = Response::new(Body::empty());
            match file {
                Some(bytes) => *response.body_mut() = Body::from(bytes),
                None => *response.status_mut() = axum::http::StatusCode::NOT_FOUND,
            }
            response
        }
    });
    axum::serve(listener, app).await?;
    Ok(())
}
