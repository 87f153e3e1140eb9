//! The switch of the public API in a window: a listener on the settings' port while the setting is on.
//!
//! `serve` has a listener of its own and needs no switch; there the setting decides only whose tokens are let in.

use crate::host::Host;
use crate::start::{Running, ServeOptions};
use domain::Event;
use futures::StreamExt;
use serde_json::json;

/// Follows the setting until the host closes. A port that is taken is said in the log and tried again with the next
/// change of the settings.
pub async fn follow_api_switch(host: Host) {
    let mut events = host.events();
    let mut running: Option<Running> = None;
    loop {
        let settings = host.call("settings.get", json!({})).await.unwrap_or_default();
        let port = settings["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let wanted = port.filter(|_| settings["api_enabled"] == true);
        if running.as_ref().map(|running| running.port) != wanted {
            if let Some(old) = running.take() {
                old.shutdown().await;
            }
            if let Some(port) = wanted {
                match host.serve(ServeOptions { port: Some(port), ui: true, api: true }).await {
                    Ok(listening) => running = Some(listening),
                    Err(error) => tracing::warn!(port, %error, "the API is not served"),
                }
            }
        }
        loop {
            match events.next().await {
                Some(Event::SettingsChanged | Event::Lagged) => break,
                Some(_) => {}
                None => return,
            }
        }
    }
}
