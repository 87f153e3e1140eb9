//! `bobina`: everything Bobina does, from the command line; no window, no WebKit.
//!
//! Owns flags, output and exit codes. Leaves every act to `backend::api`, reached through [`server::Host`].
//! Invariant: standard output holds the result and nothing else; with `--json` exactly one JSON document, errors
//! included. Notes and progress go to standard error. Exit codes: 0 done, 1 a task failed, 2 wrong use.

mod add;
mod args;
mod automation;
mod automation_args;
mod doctor;
mod edit;
mod failure;
mod input;
mod library;
mod logs;
mod models;
mod output;
mod progress;
mod providers;
mod serve;
mod session;
mod shelf;
mod signals;
mod tasks;
mod text;
mod wait;
mod watch;

use args::{Cli, Command};
use clap::Parser;
use clap::error::ErrorKind;
use failure::Failure;
use output::Output;
use session::Session;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return wrong_use(&error, &arguments),
    };
    if matches!(cli.command, Command::Worker) {
        // Speaks its own protocol and touches no data folder.
        return if media::speech::worker::serve() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    backend::audit::set_surface("command line");
    let output = Output::new(cli.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::from(domain::ApiError::internal(format!("No runtime: {error}")));
            return code(output.fail(&failure));
        }
    };
    let ended = runtime.block_on(run(cli, &output)).unwrap_or_else(|failure| output.fail(&failure));
    // Blocking work that nobody waits for any more (a read from a slow disk) must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code(ended)
}

fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}

async fn run(cli: Cli, output: &Output) -> Result<u8, Failure> {
    let session = Session::new(cli.data_dir.as_deref())?;
    match cli.command {
        Command::Add(args) => add::run(&session, output, args).await,
        Command::Tasks(args) => tasks::list(&session, output, args).await,
        Command::Task { id } => tasks::show(&session, output, &id).await,
        Command::Cancel { id } => tasks::cancel(&session, output, &id).await,
        Command::Pause(args) => tasks::pause(&session, output, args, true).await,
        Command::Resume(args) => tasks::pause(&session, output, args, false).await,
        Command::Retry(args) => tasks::retry(&session, output, args).await,
        Command::DeadLetters(args) => tasks::dead_letters(&session, output, args).await,
        Command::Library(args) => shelf::run(&session, output, args).await,
        Command::Search(args) => library::search(&session, output, args).await,
        Command::Transcript(args) => library::transcript(&session, output, args).await,
        Command::Versions { id } => edit::versions(&session, output, &id).await,
        Command::Edit { id, command } => edit::run(&session, output, &id, command).await,
        Command::Urls(args) => library::urls(&session, output, args).await,
        Command::Watch { command } => watch::run(&session, output, command).await,
        Command::Recipes => watch::recipes(&session, output).await,
        Command::Models { command } => models::run(&session, output, command).await,
        Command::Providers => providers::list(&session, output).await,
        Command::Keys { command } => providers::keys(&session, output, command).await,
        Command::Costs(args) => providers::costs(&session, output, args).await,
        Command::Api { command } => automation::api(&session, output, command).await,
        Command::Tokens { command } => automation::tokens(&session, output, command).await,
        Command::Webhooks { command } => automation::webhooks(&session, output, command).await,
        Command::Batch(args) => automation::batch(&session, output, args).await,
        Command::Stats(args) => automation::stats(&session, output, args).await,
        Command::Audit(args) => automation::audit(&session, output, args).await,
        Command::Doctor => doctor::run(&session, output).await,
        Command::Serve(args) => serve::run(&session, output, args).await,
        Command::Worker => Ok(0),
    }
}

/// Help and version go to standard output, usage errors to standard error; with `--json` as one document.
fn wrong_use(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let wants_json = arguments.iter().skip(1).take_while(|each| *each != "--").any(|each| each == "--json");
    if wants_json && !is_help {
        let text = error.render().to_string();
        return code(Output::new(true).fail(&Failure::usage(text.trim_start_matches("error: ").trim())));
    }
    // A closed pipe is no reason to complain.
    let _ = error.print();
    code(if is_help { 0 } else { 2 })
}
