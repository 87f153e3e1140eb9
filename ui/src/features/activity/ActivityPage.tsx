/** The queue as a live table: filters, tasks with their steps, dead letters by reason. Smooth with 10,000 rows. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, RotateCcw } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { call, host } from "../../api/call";
import type { Recipe } from "../../api/generated/Recipe";
import { queueStatus, recipes } from "../../api/queries";
import { Button } from "../../components/Button";
import { Choice, Segmented } from "../../components/Choice";
import { SearchBox } from "../../components/Field";
import { useT } from "../../messages";
import { useAct } from "../../state/act";
import { openAdd } from "../../state/add";
import { useSettings } from "../../state/settings";
import css from "./Activity.module.css";
import { Announcer } from "./Announcer";
import { BulkBar } from "./BulkBar";
import { DeadLetters } from "./DeadLetters";
import { FirstRun } from "./FirstRun";
import { type Shown, type Sort, SORTS, STATUSES, TaskTable } from "./TaskTable";
import { useSelection } from "./useSelection";

export function ActivityPage() {
  const t = useT();
  const act = useAct();
  const navigate = useNavigate({ from: "/activity" });
  const search = useSearch({ from: "/activity" });
  const shown: Shown = STATUSES.find((status) => status === search.status) ?? "all";
  const [text, setText] = useState("");
  const words = useDeferredValue(text);
  const [sort, setSort] = useState<Sort>("-created_at");
  const settings = useSettings();
  const { data: queue } = useQuery(queueStatus());
  const { data: recipeList } = useQuery(recipes());
  const recipeOf = useMemo(() => new Map<string, Recipe>((recipeList?.items ?? []).map((item) => [item.recipe.name, item.recipe])), [recipeList]);
  const selection = useSelection();
  const setShown = (status: Shown) => void navigate({ search: { status: status === "all" ? undefined : status }, replace: true });

  const counts: Record<Shown, number> = { all: 0, processing: queue?.processing ?? 0, queued: queue?.queued ?? 0, failed: queue?.failed ?? 0, completed: queue?.completed ?? 0, cancelled: queue?.cancelled ?? 0 };
  const everything = STATUSES.reduce((sum, status) => sum + counts[status], 0);
  const fresh = queue !== undefined && everything === 0 && words === "";
  const options = (["all", ...STATUSES] as Shown[]).filter((status) => status !== "cancelled" || counts.cancelled > 0 || shown === "cancelled").map((id) => ({ id, label: t(`filter.${id}`), count: counts[id] }));
  const recipeTitle = recipeOf.get(settings?.recipe ?? "transcribe")?.title ?? settings?.recipe ?? "";

  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{t("nav.activity")}</h1>
        {!fresh && <Segmented label={t("filter.label")} options={options} value={shown} onChange={setShown} />}
        <div className={css.grow} />
        {!fresh && <SearchBox label={t("filter.text")} value={text} onChange={setText} clearLabel={t("clear")} />}
        <Button look={fresh ? "plain" : "primary"} icon={<Plus size={16} aria-hidden />} onPress={() => openAdd()}>{t("add.button")}</Button>
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
          {selection.ids.size > 0 ? (
            <BulkBar ids={selection.ids} onClear={selection.clear} />
          ) : (
            <div className={css.bar}>
              <Choice label={t("sort.label")} hideLabel prefix={t("sort.label")} options={SORTS.map((id) => ({ id, label: t(`sort.${id}`) }))} value={sort} onChange={setSort} />
              <div className={css.grow} />
              {counts.failed > 0 && (shown === "failed" || shown === "all") && (
                <Button small look="quiet" icon={<RotateCcw size={13} aria-hidden />} onPress={() => act(() => call("tasks.retry", { task_id: null, all_failed: true }))}>
                  {t("retry.all", { count: counts.failed })}
                </Button>
              )}
            </div>
          )}
          <TaskTable shown={shown} words={words} sort={sort} onSort={setSort} recipeOf={recipeOf} selection={selection} compact={settings?.density === "compact"} />
        </>
      )}
    </div>
  );
}
