//! What the desktop around the window is told while the engine works: the tray, the notice at the end of a batch,
//! that the machine is to stay awake.
//!
//! Owns listening and the pace (twice a second at most). Invariant: a desktop that lacks one of these is told nothing
//! and everything else goes on; notices tell of a batch, never of each file.

use super::closing::Closing;
use super::engine::Engine;
use super::links::{self, Wanted};
use super::tray::Tray;
use super::words::Language;
use backend::api::types::{QueueStatus, Settings};
use domain::{ApiError, Event, Task, TaskStatus};
use futures::StreamExt;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;
use tauri::{AppHandle, Manager};

const PACE: Duration = Duration::from_millis(500);

/// Follows the engine until it closes.
pub(super) async fn follow(app: AppHandle, engine: Engine, tray: Option<Tray>) {
    let mut events = engine.events().await;
    let mut desktop = Desktop { app, tray, awake: None, ended: HashMap::new() };
    loop {
        if let Err(error) = desktop.look(&engine).await {
            tracing::warn!(%error, "the desktop could not be told how the queue stands");
        }
        let Some(event) = events.next().await else { return };
        desktop.hear(event);
        let pause = tokio::time::sleep(PACE);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                event = events.next() => match event {
                    Some(event) => desktop.hear(event),
                    None => return,
                },
            }
        }
    }
}

struct Desktop {
    app: AppHandle,
    tray: Option<Tray>,
    awake: Option<keepawake::KeepAwake>,
    /// What has ended since the last notice; the last word on each task.
    ended: HashMap<String, Ended>,
}

/// A task that has ended.
#[derive(Clone, Debug)]
struct Ended {
    title: String,
    failed: bool,
    media_id: Option<String>,
}

impl Desktop {
    fn hear(&mut self, event: Event) {
        let Event::TaskChanged { task } = event else { return };
        match ended(&task) {
            Some(ended) => drop(self.ended.insert(task.task_id, ended)),
            None => drop(self.ended.remove(&task.task_id)),
        }
    }

    async fn look(&mut self, engine: &Engine) -> Result<(), ApiError> {
        let status: QueueStatus = read(engine, "queue.status").await?;
        let settings: Settings = read(engine, "settings.get").await?;
        let language = Language::of(&settings.ui_language);
        let working = status.processing > 0 && !status.paused && status.held.is_none();
        self.app.state::<Closing>().told(
            &settings,
            status.processing + status.queued > 0,
            self.tray.is_some(),
        );
        if let Some(tray) = &self.tray
            && let Err(error) = tray.tell(&status, language)
        {
            tracing::debug!(%error, "the tray did not change");
        }
        self.stay_awake(working && settings.keep_awake, language);
        if status.processing + status.queued == 0 && !self.ended.is_empty() {
            let ended: Vec<Ended> = self.ended.drain().map(|(_, ended)| ended).collect();
            let seen = self
                .app
                .get_webview_window(super::MAIN)
                .is_some_and(|window| window.is_focused().unwrap_or_default());
            if settings.notify && !seen {
                notify(self.app.clone(), language, ended);
            }
        }
        Ok(())
    }

    fn stay_awake(&mut self, wanted: bool, language: Language) {
        if wanted == self.awake.is_some() {
            return;
        }
        if !wanted {
            self.awake = None;
            return;
        }
        let reason = language.say("awake.reason", &[]);
        let mut builder = keepawake::Builder::default();
        builder
            .idle(true)
            .sleep(true)
            .app_name("Bobina")
            .app_reverse_domain("app.bobina.desktop")
            .reason(reason);
        match builder.create() {
            Ok(awake) => self.awake = Some(awake),
            Err(error) => tracing::debug!(%error, "the system cannot be kept awake"),
        }
    }
}

fn ended(task: &Task) -> Option<Ended> {
    let failed = match task.status {
        TaskStatus::Completed => false,
        TaskStatus::Failed => true,
        TaskStatus::Queued | TaskStatus::Processing | TaskStatus::Cancelled => return None,
    };
    Some(Ended { title: task.title.clone(), failed, media_id: task.media_id.clone() })
}

async fn read<T: serde::de::DeserializeOwned>(engine: &Engine, name: &str) -> Result<T, ApiError> {
    let answer = engine.call(name, json!({})).await?;
    serde_json::from_value(answer).map_err(|error| ApiError::internal(format!("{name}: {error}")))
}

/// What the notice says, and what a click on it shows.
fn notice(language: Language, ended: &[Ended]) -> (String, Wanted) {
    if let [one] = ended {
        let key = if one.failed { "notice.failed" } else { "notice.done" };
        let wanted = match &one.media_id {
            Some(media_id) if !one.failed => Wanted::Media { media_id: media_id.clone(), at: None },
            _ => Wanted::Activity,
        };
        return (language.say(key, &[("title", &one.title)]), wanted);
    }
    let failed = ended.iter().filter(|each| each.failed).count();
    let (done, failed) = ((ended.len() - failed).to_string(), failed.to_string());
    (language.say("notice.batch", &[("done", &done), ("failed", &failed)]), Wanted::Activity)
}

/// One notice for the batch; a click on it shows the result. It waits for the click in a thread of its own.
fn notify(app: AppHandle, language: Language, ended: Vec<Ended>) {
    let (text, wanted) = notice(language, &ended);
    let show = language.say("notice.open", &[]);
    std::thread::spawn(move || {
        let mut notice = notify_rust::Notification::new();
        notice.appname("Bobina").summary("Bobina").body(&text).icon("bobina-desktop");
        #[cfg(all(unix, not(target_os = "macos")))]
        notice.action("default", &show);
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        let _ = show;
        match notice.show() {
            #[cfg(all(unix, not(target_os = "macos")))]
            Ok(handle) => handle.wait_for_action(|action| {
                if action == "default" {
                    super::bring_to_front(&app);
                    links::open(&app, wanted);
                }
            }),
            #[cfg(not(all(unix, not(target_os = "macos"))))]
            Ok(_) => drop((app, wanted)),
            Err(error) => tracing::debug!(%error, "there is nobody who shows notices"),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(title: &str, failed: bool) -> Ended {
        Ended { title: title.into(), failed, media_id: Some("m1".into()) }
    }

    #[test]
    fn a_batch_is_one_notice() {
        let language = Language::of("en");
        let single = notice(language, &[one("a.mp4", false)]);
        assert_eq!(single, ("Done: a.mp4".into(), Wanted::Media { media_id: "m1".into(), at: None }));
        assert_eq!(notice(language, &[one("a.mp4", true)]).1, Wanted::Activity);
        let batch = notice(language, &[one("a", false), one("b", true), one("c", false)]);
        assert_eq!(batch, ("Finished: 2 done, 1 failed".into(), Wanted::Activity));
    }
}
