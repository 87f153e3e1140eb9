//! The promises of `tools`, kept by real processes: the shell, `sleep`, and this test binary as a parent to kill.

use super::*;
use domain::ErrorCode;
use std::io::{BufRead, BufReader};
use std::time::Instant;

const LONG: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Program {
    Program::new("/bin/sh").args(["-c", script])
}

fn scratch() -> (tempfile::TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::quiet(folder.path());
    (folder, run)
}

/// Whether the process runs; a zombie waiting for somebody else to reap it does not.
fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !matches!(stat[stat.rfind(')').unwrap() + 2..].chars().next(), Some('Z' | 'X')))
}

fn gone_within(pid: u32, limit: Duration) -> bool {
    let start = Instant::now();
    while alive(pid) {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

fn read_pid(path: &Path) -> u32 {
    let start = Instant::now();
    loop {
        if let Some(pid) = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()) {
            return pid;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{} was never written", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn output_and_exit_code_are_kept() {
    let (_folder, run) = scratch();
    let done = shell("printf abc; printf oops >&2; exit 3").output(&run, LONG).await.unwrap();
    assert_eq!((done.code, done.stdout.as_slice(), done.stderr_tail.as_str()), (3, &b"abc"[..], "oops"));
    let error = done.succeeded("The test").unwrap_err();
    assert_eq!((error.code, error.detail.as_deref()), (ErrorCode::ToolFailed, Some("oops")));
    assert_eq!(shell("kill -9 $$").output(&run, LONG).await.unwrap().code, -9);
}

#[tokio::test]
async fn lines_come_one_by_one_and_bytes_all() {
    let (_folder, run) = scratch();
    let mut lines = Vec::new();
    shell(r"printf 'one\r\ntwo\rthree'")
        .each_line(&run, LONG, |line| lines.push(line.to_owned()))
        .await
        .unwrap();
    assert_eq!(lines, ["one", "two", "three"]);
    let mut bytes = 0;
    let done =
        shell("head -c 3000000 /dev/zero").stream(&run, LONG, |piece| bytes += piece.len()).await.unwrap();
    assert_eq!((done.code, bytes), (0, 3_000_000));
}

#[tokio::test]
async fn environment_is_clean_and_priority_low() {
    let (folder, run) = scratch();
    let done = shell("env; nice").env("GIVEN", "yes").low_priority().output(&run, LONG).await.unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    let mut names: Vec<&str> = said.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    // The shell itself adds PWD and may add SHLVL, OLDPWD and `_`.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    assert_eq!(names, ["BOBINA_CHILD", "GIVEN", "HOME", "LANG", "PATH", "TMPDIR"]);
    assert!(said.contains(&format!("HOME={}", folder.path().display())), "{said}");
    let nice: i32 = said.lines().last().unwrap().parse().unwrap();
    assert!(nice >= 10, "nice {nice}");
}

#[tokio::test]
async fn too_much_output_ends_it() {
    let (_folder, run) = scratch();
    let start = Instant::now();
    let error = shell("yes").max_output(100_000).output(&run, LONG).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ToolFailed);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn missing_program_and_full_disk_have_their_codes() {
    let (_folder, run) = scratch();
    let error = Program::new("/nonexistent/ffmpeg").output(&run, LONG).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ToolMissing);
    let error =
        shell("echo 'x.mp4: No space left on device' >&2; exit 1").output(&run, LONG).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::DiskFull);
    let nowhere = ToolPaths { ffmpeg: Some("/nonexistent/ffmpeg".into()), ..ToolPaths::default() };
    assert_eq!(Tools::find(&nowhere).await.ffmpeg().unwrap_err().code, ErrorCode::ToolMissing);
    let foreign = ToolPaths { ffmpeg: Some("/bin/true".into()), ..ToolPaths::default() };
    assert_eq!(Tools::find(&foreign).await.ffmpeg().unwrap_err().code, ErrorCode::ToolMissing);
}

#[tokio::test]
async fn cancel_kills_grandchildren_within_two_seconds() {
    let (folder, run) = scratch();
    let script =
        "sh -c 'trap \"\" TERM INT HUP; echo $$ > grand; while :; do sleep 1; done' & echo $$ > leader; wait";
    let (cancel, path) = (run.cancel.clone(), folder.path().to_path_buf());
    let work = tokio::spawn(async move { shell(script).output(&run, LONG).await });
    let (leader, grand) =
        tokio::task::spawn_blocking(move || (read_pid(&path.join("leader")), read_pid(&path.join("grand"))))
            .await
            .unwrap();
    assert!(alive(leader) && alive(grand));
    let start = Instant::now();
    cancel.cancel();
    assert_eq!(work.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
    assert!(gone_within(leader, Duration::from_secs(2)) && gone_within(grand, Duration::from_secs(2)));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn time_limit_kills_the_group() {
    let (folder, run) = scratch();
    let limit = Duration::from_millis(300);
    let error = shell("sleep 1000 & echo $! > grand; wait").output(&run, limit).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ProcessingTimeout);
    assert!(gone_within(read_pid(&folder.path().join("grand")), Duration::from_secs(2)));
}

#[tokio::test]
async fn what_a_child_leaves_running_ends_with_it() {
    let (folder, run) = scratch();
    let done = shell("sleep 1000 & echo $! > grand; echo done").output(&run, LONG).await.unwrap();
    assert_eq!((done.code, done.stdout.as_slice()), (0, &b"done\n"[..]));
    assert!(gone_within(read_pid(&folder.path().join("grand")), Duration::from_secs(2)));
    // One that leaves the group keeps the pipes open, but not us waiting.
    let start = Instant::now();
    shell("setsid sh -c 'echo $$ > away; exec sleep 60' & sleep 0.5").output(&run, LONG).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    let away = read_pid(&folder.path().join("away"));
    assert!(alive(away));
    // SAFETY: a plain system call on the process the test just started.
    unsafe { libc::kill(away as libc::pid_t, libc::SIGKILL) };
}

#[tokio::test]
async fn a_conversation_and_its_end_by_drop() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut child = Program::new("/bin/cat").spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    stdin.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    stdout.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
    drop(stdin);
    assert_eq!(child.wait().await, 0);
    let child = Program::new("/bin/sleep").arg("1000").spawn().unwrap();
    let pid = child.pid;
    assert!(alive(pid));
    drop(child);
    assert!(gone_within(pid, Duration::from_secs(2)));
}

#[tokio::test]
async fn a_dropped_call_kills_too() {
    let (folder, run) = scratch();
    let path = folder.path().join("leader");
    let work = tokio::spawn(async move { shell("echo $$ > leader; sleep 1000").output(&run, LONG).await });
    let pid = tokio::task::spawn_blocking(move || read_pid(&path)).await.unwrap();
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    assert!(gone_within(pid, Duration::from_secs(2)));
}

/// The program that gets killed, when the tests below start this test binary again.
#[tokio::test]
async fn role_of_a_parent() {
    let Some(folder) = std::env::var_os("BOBINA_TEST_PARENT").map(PathBuf::from) else { return };
    let record = Leftovers::open(&folder.join("record")).unwrap();
    // The leader dies with us; the one that left for another session does not.
    let script = "setsid sh -c 'echo $$ > away; exec sleep 1000' & exec sleep 1000";
    let child = shell(script).dir(&folder).spawn().unwrap();
    std::fs::write(folder.join("leader"), child.pid.to_string()).unwrap();
    println!("started");
    tokio::time::sleep(Duration::from_secs(100)).await;
    drop((child, record));
}

#[allow(clippy::disallowed_methods)] // the harness: a process that must not be our ward
fn parent(folder: &Path) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tools::tests::role_of_a_parent", "--nocapture"])
        .env("BOBINA_TEST_PARENT", folder)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_parent_leaves_no_child_and_leftovers_find_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = parent(folder.path());
    let mut said = BufReader::new(parent.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("started")));
    let (leader, away) = (read_pid(&folder.path().join("leader")), read_pid(&folder.path().join("away")));
    assert!(alive(leader) && alive(away));

    let record = Leftovers::open(&folder.path().join("record")).unwrap();
    assert_eq!(record.kill_leftovers().unwrap(), 0, "the children of a living process are its own");
    assert!(alive(leader) && alive(away));

    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(gone_within(leader, Duration::from_secs(2)), "the child outlived its parent");
    assert!(alive(away), "the one that left is what leftovers are for");
    assert_eq!(record.kill_leftovers().unwrap(), 1);
    assert!(gone_within(away, Duration::from_secs(2)));
    assert_eq!(record.kill_leftovers().unwrap(), 0);
    let files: Vec<_> = std::fs::read_dir(folder.path().join("record/children")).unwrap().collect();
    assert!(files.is_empty(), "{files:?}");
}

#[tokio::test]
async fn a_reaped_child_leaves_no_record() {
    let (folder, run) = scratch();
    let records = folder.path().join("records");
    let open = Leftovers::open(&records).unwrap();
    let records = records.join("children");
    let seen = shell(&format!("sleep 0.2; ls '{}'", records.display())).output(&run, LONG).await.unwrap();
    assert!(String::from_utf8(seen.stdout).unwrap().contains(".child"), "a running child is on record");
    drop(open);
    let left = || std::fs::read_dir(&records).unwrap().count();
    let start = Instant::now();
    // Other tests of this process may have children on the same record.
    while left() > 0 {
        assert!(start.elapsed() < Duration::from_secs(15), "{} records stay", left());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
