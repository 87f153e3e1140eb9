/** The queue as a live table: filters, tasks with their steps, dead letters by reason. Smooth with 10,000 rows. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, RotateCcw } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { call, host } from "../../api/call";
import type { Recipe } from "../../api/generated/Recipe";
import type { Task } from "../../api/generated/Task";
import type { TaskStatus } from "../../api/generated/TaskStatus";
import { queueStatus, recipes, taskPage } from "../../api/queries";
import { asApiError } from "../../api/host";
import { Button } from "../../components/Button";
import { Choice, Segmented } from "../../components/Choice";
import { Empty } from "../../components/Empty";
import { SearchBox } from "../../components/Field";
import { VirtualList, type VirtualListHandle } from "../../components/VirtualList";
import { errorText, useLanguage, useT } from "../../messages";
import { useAct } from "../../state/act";
import { openAdd } from "../../state/add";
import { usePages } from "../../state/pages";
import { useSettings } from "../../state/settings";
import css from "./Activity.module.css";
import { Announcer } from "./Announcer";
import { DeadLetters } from "./DeadLetters";
import { FirstRun } from "./FirstRun";
import { TaskRow } from "./TaskRow";

const STATUSES: TaskStatus[] = ["processing", "queued", "failed", "completed", "cancelled"];
type Shown = TaskStatus | "all";
const SORTS = ["-created_at", "queue", "-updated_at", "title"] as const;

export function ActivityPage() {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const navigate = useNavigate({ from: "/activity" });
  const search = useSearch({ from: "/activity" });
  const shown: Shown = STATUSES.find((status) => status === search.status) ?? "all";
  const [text, setText] = useState("");
  const words = useDeferredValue(text);
  const [sort, setSort] = useState<(typeof SORTS)[number]>("-created_at");
  const settings = useSettings();
  const { data: queue } = useQuery(queueStatus());
  const { data: recipeList } = useQuery(recipes());
  const recipeOf = useMemo(() => new Map<string, Recipe>((recipeList?.items ?? []).map((item) => [item.recipe.name, item.recipe])), [recipeList]);
  const tasks = usePages<Task>((offset, limit) => taskPage({ status: shown === "all" ? null : shown, kind: null, text: words === "" ? null : words, limit, offset, sort }));
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [focus, setFocus] = useState(0);
  const list = useRef<VirtualListHandle>(null);

  const toggle = useCallback((id: string) => {
    setOpen((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const setShown = (status: Shown) => void navigate({ search: { status: status === "all" ? undefined : status }, replace: true });

  const focusRow = (index: number) => {
    const to = Math.max(0, Math.min(tasks.total - 1, index));
    setFocus(to);
    list.current?.reveal(to);
    requestAnimationFrame(() => list.current?.element()?.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus());
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.target.dataset.row === undefined) return;
    const at = Number(event.target.dataset.row);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: tasks.total - 1 };
    const to = moves[event.key];
    if (to !== undefined) {
      event.preventDefault();
      focusRow(to);
      return;
    }
    const task = tasks.at(at);
    if (task === undefined) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      toggle(task.task_id);
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      event.preventDefault();
      if (open.has(task.task_id) !== (event.key === "ArrowRight")) toggle(task.task_id);
    }
  };
  useEffect(() => setFocus(0), [shown, words, sort]);

  const counts: Record<Shown, number> = { all: 0, processing: queue?.processing ?? 0, queued: queue?.queued ?? 0, failed: queue?.failed ?? 0, completed: queue?.completed ?? 0, cancelled: queue?.cancelled ?? 0 };
  const everything = STATUSES.reduce((sum, status) => sum + counts[status], 0);
  const fresh = queue !== undefined && everything === 0 && tasks.loaded && tasks.total === 0 && words === "";
  const options = (["all", ...STATUSES] as Shown[]).filter((status) => status !== "cancelled" || counts.cancelled > 0 || shown === "cancelled").map((id) => ({ id, label: t(`filter.${id}`), count: counts[id] }));
  const recipeTitle = recipeOf.get(settings?.recipe ?? "transcribe")?.title ?? settings?.recipe ?? "";

  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{t("nav.activity")}</h1>
        {!fresh && <Segmented label={t("filter.label")} options={options} value={shown} onChange={setShown} />}
        <div className={css.grow} />
        {!fresh && <SearchBox label={t("filter.text")} value={text} onChange={setText} clearLabel={t("clear")} />}
        <Button look="primary" icon={<Plus size={16} aria-hidden />} onPress={() => openAdd()}>{t("add.button")}</Button>
      </header>
      <Announcer />
      {fresh ? (
        <FirstRun />
      ) : (
        <>
          <button type="button" className={css.drop} onClick={() => openAdd()}>
            <b>{host().localFiles ? t("drop.zone") : t("drop.zone.browser")}</b>
            <span>{t("drop.recipe", { recipe: recipeTitle })}</span>
          </button>
          {shown === "failed" && <DeadLetters />}
          <div className={css.bar}>
            <Choice label={t("sort.label")} hideLabel prefix={t("sort.label")} options={SORTS.map((id) => ({ id, label: t(`sort.${id}`) }))} value={sort} onChange={setSort} />
            <span className={css.total}>{t("tasks.count", { count: tasks.total })}</span>
            <div className={css.grow} />
            {counts.failed > 0 && (shown === "failed" || shown === "all") && (
              <Button small look="quiet" icon={<RotateCcw size={13} aria-hidden />} onPress={() => act(() => call("tasks.retry", { task_id: null, all_failed: true }))}>
                {t("retry.all", { count: counts.failed })}
              </Button>
            )}
          </div>
          <div className={css.columns} aria-hidden>
            <span />
            <span>{t("column.name")}</span>
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
              estimate={settings?.density === "compact" ? 43 : 55}
              rowKey={(index) => tasks.at(index)?.task_id ?? `#${index}`}
              onRange={tasks.onRange}
              onKeyDown={onKeyDown}
              role="treegrid"
              label={t("tasks.label")}
              rowCount={tasks.total}
              row={(index) => {
                const task = tasks.at(index);
                if (task === undefined) return <div className={css.ghost} />;
                return <TaskRow task={task} index={index} recipe={recipeOf.get(task.input.recipe)} isOpen={open.has(task.task_id)} isFocused={index === focus} onToggle={toggle} onFocus={setFocus} />;
              }}
            />
          )}
        </>
      )}
    </div>
  );
}
