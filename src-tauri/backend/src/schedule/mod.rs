//! When work may run by the settings: only at night, only on mains power.
//!
//! Owns the two rules and looking at them twice a minute; leaves holding the work back to the queue, whose pause by the
//! user stands beside. Invariant: without a rule in force nothing is held; what cannot be known (no such system, no
//! battery) holds nothing back.

mod power;

use crate::Backend;
use crate::api::types::Settings;
use crate::store::pauses::Scope;
use domain::task::Hold;
use domain::{ApiError, Event, UtcTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use std::path::Path;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// Between two looks at the clock and the mains.
const LOOK: Duration = Duration::from_secs(30);

/// Where Linux tells of batteries and chargers.
const POWER_SUPPLIES: &str = "/sys/class/power_supply";

/// Minutes since midnight of a time such as `22:00`; none when it is no time of the day.
pub(crate) fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: u32| {
        let two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        two_digits.then(|| text.parse::<u32>().ok()).flatten().filter(|number| *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// Whether that minute of the day is night; a night from one time to the same time is the whole day.
fn is_night(minute: u32, from: u32, to: u32) -> bool {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => (from..to).contains(&minute),
        std::cmp::Ordering::Greater => minute >= from || minute < to,
        std::cmp::Ordering::Equal => true,
    }
}

/// When the night begins, if it is not night now: the next such time by the clock of `zone`.
fn night_begins(settings: &Settings, now: UtcTime, zone: &TimeZone) -> Option<UtcTime> {
    let (from, to) = (minutes(&settings.night_from)?, minutes(&settings.night_to)?);
    let local: Zoned = Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let minute = |part: i8| u32::try_from(part).unwrap_or_default();
    if is_night(minute(local.hour()) * 60 + minute(local.minute()), from, to) {
        return None;
    }
    let hour = i8::try_from(from / 60).ok()?;
    let begin =
        |day: &Zoned| day.date().at(hour, i8::try_from(from % 60).ok()?, 0, 0).to_zoned(zone.clone()).ok();
    let today = begin(&local)?;
    let begins = if today > local { today } else { begin(&local.checked_add(1.day()).ok()?)? };
    Some(UtcTime(begins.timestamp().as_millisecond()))
}

/// Looks at the rules as long as the engine lives.
pub(crate) async fn keep(backend: std::sync::Weak<crate::open::Inner>) {
    let Some(inner) = backend.upgrade() else { return };
    let mut events = inner.events.subscribe();
    drop(inner);
    loop {
        let Some(inner) = backend.upgrade() else { return };
        if let Err(error) = look(&Backend::from(inner), Path::new(POWER_SUPPLIES)).await {
            tracing::warn!(%error, "the schedule could not be obeyed; it is tried again");
        }
        let news = async {
            // Until the settings change; a gap in the events may have hidden that.
            loop {
                match events.recv().await {
                    Ok(Event::SettingsChanged) | Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = news => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Holds back or lets go, as the rules say just now.
async fn look(backend: &Backend, supplies: &Path) -> Result<(), ApiError> {
    let settings = backend.settings.get();
    let zone = TimeZone::system();
    let night = settings.night_only.then(|| night_begins(&settings, backend.clock.now(), &zone)).flatten();
    obey(backend, Hold::Night, night.is_some(), night).await?;
    let battery = settings.mains_only && !power::on_mains(supplies);
    obey(backend, Hold::Power, battery, None).await
}

async fn obey(backend: &Backend, by: Hold, held: bool, until: Option<UtcTime>) -> Result<(), ApiError> {
    match held {
        true => backend.queue.hold(Scope::Hold(by), until).await,
        false => backend.queue.let_go(Scope::Hold(by)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_day() {
        assert_eq!(minutes("00:00"), Some(0));
        assert_eq!(minutes("23:59"), Some(1439));
        for wrong in ["24:00", "7:00", "12:60", "", "noon", "1200", "+1:00"] {
            assert_eq!(minutes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nights_may_pass_midnight() {
        let (ten, seven) = (22 * 60, 7 * 60);
        assert!(is_night(23 * 60, ten, seven) && is_night(0, ten, seven) && is_night(ten, ten, seven));
        assert!(!is_night(seven, ten, seven) && !is_night(12 * 60, ten, seven));
        assert!(is_night(60, 0, 120) && !is_night(120, 0, 120));
        assert!(is_night(5, 60, 60));
    }

    #[test]
    fn the_night_begins_by_the_clock_on_the_wall() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let settings = Settings::default();
        let at = |text: &str| text.parse::<UtcTime>().unwrap();
        // 15:00 in São Paulo; 22:00 there is 01:00 UTC of the next day.
        assert_eq!(
            night_begins(&settings, at("2026-11-21T18:00:00Z"), &zone),
            Some(at("2026-11-22T01:00:00Z"))
        );
        // 23:30 in São Paulo.
        assert_eq!(night_begins(&settings, at("2026-11-22T02:30:00Z"), &zone), None);
        let early = Settings { night_from: "01:00".into(), night_to: "05:00".into(), ..settings };
        assert_eq!(night_begins(&early, at("2026-11-22T02:30:00Z"), &zone), Some(at("2026-11-22T04:00:00Z")));
    }
}
