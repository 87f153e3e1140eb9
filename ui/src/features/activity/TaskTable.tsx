/** The rows of the queue: read page by page, walked, chosen and moved by keys and pointer. */
import { useQueryClient } from "@tanstack/react-query";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { call } from "../../api/call";
import type { Recipe } from "../../api/generated/Recipe";
import type { Task } from "../../api/generated/Task";
import type { TaskQuery } from "../../api/generated/TaskQuery";
import type { TaskStatus } from "../../api/generated/TaskStatus";
import { asApiError } from "../../api/host";
import { taskPage } from "../../api/queries";
import { Empty } from "../../components/Empty";
import { toast } from "../../components/toast";
import { VirtualList, type VirtualListHandle } from "../../components/VirtualList";
import { errorText, useLanguage, useT } from "../../messages";
import { useAct } from "../../state/act";
import { usePages } from "../../state/pages";
import css from "./Activity.module.css";
import { useBulk } from "./BulkBar";
import { TaskRow } from "./TaskRow";
import { useReorder } from "./useReorder";
import type { Selection } from "./useSelection";

export const STATUSES: TaskStatus[] = ["processing", "queued", "failed", "completed", "cancelled"];
export type Shown = TaskStatus | "all";
export const SORTS = ["-created_at", "queue", "-priority", "-updated_at", "title", "-title"] as const;
export type Sort = (typeof SORTS)[number];

/** The engine gives at most this many tasks at once. */
const LARGEST_PAGE = 500;

type Props = { shown: Shown; words: string; sort: Sort; onSort: (sort: Sort) => void; recipeOf: ReadonlyMap<string, Recipe>; selection: Selection; compact: boolean };

export function TaskTable({ shown, words, sort, onSort, recipeOf, selection, compact }: Props) {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const bulk = useBulk();
  const client = useQueryClient();
  const query = useCallback((offset: number, limit: number): TaskQuery => ({ status: shown === "all" ? null : shown, kind: null, text: words === "" ? null : words, limit, offset, sort }), [shown, words, sort]);
  const tasks = usePages<Task>((offset, limit) => taskPage(query(offset, limit)));
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [focus, setFocus] = useState(0);
  const list = useRef<VirtualListHandle>(null);
  const at = useRef(tasks.at);
  at.current = tasks.at;
  const { clear, range, set, toggle } = selection;

  const unfold = useCallback((id: string) => {
    setOpen((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const idAt = useCallback((index: number) => at.current(index)?.task_id, []);
  const choose = useCallback((id: string, index: number, whole: boolean) => (whole ? range(index, idAt) : toggle(id, index)), [range, toggle, idAt]);
  useEffect(() => {
    setFocus(0);
    clear();
  }, [shown, words, sort, clear]);

  const focusRow = (index: number) => {
    const to = Math.max(0, Math.min(tasks.total - 1, index));
    setFocus(to);
    list.current?.reveal(to);
    requestAnimationFrame(() => list.current?.element()?.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus());
  };

  const move = (from: number, to: number) => {
    const task = tasks.at(from);
    if (task === undefined || to < 0 || to > tasks.total) return;
    const before = tasks.at(to);
    // What has ended stands behind what waits: before it means last.
    const waits = before !== undefined && (before.status === "queued" || before.status === "processing");
    act(async () => {
      await call("tasks.reorder", { task_id: task.task_id, before: waits ? before.task_id : null });
      await client.invalidateQueries({ queryKey: ["tasks.list"] });
      const place = to > from ? to - 1 : to;
      toast({ tone: "plain", title: t("order.moved", { title: task.title, place: place + 1 }) });
      focusRow(place);
    });
  };
  const scroller = useCallback(() => list.current?.element() ?? null, []);
  const { drag, start } = useReorder({ scroller, onMove: move });

  const chooseAll = () =>
    act(async () => {
      const ids: string[] = [];
      for (let offset = 0; offset < tasks.total; offset += LARGEST_PAGE) {
        const page = await call("tasks.list", query(offset, LARGEST_PAGE));
        ids.push(...page.items.map((task) => task.task_id));
      }
      set(ids);
    });

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.target.dataset.row === undefined) return;
    const row = Number(event.target.dataset.row);
    const task = tasks.at(row);
    const done = () => event.preventDefault();
    const main = event.ctrlKey || event.metaKey;
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      done();
      if (sort !== "queue") {
        onSort("queue");
        toast({ tone: "plain", title: t("order.queue") });
      } else if (task !== undefined && (task.status === "queued" || task.status === "processing")) {
        if (event.key === "ArrowUp" ? row > 0 : row < tasks.total - 1) move(row, event.key === "ArrowUp" ? row - 1 : row + 2);
      }
      return;
    }
    if (main && event.key.toLowerCase() === "a") {
      done();
      chooseAll();
      return;
    }
    const moves: Record<string, number> = { ArrowDown: row + 1, ArrowUp: row - 1, PageDown: row + 10, PageUp: row - 10, Home: 0, End: tasks.total - 1 };
    const to = moves[event.key];
    if (to !== undefined) {
      done();
      if (event.shiftKey) {
        if (selection.ids.size === 0 && task !== undefined) toggle(task.task_id, row);
        range(Math.max(0, Math.min(tasks.total - 1, to)), idAt);
      }
      focusRow(to);
      return;
    }
    if (event.key === "Escape" && selection.ids.size > 0) {
      done();
      clear();
      return;
    }
    if (task === undefined) return;
    if (event.key === " ") {
      done();
      choose(task.task_id, row, event.shiftKey);
    } else if (event.key === "Enter") {
      done();
      unfold(task.task_id);
    } else if (event.key === "Delete") {
      done();
      bulk(selection.ids.size > 0 ? selection.ids : [task.task_id], "cancel");
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      done();
      if (open.has(task.task_id) !== (event.key === "ArrowRight")) unfold(task.task_id);
    }
  };

  return (
    <>
      <div className={css.columns}>
        <span className={css.total}>{t("tasks.count", { count: tasks.total })}</span>
        <button type="button" className={css.sorter} aria-pressed={sort === "title" || sort === "-title"} onClick={() => onSort(sort === "title" ? "-title" : "title")}>
          {t("column.name")}
          {sort === "title" && <ArrowDown size={12} aria-hidden />}
          {sort === "-title" && <ArrowUp size={12} aria-hidden />}
        </button>
        <span>{t("column.step")}</span>
        <span className={css.colPercent} />
        <span className={css.colPills}>{t("column.progress")}</span>
        <span className={css.colEngine}>{t("column.engine")}</span>
        <span className={css.colRemaining}>{t("column.remaining")}</span>
        <span />
      </div>
      {tasks.total === 0 ? (
        tasks.error !== null ? (
          <Empty title={errorText(language, asApiError(tasks.error)).title}>{errorText(language, asApiError(tasks.error)).cure}</Empty>
        ) : tasks.loaded ? (
          <Empty title={words !== "" ? t("tasks.nomatch") : t(`empty.${shown}`)}>{words !== "" ? t("tasks.nomatch.note") : undefined}</Empty>
        ) : (
          <div className={css.grow} aria-busy />
        )
      ) : (
        <VirtualList
          handle={list}
          count={tasks.total}
          estimate={compact ? 43 : 55}
          rowKey={(index) => tasks.at(index)?.task_id ?? `#${index}`}
          onRange={tasks.onRange}
          onKeyDown={onKeyDown}
          role="treegrid"
          label={t("tasks.label")}
          rowCount={tasks.total}
          isMultiselectable
          row={(index) => {
            const task = tasks.at(index);
            if (task === undefined) return <div className={css.ghost} />;
            return (
              <TaskRow
                task={task}
                index={index}
                recipe={recipeOf.get(task.input.recipe)}
                isOpen={open.has(task.task_id)}
                isFocused={index === focus}
                isChosen={selection.ids.has(task.task_id)}
                isChoosing={selection.ids.size > 0}
                onGrip={sort === "queue" && (task.status === "queued" || task.status === "processing") ? start : undefined}
                dropEdge={drag === null || drag.to === drag.from ? undefined : drag.to === index ? "above" : drag.to === index + 1 && index === tasks.total - 1 ? "below" : undefined}
                onToggle={unfold}
                onChoose={choose}
                onFocus={setFocus}
              />
            );
          }}
        />
      )}
    </>
  );
}
