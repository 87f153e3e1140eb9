//! The command table and what is derived from it.

use super::editing_types::*;
use super::library_types::*;
use super::provider_types::*;
use super::types::*;
use crate::Backend;
use crate::api::upkeep::StorageReport;
use domain::source::UrlItem;
use domain::{ApiError, ErrorCode, Event, Recipe, Task, Transcript};
use serde_json::Value;

macro_rules! commands {
    ($( $(#[doc = $doc:literal])* $name:literal $function:path : $input:ty => $output:ty; )*) => {
        /// Every command: its name and what it does.
        pub const COMMANDS: &[(&str, &str)] = &[ $( ($name, concat!($($doc),*)), )* ];

        async fn run(backend: &Backend, name: &str, input: Value) -> Result<Value, ApiError> {
            match name {
                $( $name => {
                    let input: $input = decode(name, input)?;
                    let output: $output = $function(backend, input).await?;
                    encode(output)
                } )*
                _ => Err(ApiError::new(ErrorCode::CommandUnknown, format!("there is no command \"{name}\""))),
            }
        }

        fn export_commands(config: &ts_rs::Config) -> String {
            use ts_rs::TS;
            let mut rows = String::new();
            $( rows.push_str(&format!("  /**{} */\n  \"{}\": {{ input: {}; output: {} }};\n", concat!($($doc),*), $name, <$input>::name(config), <$output>::name(config))); )*
            rows
        }

        fn export_all(config: &ts_rs::Config) -> Result<(), ts_rs::ExportError> {
            use ts_rs::TS;
            $( <$input>::export_all(config)?; <$output>::export_all(config)?; )*
            Event::export_all(config)
        }
    };
}

commands! {
    /// Queue files, folders and links.
    "tasks.add" crate::api::tasks::add: AddRequest => AddOutcome;
    /// Queue the sample clip that comes with the program.
    "tasks.add_sample" crate::api::tasks::add_sample: Nothing => AddOutcome;
    /// Do one thing to many tasks.
    "tasks.bulk" crate::api::bulk::run: BulkRequest => BulkOutcome;
    /// One page of the tasks.
    "tasks.list" crate::api::tasks::list: TaskQuery => Page<Task>;
    /// A task with its steps and attempts.
    "tasks.get" crate::api::tasks::get: TaskId => TaskDetail;
    /// Cancel a task, a running one too.
    "tasks.cancel" crate::api::tasks::cancel: TaskId => Task;
    /// Pause a task, a lane or everything.
    "tasks.pause" crate::api::tasks::pause: PauseRequest => QueueStatus;
    /// Undo a pause.
    "tasks.resume" crate::api::tasks::resume: PauseRequest => QueueStatus;
    /// Try a failed or cancelled task again, or all that failed.
    "tasks.retry" crate::api::tasks::retry: RetryRequest => Retried;
    /// Move a queued task.
    "tasks.reorder" crate::api::tasks::reorder: ReorderRequest => Task;
    /// Change a task's priority.
    "tasks.set_priority" crate::api::tasks::set_priority: PriorityRequest => Task;
    /// Do one step and what depends on it again.
    "tasks.run_step" crate::api::tasks::run_step: RunStepRequest => TaskDetail;
    /// Jobs that will not be tried again by themselves.
    "dead_letters.list" crate::api::tasks::dead_letters: PageQuery => Page<DeadLetter>;
    /// Put dead letters away; their tasks stay failed.
    "dead_letters.clear" crate::api::tasks::clear_letters: ClearLetters => ClearedLetters;
    /// The queue at a glance.
    "queue.status" crate::api::tasks::queue_status: Nothing => QueueStatus;
    /// One page of the media.
    "library.list" crate::api::library::list: LibraryQuery => Page<MediaItem>;
    /// One media with its transcripts.
    "library.get" crate::api::library::get: MediaId => MediaDetail;
    /// Find what was said.
    "library.search" crate::api::library::search: SearchQuery => Page<SearchHit>;
    /// Put tags on media and take others off.
    "library.tag" crate::api::library::tag: TagRequest => Nothing;
    /// Say what a media is about; the user's word stands before the word lists'.
    "library.categorize" crate::api::library::categorize: CategoryRequest => MediaDetail;
    /// What the library can be filtered by.
    "library.facets" crate::api::library::facets: Nothing => Facets;
    /// Remove media; what Bobina fetched goes to the system's trash, files of the user's stay.
    "library.remove" crate::api::library::remove: MediaIds => Removed;
    /// Bring removed media back.
    "library.restore" crate::api::library::restore: MediaIds => Nothing;
    /// Find the file of a media again, where it was moved.
    "library.find_file" crate::api::library::find_file: FindFileRequest => MediaDetail;
    /// Delete files that nothing refers to any more.
    "library.sweep" crate::api::library::sweep: Nothing => Swept;
    /// Saved searches.
    "searches.list" crate::api::library::searches: Nothing => Page<SavedSearch>;
    /// Save a search under a name.
    "searches.save" crate::api::library::save_search: SaveSearchRequest => SavedSearch;
    /// Forget a saved search.
    "searches.remove" crate::api::library::forget_search: SearchId => Nothing;
    /// A transcript with segments and words.
    "transcripts.get" crate::api::library::transcript: TranscriptId => Transcript;
    /// A transcript as a file.
    "transcripts.export" crate::api::library::export: ExportRequest => Exported;
    /// Edit a transcript; a version that an engine made is copied first.
    "transcripts.edit" crate::api::library::edit: EditRequest => Edited;
    /// Take the last edit of a transcript back.
    "transcripts.undo" crate::api::library::undo: UndoRequest => Edited;
    /// Do the last edit that was taken back again.
    "transcripts.redo" crate::api::library::redo: UndoRequest => Edited;
    /// Make a version the one that is shown and searched.
    "transcripts.show" crate::api::library::show: TranscriptId => MediaDetail;
    /// Remove a version of a transcript; the only one stays.
    "transcripts.remove" crate::api::library::remove_version: TranscriptId => MediaDetail;
    /// URLs and where they stand.
    "urls.list" crate::api::library::urls: UrlQuery => Page<UrlItem>;
    /// Watch a folder.
    "watch.add" crate::api::system::watch_add: WatchAddRequest => WatchedFolder;
    /// Watched folders.
    "watch.list" crate::api::system::watch_list: Nothing => Page<WatchedFolder>;
    /// Stop watching a folder.
    "watch.remove" crate::api::system::watch_remove: WatchId => Nothing;
    /// Recipes, built-in and the user's own.
    "recipes.list" crate::api::system::recipes: Nothing => Page<RecipeItem>;
    /// Store a recipe of the user's.
    "recipes.save" crate::api::system::recipe_save: Recipe => RecipeItem;
    /// Remove a recipe of the user's.
    "recipes.remove" crate::api::system::recipe_remove: ModelName => Nothing;
    /// What the library takes.
    "storage.usage" crate::api::upkeep::storage: Nothing => StorageReport;
    /// A report for whoever helps, without secrets.
    "support.bundle" crate::api::upkeep::support: Nothing => Exported;
    /// Speech models.
    "models.list" crate::api::system::models: Nothing => Page<ModelItem>;
    /// Start, or go on with, the download of a model.
    "models.download" crate::api::system::model_download: ModelName => ModelItem;
    /// Stop the download of a model; what has arrived is kept for the next try.
    "models.cancel" crate::api::system::model_cancel: ModelName => ModelItem;
    /// Take in a model file.
    "models.import" crate::api::system::model_import: ModelImport => ModelItem;
    /// Remove a model.
    "models.remove" crate::api::system::model_remove: ModelName => Nothing;
    /// Cloud services, their models, and whether a key is there.
    "providers.list" crate::api::providers::list: Nothing => Page<ProviderItem>;
    /// Keep a key for a service, and try it with a question that costs nothing.
    "keys.set" crate::api::providers::key_set: KeyRequest => KeyState;
    /// Try the key of a service with a question that costs nothing.
    "keys.test" crate::api::providers::key_test: ProviderName => KeyState;
    /// Forget the key of a service.
    "keys.remove" crate::api::providers::key_remove: ProviderName => Nothing;
    /// What a month's calls have cost.
    "costs.get" crate::api::providers::costs: CostQuery => CostReport;
    /// Cap what may be spent in a month.
    "costs.set_cap" crate::api::providers::set_cap: CapRequest => Nothing;
    /// Check tools, models and the data folder.
    "doctor.run" crate::api::system::doctor: Nothing => DoctorReport;
    /// The user's settings.
    "settings.get" crate::api::system::settings: Nothing => Settings;
    /// Replace the user's settings.
    "settings.set" crate::api::system::set_settings: Settings => Settings;
    /// What was wrong with the settings file at the start.
    "settings.problems" crate::api::system::settings_problems: Nothing => SettingsProblems;
    /// Make a token for a program; shown this once.
    "tokens.create" crate::tokens::create: TokenRequest => NewToken;
    /// Tokens, never shown themselves.
    "tokens.list" crate::tokens::list: Nothing => Page<TokenItem>;
    /// End a token.
    "tokens.revoke" crate::tokens::revoke: TokenRef => TokenItem;
    /// Whose token this is.
    "tokens.check" crate::tokens::check: Presented => Principal;
    /// Who asked for what.
    "audit.list" crate::audit::list: AuditQuery => Page<AuditItem>;
    /// Queue tasks as programs describe them, all or none.
    "tasks.submit" crate::submit::submit: SubmitRequest => Submitted;
    /// One page of the tasks as programs see them.
    "tasks.views" crate::submit::views: TaskQuery => Page<TaskView>;
    /// A task as programs see it.
    "tasks.view" crate::submit::view: TaskId => TaskView;
    /// A batch with its tasks.
    "batches.get" crate::batches::get: BatchId => BatchView;
    /// Work on a URL that was added before.
    "urls.start" crate::submit::start_url: UrlRef => Submitted;
    /// How tasks ended, by day and kind.
    "statistics.get" crate::statistics::get: StatisticsQuery => Statistics;
    /// Results that are kept.
    "cache.stats" crate::statistics::cache: Nothing => CacheStatistics;
    /// Tell an address of events.
    "webhooks.create" crate::webhooks::create: WebhookRequest => WebhookItem;
    /// Standing webhooks.
    "webhooks.list" crate::webhooks::list: Nothing => Page<WebhookItem>;
    /// A webhook.
    "webhooks.get" crate::webhooks::get: WebhookId => WebhookItem;
    /// Change a webhook.
    "webhooks.update" crate::webhooks::update: WebhookChange => WebhookItem;
    /// Remove a webhook with its log.
    "webhooks.remove" crate::webhooks::remove: WebhookId => Nothing;
    /// A webhook's messages and their tries.
    "webhooks.status" crate::webhooks::status: DeliveryQuery => WebhookStatus;
    /// Send messages again.
    "webhooks.replay" crate::webhooks::replay: ReplayRequest => Replayed;
    /// Send a test message.
    "webhooks.test" crate::webhooks::test: WebhookId => TestSent;
    /// Figures of all webhooks.
    "webhooks.stats" crate::webhooks::statistics: Nothing => WebhookStatistics;
    /// Where media is served on loopback.
    "server.address" crate::api::system::server_address: Nothing => ServerAddress;
}

/// Runs the command `name` with its input as JSON; what changes something is noted in the audit.
pub async fn call(backend: &Backend, name: &str, input: Value) -> Result<Value, ApiError> {
    if !crate::audit::is_noted(name) {
        return run(backend, name, input).await;
    }
    let given = crate::audit::subject(&input);
    let answer = run(backend, name, input).await;
    crate::audit::note(backend, name, given, &answer).await;
    answer
}

fn decode<T: serde::de::DeserializeOwned>(name: &str, input: Value) -> Result<T, ApiError> {
    let input = if input.is_null() { Value::Object(Default::default()) } else { input };
    serde_json::from_value(input).map_err(|error| ApiError::invalid(format!("{name}: {error}")))
}

fn encode<T: serde::Serialize>(output: T) -> Result<Value, ApiError> {
    serde_json::to_value(output).map_err(|error| ApiError::internal(format!("answer not encodable: {error}")))
}

/// Writes the TypeScript of every type, and `commands.ts` with the command table, into `folder`.
pub fn export_types(folder: &std::path::Path) -> Result<(), ts_rs::ExportError> {
    let config = ts_rs::Config::new().with_out_dir(folder).with_large_int("number");
    export_all(&config)?;
    let rows = export_commands(&config);
    let mut names: Vec<&str> = rows
        .lines()
        .filter(|line| line.contains("input: "))
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.starts_with(char::is_uppercase) && *word != "Array")
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut text = String::from("// Generated from the command table (make types). Do not edit.\n");
    for name in names {
        text.push_str(&format!("import type {{ {name} }} from \"./{name}\";\n"));
    }
    text.push_str(&format!("\nexport type Commands = {{\n{rows}}};\n"));
    std::fs::write(folder.join("commands.ts"), text)?;
    Ok(())
}
