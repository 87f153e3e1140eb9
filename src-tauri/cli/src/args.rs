//! The flags, as clap reads them.

use clap::{Args, Parser, Subcommand};
use domain::{ErrorCode, Priority, TaskKind, TaskStatus, UrlStatus};
use std::ffi::OsString;
use std::path::PathBuf;

/// Add media, get a searchable transcript, lose nothing.
#[derive(Debug, Parser)]
#[command(
    name = "bobina",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Data folder; the user's own by default
    #[arg(long, global = true, value_name = "DIR", env = backend::folder::DATA_DIR_VARIABLE)]
    pub data_dir: Option<PathBuf>,
    /// Print exactly one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Queue files, folders and links
    Add(AddArgs),
    /// List tasks
    Tasks(TasksArgs),
    /// Show a task with its steps and attempts
    Task {
        /// A task's id, or its beginning
        id: String,
    },
    /// Cancel a task
    Cancel {
        /// A task's id, or its beginning
        id: String,
    },
    /// Pause a task, a lane or everything
    Pause(PauseArgs),
    /// Undo a pause
    Resume(PauseArgs),
    /// Try a failed or cancelled task again
    Retry(RetryArgs),
    /// List jobs that will not be tried again by themselves, or put them away
    DeadLetters(DeadLettersArgs),
    /// List the media; remove, bring back, tag and find them
    #[command(args_conflicts_with_subcommands = true)]
    Library(LibraryArgs),
    /// Find what was said
    Search(SearchArgs),
    /// Print a transcript
    Transcript(TranscriptArgs),
    /// List the versions of a transcript
    Versions {
        /// Id of a transcript, a media or a task
        id: String,
    },
    /// Edit a transcript; what an engine heard is kept
    Edit {
        /// Id of a transcript, a media or a task
        id: String,
        #[command(subcommand)]
        command: EditCommand,
    },
    /// List URLs and where they stand
    Urls(UrlsArgs),
    /// Watch folders for new media
    Watch {
        #[command(subcommand)]
        command: WatchCommand,
    },
    /// List recipes
    Recipes,
    /// List, download, import and remove speech models
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// List cloud services, their models and prices, and whether a key is there
    Providers,
    /// Set, test and remove the keys of cloud services
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Show what cloud services have cost, and cap it
    Costs(CostsArgs),
    /// Let programs in, or not
    Api {
        #[command(subcommand)]
        command: crate::automation_args::ApiCommand,
    },
    /// Make, list and end tokens for programs
    Tokens {
        #[command(subcommand)]
        command: crate::automation_args::TokensCommand,
    },
    /// Tell other programs what happens to tasks
    Webhooks {
        #[command(subcommand)]
        command: crate::automation_args::WebhooksCommand,
    },
    /// Queue a file of tasks, all or none, or show a batch
    Batch(crate::automation_args::BatchArgs),
    /// How tasks ended, by day and kind
    Stats(crate::automation_args::StatsArgs),
    /// Who asked for what
    Audit(crate::automation_args::AuditArgs),
    /// Check tools, models and the data folder
    Doctor,
    /// Run the queue and serve the user interface on this machine
    Serve(ServeArgs),
    /// The child that runs the speech models; started by Bobina itself
    #[command(hide = true)]
    Worker,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Keep a key, read from standard input, and try it
    Set {
        /// A cloud service, such as openai
        name: String,
    },
    /// Try a key with a question that costs nothing
    Test {
        /// A cloud service, such as openai
        name: String,
    },
    /// Forget a key
    Remove {
        /// A cloud service, such as openai
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct CostsArgs {
    /// Such as 2026-11; this month when left out
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<String>,
    /// Cap this service, or * for all together, with --soft and --hard; without them the cap is taken away
    #[arg(long, value_name = "NAME", conflicts_with = "month")]
    pub cap: Option<String>,
    /// Dollars a month above which is warned
    #[arg(long, value_name = "DOLLARS", requires = "cap")]
    pub soft: Option<f64>,
    /// Dollars a month above which tasks wait
    #[arg(long, value_name = "DOLLARS", requires = "cap")]
    pub hard: Option<f64>,
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// Files, folders (recursive) and URLs
    #[arg(required = true, value_name = "PATH|URL")]
    pub sources: Vec<OsString>,
    /// download, transcribe, vsl or one of your own
    #[arg(long, value_name = "NAME")]
    pub recipe: Option<String>,
    /// auto, or a language such as en or pt
    #[arg(long, default_value = "auto", value_name = "LANGUAGE")]
    pub language: String,
    /// auto, basic, whisper:<model>, a cloud service such as openai:whisper-1, or cloud:cost, cloud:quality, cloud:speed …
    #[arg(long, default_value = "auto", value_name = "ENGINE")]
    pub engine: String,
    /// low, medium, high or urgent
    #[arg(long, default_value = "medium", value_parser = word::<Priority>, value_name = "PRIORITY")]
    pub priority: Priority,
    /// Sent with the requests for these URLs: "Name: value", or @FILE with one a line (keeps secrets off the command line)
    #[arg(long = "header", value_name = "K: V|@FILE")]
    pub headers: Vec<String>,
    /// A host in a private range that these downloads may reach
    #[arg(long = "allow-host", value_name = "HOST")]
    pub allow_hosts: Vec<String>,
    /// Not before a time: 2026-11-21T22:00:00Z, "2026-11-21 22:00", 22:00 or +2h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub not_before: Option<String>,
    /// Do finished steps again
    #[arg(long)]
    pub again: bool,
    /// Wait until the tasks have ended
    #[arg(long)]
    pub wait: bool,
}

#[derive(Debug, Args)]
pub struct TasksArgs {
    /// queued, processing, completed, failed or cancelled
    #[arg(long, value_parser = word::<TaskStatus>, value_name = "STATUS")]
    pub status: Option<TaskStatus>,
    /// Such as media_processing
    #[arg(long, value_parser = word::<TaskKind>, value_name = "KIND")]
    pub kind: Option<TaskKind>,
    #[command(flatten)]
    pub page: PageArgs,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct PageArgs {
    /// How many, 1 to 500 (all where nothing is said; of tasks and hits the first page)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: Option<u32>,
    /// How many to pass over
    #[arg(long, value_name = "N")]
    pub offset: Option<u32>,
}

#[derive(Debug, Args)]
pub struct LibraryArgs {
    #[command(subcommand)]
    pub command: Option<LibraryCommand>,
    /// Only with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    #[command(flatten)]
    pub page: PageArgs,
}

#[derive(Debug, Subcommand)]
pub enum LibraryCommand {
    /// Remove media; what Bobina fetched goes to the system's trash, your own files stay
    Remove {
        #[arg(required = true, value_name = "MEDIA_ID")]
        ids: Vec<String>,
    },
    /// Bring removed media back, within a week
    Restore {
        #[arg(required = true, value_name = "MEDIA_ID")]
        ids: Vec<String>,
    },
    /// Put tags on media, or take them off
    Tag {
        #[arg(required = true, value_name = "MEDIA_ID")]
        ids: Vec<String>,
        #[arg(long, value_name = "TAG", required_unless_present = "remove")]
        add: Vec<String>,
        #[arg(long, value_name = "TAG")]
        remove: Vec<String>,
    },
    /// Find a file that was moved, by its content
    Find {
        #[arg(value_name = "MEDIA_ID")]
        id: String,
        /// The file, or a folder that holds it somewhere
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
    /// Delete files that nothing refers to any more
    Sweep,
}

#[derive(Debug, Args)]
pub struct PauseArgs {
    /// A task's id, or its beginning; everything when left out
    pub id: Option<String>,
    /// A lane: net, cpu, model or provider:<name>
    #[arg(long, conflicts_with = "id", value_name = "LANE")]
    pub lane: Option<String>,
}

#[derive(Debug, Args)]
pub struct RetryArgs {
    /// A task's id, or its beginning
    #[arg(required_unless_present = "all_failed")]
    pub id: Option<String>,
    /// All tasks that failed
    #[arg(long, conflicts_with = "id")]
    pub all_failed: bool,
}

#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    /// Put letters away: all, those of one task or those with one code; the tasks stay failed
    #[arg(long)]
    pub clear: bool,
    /// With --clear: a task's id, or its beginning
    #[arg(requires = "clear")]
    pub id: Option<String>,
    /// With --clear: an error code such as FILE_NOT_FOUND
    #[arg(long, requires = "clear", value_name = "CODE", value_parser = error_code)]
    pub code: Option<ErrorCode>,
    #[command(flatten)]
    pub page: PageArgs,
}

#[derive(Debug, Args)]
pub struct SearchArgs {
    /// The last word matches as a beginning; "in quotes" as a phrase
    #[arg(required = true, value_name = "WORDS")]
    pub words: Vec<String>,
    /// Only in this media
    #[arg(long, value_name = "MEDIA_ID")]
    pub media: Option<String>,
    #[command(flatten)]
    pub page: PageArgs,
}

#[derive(Debug, Args)]
pub struct TranscriptArgs {
    /// Id of a transcript, a media or a task
    pub id: String,
    /// txt, md, srt, vtt, ass, json or csv
    #[arg(long, value_name = "FORMAT", value_parser = ["txt", "md", "srt", "vtt", "ass", "json", "csv"])]
    pub format: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum EditCommand {
    /// Replace a text everywhere
    Replace {
        find: String,
        with: String,
        /// Case and accents matter
        #[arg(long)]
        match_case: bool,
        /// Not within longer words
        #[arg(long)]
        whole_words: bool,
    },
    /// Give a speaker another name everywhere
    Speaker { from: String, to: String },
    /// Take the last edit back
    Undo,
    /// Do the last edit that was taken back again
    Redo,
    /// Show this version, and search it
    Show,
    /// Remove this version
    Remove,
}

#[derive(Debug, Args)]
pub struct UrlsArgs {
    /// pending_ingest, downloading, downloaded, transcribed, categorized or failed
    #[arg(long, value_parser = word::<UrlStatus>, value_name = "STATUS")]
    pub status: Option<UrlStatus>,
    #[command(flatten)]
    pub page: PageArgs,
}

#[derive(Debug, Subcommand)]
pub enum WatchCommand {
    /// Watch a folder
    Add {
        dir: PathBuf,
        /// Recipe of what appears there
        #[arg(long, value_name = "NAME")]
        recipe: Option<String>,
        /// Its subfolders too
        #[arg(long)]
        subfolders: bool,
    },
    /// List watched folders
    List,
    /// Stop watching a folder
    Remove {
        /// Its id or its path
        #[arg(value_name = "ID|DIR")]
        watch: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List speech models
    List,
    /// Download a model, or go on with it
    Download { name: String },
    /// Take in a model file
    Import {
        file: PathBuf,
        /// Its name here; from the file's name when left out
        #[arg(long)]
        name: Option<String>,
    },
    /// Remove a model
    Remove { name: String },
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// 4782 unless the settings say otherwise; 0 for any free one
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Open the address in the browser
    #[arg(long)]
    pub open: bool,
}

/// One of the words of a closed set; the error lists them.
fn word<T: std::str::FromStr<Err = domain::UnknownWord>>(text: &str) -> Result<T, domain::UnknownWord> {
    text.parse()
}

/// One of the closed codes, in capitals or not.
fn error_code(text: &str) -> Result<ErrorCode, domain::UnknownWord> {
    let wanted = text.trim().to_ascii_uppercase();
    let found = ErrorCode::ALL.iter().find(|code| code.as_str() == wanted);
    found
        .copied()
        .ok_or_else(|| domain::UnknownWord(format!("\"{text}\" is not an error code such as FILE_NOT_FOUND")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_subcommand() {
        for arguments in [
            ["bobina", "--json", "--data-dir", "x", "tasks"],
            ["bobina", "tasks", "--json", "--data-dir", "x"],
            ["bobina", "--json", "tasks", "--data-dir", "x"],
        ] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            assert!(cli.json, "{arguments:?}");
            assert_eq!(cli.data_dir, Some("x".into()), "{arguments:?}");
        }
    }

    #[test]
    fn wrong_words_are_named_with_the_right_ones() {
        let error = Cli::try_parse_from(["bobina", "tasks", "--status", "done"]).unwrap_err().to_string();
        assert!(error.contains("queued, processing, completed, failed, cancelled"), "{error}");
    }
}
