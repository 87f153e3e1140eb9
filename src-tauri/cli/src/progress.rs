//! How tasks go on, shown on standard error: bars on a terminal, plain lines in a pipe.

use crate::text::{local, now, plain, relative};
use console::truncate_str;
use domain::task::{Hold, Waiting};
use domain::{Job, JobState, Task, TaskStatus};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Bars at once; more would push the terminal's other lines away.
const MAX_BARS: usize = 12;
/// In a pipe a step says every so many percent where it stands.
const LINE_STEP: f64 = 25.0;

/// Shows tasks.
pub struct Progress {
    bars: Option<MultiProgress>,
    shown: HashMap<String, Shown>,
}

/// What was last said of a task.
#[derive(Default)]
struct Shown {
    bar: Option<ProgressBar>,
    title: String,
    said: String,
    percent: f64,
    status: Option<TaskStatus>,
    /// The failed tries already told: job and count.
    told: Vec<(i64, u32)>,
}

impl Progress {
    pub fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, shown: HashMap::new() }
    }

    /// A task as it stands now.
    pub fn task(&mut self, task: &Task) {
        let bars_shown = self.shown.values().filter(|shown| shown.bar.is_some()).count();
        let shown = self.shown.entry(task.task_id.clone()).or_default();
        shown.title = plain(&task.title);
        let ended = task.status.is_final() || task.error.is_some();
        if let Some(bars) = &self.bars {
            if ended {
                if let Some(bar) = shown.bar.take() {
                    bar.finish_and_clear();
                }
            } else if shown.bar.is_none() && bars_shown < MAX_BARS {
                shown.bar = Some(bars.add(bar(&shown.title)));
            }
            if let Some(bar) = &shown.bar {
                bar.set_position(task.progress.clamp(0.0, 100.0) as u64);
                bar.set_message(sentence(task));
            }
        }
        let sentence = sentence(task);
        let is_news = match &task.waiting {
            Some(
                Waiting::Until { .. } | Waiting::For { .. } | Waiting::Paused | Waiting::PausedUntil { .. },
            ) => true,
            _ => self.bars.is_none(),
        };
        let moved = sentence != shown.said
            || shown.status != Some(task.status)
            || task.progress - shown.percent >= LINE_STEP;
        if is_news && moved && !ended {
            let line = format!("{}: {sentence} ({:.0} %)", shown.title, task.progress);
            shown.percent = task.progress;
            say(self.bars.as_ref(), &line);
        }
        if ended && shown.status != Some(task.status) && self.bars.is_none() {
            say(None, &format!("{}: {}", shown.title, task.status));
        }
        shown.said = sentence;
        shown.status = Some(task.status);
    }

    /// What a running step says of itself, beside the bar of its task; and why one will be tried again.
    pub fn job(&mut self, job: &Job) {
        let Some(shown) = self.shown.get_mut(&job.task_id) else { return };
        if let (Some(error), JobState::Scheduled) = (&job.error, job.state)
            && !shown.told.contains(&(job.job_id, job.attempts))
        {
            shown.told.push((job.job_id, job.attempts));
            let step = plain(&job.step);
            say(
                self.bars.as_ref(),
                &format!("{}: {step}: {} ({})", shown.title, plain(&error.message), error.code),
            );
        }
        if let (Some(bar), JobState::Running) = (&shown.bar, job.state) {
            let detail = job.detail.as_deref().map(plain).unwrap_or_default();
            bar.set_message(format!("{} {detail}", plain(&job.step)));
        }
    }

    /// Takes the bars away.
    pub fn finish(&mut self) {
        for shown in self.shown.values_mut() {
            if let Some(bar) = shown.bar.take() {
                bar.finish_and_clear();
            }
        }
    }
}

fn bar(title: &str) -> ProgressBar {
    let bar = ProgressBar::new(100);
    // The template is ours and right; the plain style is the fallback all the same.
    let style =
        ProgressStyle::with_template("{prefix:28} {bar:24.cyan/dim} {pos:>3} % {elapsed:>4} {wide_msg:.dim}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(truncate_str(title, 28, "…").into_owned());
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// What the task does or waits for, in a few words.
fn sentence(task: &Task) -> String {
    match &task.waiting {
        Some(Waiting::Paused) => "paused; `bobina resume` lets it go on".into(),
        Some(Waiting::PausedUntil { time }) => {
            format!("paused until {}; `bobina resume` lets it go on", local(*time, now()))
        }
        Some(Waiting::Held { by: Hold::Night, .. }) => "waits for the night, as the settings say".into(),
        Some(Waiting::Held { by: Hold::Power, .. }) => "waits for mains power, as the settings say".into(),
        Some(Waiting::Until { time, attempt }) if *attempt > 1 => {
            format!("failed; try {attempt} is at {} ({})", local(*time, now()), relative(*time, now()))
        }
        Some(Waiting::Until { time, .. }) => {
            format!("starts at {} ({})", local(*time, now()), relative(*time, now()))
        }
        Some(Waiting::For { code, time: Some(time) }) => {
            format!("waits ({code}); looks again at {} ({})", local(*time, now()), relative(*time, now()))
        }
        Some(Waiting::For { code, time: None }) => format!("waits ({code})"),
        Some(Waiting::Lane { lane, ahead }) if *ahead > 0 => format!("waits, {ahead} before it in {lane}"),
        _ => match &task.current_step {
            Some(step) => plain(step),
            None => task.status.to_string(),
        },
    }
}

fn say(bars: Option<&MultiProgress>, line: &str) {
    match bars {
        Some(bars) => {
            // A terminal that is gone needs no line.
            let _ = bars.println(line);
        }
        None => {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}
