// Generated from the command table (make types). Do not edit.
import type { AddOutcome } from "./AddOutcome";
import type { AddRequest } from "./AddRequest";
import type { BulkOutcome } from "./BulkOutcome";
import type { BulkRequest } from "./BulkRequest";
import type { CapRequest } from "./CapRequest";
import type { CostQuery } from "./CostQuery";
import type { CostReport } from "./CostReport";
import type { DeadLetter } from "./DeadLetter";
import type { DoctorReport } from "./DoctorReport";
import type { EditRequest } from "./EditRequest";
import type { Edited } from "./Edited";
import type { ExportRequest } from "./ExportRequest";
import type { Exported } from "./Exported";
import type { KeyRequest } from "./KeyRequest";
import type { KeyState } from "./KeyState";
import type { LibraryQuery } from "./LibraryQuery";
import type { MediaDetail } from "./MediaDetail";
import type { MediaId } from "./MediaId";
import type { MediaItem } from "./MediaItem";
import type { ModelImport } from "./ModelImport";
import type { ModelItem } from "./ModelItem";
import type { ModelName } from "./ModelName";
import type { Nothing } from "./Nothing";
import type { Page } from "./Page";
import type { PageQuery } from "./PageQuery";
import type { PauseRequest } from "./PauseRequest";
import type { PriorityRequest } from "./PriorityRequest";
import type { ProviderItem } from "./ProviderItem";
import type { ProviderName } from "./ProviderName";
import type { QueueStatus } from "./QueueStatus";
import type { RecipeItem } from "./RecipeItem";
import type { ReorderRequest } from "./ReorderRequest";
import type { Retried } from "./Retried";
import type { RetryRequest } from "./RetryRequest";
import type { RunStepRequest } from "./RunStepRequest";
import type { SearchHit } from "./SearchHit";
import type { SearchQuery } from "./SearchQuery";
import type { ServerAddress } from "./ServerAddress";
import type { Settings } from "./Settings";
import type { SettingsProblems } from "./SettingsProblems";
import type { Task } from "./Task";
import type { TaskDetail } from "./TaskDetail";
import type { TaskId } from "./TaskId";
import type { TaskQuery } from "./TaskQuery";
import type { Transcript } from "./Transcript";
import type { TranscriptId } from "./TranscriptId";
import type { UndoRequest } from "./UndoRequest";
import type { UrlItem } from "./UrlItem";
import type { UrlQuery } from "./UrlQuery";
import type { WatchAddRequest } from "./WatchAddRequest";
import type { WatchId } from "./WatchId";
import type { WatchedFolder } from "./WatchedFolder";

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
  /** The queue at a glance. */
  "queue.status": { input: Nothing; output: QueueStatus };
  /** One page of the media. */
  "library.list": { input: LibraryQuery; output: Page<MediaItem> };
  /** One media with its transcripts. */
  "library.get": { input: MediaId; output: MediaDetail };
  /** Find what was said. */
  "library.search": { input: SearchQuery; output: Page<SearchHit> };
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
  /** Where media is served on loopback. */
  "server.address": { input: Nothing; output: ServerAddress };
};
