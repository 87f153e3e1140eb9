// Generated from the command table (make types). Do not edit.
import type { AddOutcome } from "./AddOutcome";
import type { AddRequest } from "./AddRequest";
import type { AuditItem } from "./AuditItem";
import type { AuditQuery } from "./AuditQuery";
import type { BatchId } from "./BatchId";
import type { BatchView } from "./BatchView";
import type { BulkOutcome } from "./BulkOutcome";
import type { BulkRequest } from "./BulkRequest";
import type { CacheStatistics } from "./CacheStatistics";
import type { CapRequest } from "./CapRequest";
import type { CategoryRequest } from "./CategoryRequest";
import type { ClearLetters } from "./ClearLetters";
import type { ClearedLetters } from "./ClearedLetters";
import type { CostQuery } from "./CostQuery";
import type { CostReport } from "./CostReport";
import type { DeadLetter } from "./DeadLetter";
import type { DeliveryQuery } from "./DeliveryQuery";
import type { DoctorReport } from "./DoctorReport";
import type { EditRequest } from "./EditRequest";
import type { Edited } from "./Edited";
import type { ExportRequest } from "./ExportRequest";
import type { Exported } from "./Exported";
import type { Facets } from "./Facets";
import type { FindFileRequest } from "./FindFileRequest";
import type { KeyRequest } from "./KeyRequest";
import type { KeyState } from "./KeyState";
import type { LibraryQuery } from "./LibraryQuery";
import type { MediaDetail } from "./MediaDetail";
import type { MediaId } from "./MediaId";
import type { MediaIds } from "./MediaIds";
import type { MediaItem } from "./MediaItem";
import type { ModelImport } from "./ModelImport";
import type { ModelItem } from "./ModelItem";
import type { ModelName } from "./ModelName";
import type { NewToken } from "./NewToken";
import type { Nothing } from "./Nothing";
import type { Page } from "./Page";
import type { PageQuery } from "./PageQuery";
import type { PauseRequest } from "./PauseRequest";
import type { Presented } from "./Presented";
import type { Principal } from "./Principal";
import type { PriorityRequest } from "./PriorityRequest";
import type { ProviderItem } from "./ProviderItem";
import type { ProviderName } from "./ProviderName";
import type { QueueStatus } from "./QueueStatus";
import type { Recipe } from "./Recipe";
import type { RecipeItem } from "./RecipeItem";
import type { Removed } from "./Removed";
import type { ReorderRequest } from "./ReorderRequest";
import type { ReplayRequest } from "./ReplayRequest";
import type { Replayed } from "./Replayed";
import type { Retried } from "./Retried";
import type { RetryRequest } from "./RetryRequest";
import type { RunStepRequest } from "./RunStepRequest";
import type { SaveSearchRequest } from "./SaveSearchRequest";
import type { SavedSearch } from "./SavedSearch";
import type { SearchHit } from "./SearchHit";
import type { SearchId } from "./SearchId";
import type { SearchQuery } from "./SearchQuery";
import type { ServerAddress } from "./ServerAddress";
import type { Settings } from "./Settings";
import type { SettingsProblems } from "./SettingsProblems";
import type { Statistics } from "./Statistics";
import type { StatisticsQuery } from "./StatisticsQuery";
import type { StorageReport } from "./StorageReport";
import type { SubmitRequest } from "./SubmitRequest";
import type { Submitted } from "./Submitted";
import type { Swept } from "./Swept";
import type { TagRequest } from "./TagRequest";
import type { Task } from "./Task";
import type { TaskDetail } from "./TaskDetail";
import type { TaskId } from "./TaskId";
import type { TaskQuery } from "./TaskQuery";
import type { TaskView } from "./TaskView";
import type { TestSent } from "./TestSent";
import type { TokenItem } from "./TokenItem";
import type { TokenRef } from "./TokenRef";
import type { TokenRequest } from "./TokenRequest";
import type { Transcript } from "./Transcript";
import type { TranscriptId } from "./TranscriptId";
import type { UndoRequest } from "./UndoRequest";
import type { UrlItem } from "./UrlItem";
import type { UrlQuery } from "./UrlQuery";
import type { UrlRef } from "./UrlRef";
import type { WatchAddRequest } from "./WatchAddRequest";
import type { WatchId } from "./WatchId";
import type { WatchedFolder } from "./WatchedFolder";
import type { WebhookChange } from "./WebhookChange";
import type { WebhookId } from "./WebhookId";
import type { WebhookItem } from "./WebhookItem";
import type { WebhookRequest } from "./WebhookRequest";
import type { WebhookStatistics } from "./WebhookStatistics";
import type { WebhookStatus } from "./WebhookStatus";

export type Commands = {
  /** Queue files, folders and links. */
  "tasks.add": { input: AddRequest; output: AddOutcome };
  /** Queue the sample clip that comes with the program. */
  "tasks.add_sample": { input: Nothing; output: AddOutcome };
  /** Do one thing to many tasks. */
  "tasks.bulk": { input: BulkRequest; output: BulkOutcome };
  /** One page of the tasks. */
  "tasks.list": { input: TaskQuery; output: Page<Task> };
  /** A task with its steps and attempts. */
  "tasks.get": { input: TaskId; output: TaskDetail };
  /** Cancel a task, a running one too. */
  "tasks.cancel": { input: TaskId; output: Task };
  /** Pause a task, a lane or everything. */
  "tasks.pause": { input: PauseRequest; output: QueueStatus };
  /** Undo a pause. */
  "tasks.resume": { input: PauseRequest; output: QueueStatus };
  /** Try a failed or cancelled task again, or all that failed. */
  "tasks.retry": { input: RetryRequest; output: Retried };
  /** Move a queued task. */
  "tasks.reorder": { input: ReorderRequest; output: Task };
  /** Change a task's priority. */
  "tasks.set_priority": { input: PriorityRequest; output: Task };
  /** Do one step and what depends on it again. */
  "tasks.run_step": { input: RunStepRequest; output: TaskDetail };
  /** Jobs that will not be tried again by themselves. */
  "dead_letters.list": { input: PageQuery; output: Page<DeadLetter> };
  /** Put dead letters away; their tasks stay failed. */
  "dead_letters.clear": { input: ClearLetters; output: ClearedLetters };
  /** The queue at a glance. */
  "queue.status": { input: Nothing; output: QueueStatus };
  /** One page of the media. */
  "library.list": { input: LibraryQuery; output: Page<MediaItem> };
  /** One media with its transcripts. */
  "library.get": { input: MediaId; output: MediaDetail };
  /** Find what was said. */
  "library.search": { input: SearchQuery; output: Page<SearchHit> };
  /** Put tags on media and take others off. */
  "library.tag": { input: TagRequest; output: Nothing };
  /** Say what a media is about; the user's word stands before the word lists'. */
  "library.categorize": { input: CategoryRequest; output: MediaDetail };
  /** What the library can be filtered by. */
  "library.facets": { input: Nothing; output: Facets };
  /** Remove media; what Bobina fetched goes to the system's trash, files of the user's stay. */
  "library.remove": { input: MediaIds; output: Removed };
  /** Bring removed media back. */
  "library.restore": { input: MediaIds; output: Nothing };
  /** Find the file of a media again, where it was moved. */
  "library.find_file": { input: FindFileRequest; output: MediaDetail };
  /** Delete files that nothing refers to any more. */
  "library.sweep": { input: Nothing; output: Swept };
  /** Saved searches. */
  "searches.list": { input: Nothing; output: Page<SavedSearch> };
  /** Save a search under a name. */
  "searches.save": { input: SaveSearchRequest; output: SavedSearch };
  /** Forget a saved search. */
  "searches.remove": { input: SearchId; output: Nothing };
  /** A transcript with segments and words. */
  "transcripts.get": { input: TranscriptId; output: Transcript };
  /** A transcript as a file. */
  "transcripts.export": { input: ExportRequest; output: Exported };
  /** Edit a transcript; a version that an engine made is copied first. */
  "transcripts.edit": { input: EditRequest; output: Edited };
  /** Take the last edit of a transcript back. */
  "transcripts.undo": { input: UndoRequest; output: Edited };
  /** Do the last edit that was taken back again. */
  "transcripts.redo": { input: UndoRequest; output: Edited };
  /** Make a version the one that is shown and searched. */
  "transcripts.show": { input: TranscriptId; output: MediaDetail };
  /** Remove a version of a transcript; the only one stays. */
  "transcripts.remove": { input: TranscriptId; output: MediaDetail };
  /** URLs and where they stand. */
  "urls.list": { input: UrlQuery; output: Page<UrlItem> };
  /** Watch a folder. */
  "watch.add": { input: WatchAddRequest; output: WatchedFolder };
  /** Watched folders. */
  "watch.list": { input: Nothing; output: Page<WatchedFolder> };
  /** Stop watching a folder. */
  "watch.remove": { input: WatchId; output: Nothing };
  /** Recipes, built-in and the user's own. */
  "recipes.list": { input: Nothing; output: Page<RecipeItem> };
  /** Store a recipe of the user's. */
  "recipes.save": { input: Recipe; output: RecipeItem };
  /** Remove a recipe of the user's. */
  "recipes.remove": { input: ModelName; output: Nothing };
  /** What the library takes. */
  "storage.usage": { input: Nothing; output: StorageReport };
  /** A report for whoever helps, without secrets. */
  "support.bundle": { input: Nothing; output: Exported };
  /** Speech models. */
  "models.list": { input: Nothing; output: Page<ModelItem> };
  /** Start, or go on with, the download of a model. */
  "models.download": { input: ModelName; output: ModelItem };
  /** Stop the download of a model; what has arrived is kept for the next try. */
  "models.cancel": { input: ModelName; output: ModelItem };
  /** Take in a model file. */
  "models.import": { input: ModelImport; output: ModelItem };
  /** Remove a model. */
  "models.remove": { input: ModelName; output: Nothing };
  /** Cloud services, their models, and whether a key is there. */
  "providers.list": { input: Nothing; output: Page<ProviderItem> };
  /** Keep a key for a service, and try it with a question that costs nothing. */
  "keys.set": { input: KeyRequest; output: KeyState };
  /** Try the key of a service with a question that costs nothing. */
  "keys.test": { input: ProviderName; output: KeyState };
  /** Forget the key of a service. */
  "keys.remove": { input: ProviderName; output: Nothing };
  /** What a month's calls have cost. */
  "costs.get": { input: CostQuery; output: CostReport };
  /** Cap what may be spent in a month. */
  "costs.set_cap": { input: CapRequest; output: Nothing };
  /** Check tools, models and the data folder. */
  "doctor.run": { input: Nothing; output: DoctorReport };
  /** The user's settings. */
  "settings.get": { input: Nothing; output: Settings };
  /** Replace the user's settings. */
  "settings.set": { input: Settings; output: Settings };
  /** What was wrong with the settings file at the start. */
  "settings.problems": { input: Nothing; output: SettingsProblems };
  /** Make a token for a program; shown this once. */
  "tokens.create": { input: TokenRequest; output: NewToken };
  /** Tokens, never shown themselves. */
  "tokens.list": { input: Nothing; output: Page<TokenItem> };
  /** End a token. */
  "tokens.revoke": { input: TokenRef; output: TokenItem };
  /** Whose token this is. */
  "tokens.check": { input: Presented; output: Principal };
  /** Who asked for what. */
  "audit.list": { input: AuditQuery; output: Page<AuditItem> };
  /** Queue tasks as programs describe them, all or none. */
  "tasks.submit": { input: SubmitRequest; output: Submitted };
  /** One page of the tasks as programs see them. */
  "tasks.views": { input: TaskQuery; output: Page<TaskView> };
  /** A task as programs see it. */
  "tasks.view": { input: TaskId; output: TaskView };
  /** A batch with its tasks. */
  "batches.get": { input: BatchId; output: BatchView };
  /** Work on a URL that was added before. */
  "urls.start": { input: UrlRef; output: Submitted };
  /** How tasks ended, by day and kind. */
  "statistics.get": { input: StatisticsQuery; output: Statistics };
  /** Results that are kept. */
  "cache.stats": { input: Nothing; output: CacheStatistics };
  /** Tell an address of events. */
  "webhooks.create": { input: WebhookRequest; output: WebhookItem };
  /** Standing webhooks. */
  "webhooks.list": { input: Nothing; output: Page<WebhookItem> };
  /** A webhook. */
  "webhooks.get": { input: WebhookId; output: WebhookItem };
  /** Change a webhook. */
  "webhooks.update": { input: WebhookChange; output: WebhookItem };
  /** Remove a webhook with its log. */
  "webhooks.remove": { input: WebhookId; output: Nothing };
  /** A webhook's messages and their tries. */
  "webhooks.status": { input: DeliveryQuery; output: WebhookStatus };
  /** Send messages again. */
  "webhooks.replay": { input: ReplayRequest; output: Replayed };
  /** Send a test message. */
  "webhooks.test": { input: WebhookId; output: TestSent };
  /** Figures of all webhooks. */
  "webhooks.stats": { input: Nothing; output: WebhookStatistics };
  /** Where media is served on loopback. */
  "server.address": { input: Nothing; output: ServerAddress };
};
