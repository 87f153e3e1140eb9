//! `bobina serve`: run the queue and serve the UI until asked to stop.

use crate::args::ServeArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{Session, typed};
use crate::signals;
use crate::text::plain;
use backend::api::types::Settings;
use domain::ApiError;
use serde_json::json;
use server::{Host, Role, Running, ServeOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

pub async fn run(session: &Session, output: &Output, args: ServeArgs) -> Result<u8, Failure> {
    let host = session.open(true).await?;
    let ended = serve(&host, output, args).await;
    host.close().await;
    ended.map(|()| 0)
}

async fn serve(host: &Host, output: &Output, args: ServeArgs) -> Result<(), Failure> {
    let port = match args.port {
        Some(port) => port,
        None => typed::<Settings>(host.call("settings.get", json!({})).await?)?.port,
    };
    let running = host.serve(ServeOptions { port: Some(port), ui: true, api: true }).await?;
    let role = host.role();
    let value = json!({ "address": running.ui_url, "port": running.port, "pid": std::process::id(), "data_dir": host.data_dir() });
    output.either(&value, || format!("{}\n", running.ui_url));
    output.note(&match role {
        Role::Owner => format!("Bobina works on {}. Ctrl-C stops it.", plain(&host.data_dir().to_string_lossy())),
        Role::Remote { pid, .. } => {
            format!("The Bobina of process {pid} works on the data; this one goes through it and takes over when it ends.")
        }
    });
    if !server::has_ui() {
        output.note(
            "This program was built without its user interface: build ui first (npm run build), then bobina.",
        );
    }
    let page = if args.open { open(host.data_dir(), &running, output) } else { None };
    signals::asked_to_stop().await;
    output.note("Stopping; what was running goes on at the next start.");
    if let Some(page) = page {
        // A page that is left behind holds a token that is worth nothing any more.
        let _ = std::fs::remove_file(page);
    }
    running.shutdown().await;
    Ok(())
}

/// Opens the browser. The address holds the token, so it goes through a private file: a command line can be read by
/// every user of the machine.
fn open(data_dir: &Path, running: &Running, output: &Output) -> Option<PathBuf> {
    let opened = write_page(data_dir, &running.ui_url)
        .map_err(|error| {
            ApiError::internal(format!("The page that opens the browser could not be written: {error}"))
        })
        .and_then(|page| {
            media::tools::open_address(&page.to_string_lossy())?;
            Ok(page)
        });
    opened
        .map_err(|error| {
            output.note(&format!("The browser could not be opened: {error}. Open the address yourself."))
        })
        .ok()
}

fn write_page(data_dir: &Path, address: &str) -> std::io::Result<PathBuf> {
    let page = data_dir.join("open.html");
    match std::fs::remove_file(&page) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = format!(
        "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0; url={address}\"><title>Bobina</title>\
         <a href=\"{address}\">Bobina</a>\n"
    );
    options.open(&page)?.write_all(text.as_bytes())?;
    Ok(page)
}
