/** One task: what it is, where it stands, what can be done with it; opened, its steps. */
import { Link } from "@tanstack/react-router";
import { Check, ChevronRight, FileText, GripVertical, Pause, Play, RotateCcw, X } from "lucide-react";
import { memo } from "react";
import { call } from "../../api/call";
import type { Recipe } from "../../api/generated/Recipe";
import type { Task } from "../../api/generated/Task";
import type { TaskStatus } from "../../api/generated/TaskStatus";
import { IconButton } from "../../components/Button";
import { Poster } from "../../components/Poster";
import { Bar, Pills, type Tone } from "../../components/Progress";
import { useLanguage, useT } from "../../messages";
import { bytes, clock, moment, sourceName, span } from "../../messages/values";
import { useAct } from "../../state/act";
import { useMediaUrl, useRestingMedia } from "../../state/media";
import { standing, stepName } from "../../state/words";
import css from "./Activity.module.css";
import { engineOf, pillsOf } from "./steps";
import { TaskDetail } from "./TaskDetail";

function toneOfTask(task: Task): Tone {
  if (task.status === "completed") return "done";
  if (task.status === "failed") return "failed";
  if (task.status === "cancelled") return "idle";
  if (task.paused || (task.waiting !== null && task.waiting.reason !== "lane")) return "waiting";
  return task.status === "processing" ? "running" : "idle";
}

type Props = {
  task: Task; index: number; recipe: Recipe | undefined; isOpen: boolean; isFocused: boolean; isChosen: boolean; isChoosing: boolean;
  /** Begins to move the row; only where it may be moved. */
  onGrip: ((index: number, event: React.PointerEvent) => void) | undefined;
  /** Where a row that is being dragged would come to stand. */
  dropEdge: "above" | "below" | undefined;
  onToggle: (id: string) => void;
  /** Chooses the row, or with `whole` everything from the last one chosen. */
  onChoose: (id: string, index: number, whole: boolean) => void;
  onFocus: (index: number) => void;
};

export const TaskRow = memo(function TaskRow({ task, index, recipe, isOpen, isFocused, isChosen, isChoosing, onGrip, dropEdge, onToggle, onChoose, onFocus }: Props) {
  const t = useT();
  const language = useLanguage();
  const tone = toneOfTask(task);
  const running = task.status === "processing" || (task.status === "queued" && task.progress > 0);
  const source = task.input.source.type === "url" ? task.input.source.url : task.input.source.path;
  const facts = [sourceName(source) === task.title ? null : sourceName(source), task.duration !== null && task.duration > 0 ? clock(task.duration) : null, task.size !== null ? bytes(language, task.size) : null].filter((fact) => fact !== null);
  const sentence = standing(t, language, task);
  return (
    <>
      <div
        role="row"
        aria-level={1}
        aria-rowindex={index + 1}
        aria-expanded={isOpen}
        aria-selected={isChosen}
        aria-label={`${task.title}, ${sentence}`}
        tabIndex={isFocused ? 0 : -1}
        data-row={index}
        data-task={task.task_id}
        className={`${css.row} ${isOpen ? css.opened : ""} ${css[`is_${task.status}`] ?? ""} ${isChosen ? css.picked : ""} ${isChoosing ? css.choosing : ""} ${dropEdge === undefined ? "" : css[dropEdge]}`}
        onFocus={() => onFocus(index)}
        onClick={(event) => {
          if (event.target instanceof Element && event.target.closest("a, button, [data-grip]") !== null) return;
          if (event.shiftKey || event.ctrlKey || event.metaKey) onChoose(task.task_id, index, event.shiftKey);
          else onToggle(task.task_id);
        }}
      >
        <span role="gridcell" className={css.poster}>
          <span className={css.lead}>
            <ChevronRight size={14} aria-hidden className={css.chevron} />
            <button type="button" role="checkbox" aria-checked={isChosen} tabIndex={-1} className={css.box} aria-label={t("select.row", { title: task.title })} onClick={(event) => onChoose(task.task_id, index, event.shiftKey)}>
              {isChosen && <Check size={12} strokeWidth={3} aria-hidden />}
            </button>
          </span>
          <RowPoster mediaId={task.media_id} isLink={task.input.source.type === "url"} />
        </span>
        <span role="gridcell" className={css.name}>
          <b title={task.title}>
            {onGrip !== undefined && (
              <span data-grip className={css.grip} title={t("order.grip")} onPointerDown={(event) => onGrip(index, event)}>
                <GripVertical size={14} aria-hidden />
              </span>
            )}
            {(task.priority === "high" || task.priority === "urgent") && task.status !== "completed" && (
              <span className={css.urgent} title={t("priority.set", { priority: t(`priority.${task.priority}`) })}>{task.priority === "urgent" ? "!!" : "!"}</span>
            )}
            {task.title}
          </b>
          <small title={source}>{facts.join(" · ")}</small>
        </span>
        <span role="gridcell" className={css.step}>
          <span className={css[tone]} title={sentence}>{sentence}</span>
          {running && <Bar label={t("tasks.progress", { title: task.title })} value={task.progress} tone={tone === "idle" ? "running" : tone} />}
        </span>
        <span role="gridcell" className={css.percent}>{running ? `${Math.floor(task.progress)}%` : ""}</span>
        <span role="gridcell" className={css.pills}>
          <Pills label={t("tasks.steps")} steps={pillsOf(task, recipe).map((pill) => ({ ...pill, name: stepName(t, pill.name) }))} />
        </span>
        <span role="gridcell" className={css.engine}>
          <Engine engine={engineOf(task)} mediaId={task.status === "completed" && task.transcript_id !== null ? task.media_id : null} />
        </span>
        <span role="gridcell" className={css.remaining}>
          <Remaining task={task} />
        </span>
        <span role="gridcell" className={css.acts}>
          <Acts id={task.task_id} status={task.status} paused={task.paused} title={task.title} mediaId={task.status === "completed" || task.transcript_id !== null ? task.media_id : null} />
        </span>
      </div>
      {isOpen && <TaskDetail task={task} />}
    </>
  );
});

// Progress changes many times a second: what does not depend on it is kept out of its way.
const RowPoster = memo(function RowPoster({ mediaId, isLink }: { mediaId: string | null; isLink: boolean }) {
  const address = useMediaUrl();
  const item = useRestingMedia(mediaId);
  return <Poster small src={address(item?.poster)} kind={item?.kind ?? (isLink ? "link" : "file")} />;
});

/** What worked on it: as events told, else what made the media's newest transcript. */
const Engine = memo(function Engine({ engine, mediaId }: { engine: string | null; mediaId: string | null }) {
  const item = useRestingMedia(engine === null ? mediaId : null);
  const name = engine ?? item?.engine ?? "";
  return <span title={name}>{name}</span>;
});

function Remaining({ task }: { task: Task }) {
  const t = useT();
  const language = useLanguage();
  if (task.status === "completed") return <>{task.cached ? t("remaining.cached") : task.finished_at === null ? "" : moment(language, task.finished_at)}</>;
  if (task.status === "failed" || task.status === "cancelled") return <>{task.finished_at === null ? "" : moment(language, task.finished_at)}</>;
  if (task.estimated_completion !== null && !task.paused) {
    const seconds = (Date.parse(task.estimated_completion) - Date.now()) / 1000;
    if (seconds > 0) return <>{t("remaining.left", { time: span(language, seconds) })}</>;
  }
  return <>—</>;
}

const Acts = memo(function Acts({ id, status, paused, title, mediaId }: { id: string; status: TaskStatus; paused: boolean; title: string; mediaId: string | null }) {
  const t = useT();
  const act = useAct();
  const one = { task_id: id };
  const active = status === "queued" || status === "processing";
  return (
    <>
      {mediaId !== null && (
        <Link to="/library/$mediaId" params={{ mediaId }} search={{ t: undefined, find: undefined }} className={css.openLink} aria-label={t("tasks.open", { title })} title={t("tasks.open.short")}>
          <FileText size={16} aria-hidden />
        </Link>
      )}
      {active && (
        <IconButton label={paused ? t("resume") : t("pause")} onPress={() => act(() => call(paused ? "tasks.resume" : "tasks.pause", { ...one, lane: null, until: null }))}>
          {paused ? <Play size={15} aria-hidden /> : <Pause size={15} aria-hidden />}
        </IconButton>
      )}
      {active && (
        <IconButton label={t("tasks.cancel")} onPress={() => act(() => call("tasks.cancel", one))}>
          <X size={16} aria-hidden />
        </IconButton>
      )}
      {(status === "failed" || status === "cancelled") && (
        <IconButton label={t("retry")} onPress={() => act(() => call("tasks.retry", { ...one, all_failed: false }))}>
          <RotateCcw size={15} aria-hidden />
        </IconButton>
      )}
    </>
  );
});
