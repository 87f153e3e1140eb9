/** What can be done with the chosen tasks, in place of the list's order while any are chosen. */
import { Pause, Play, RotateCcw, X } from "lucide-react";
import { call } from "../../api/call";
import type { BulkAct } from "../../api/generated/BulkAct";
import { Button, IconButton } from "../../components/Button";
import { Menu } from "../../components/Menu";
import { toast } from "../../components/toast";
import { useT } from "../../messages";
import { useAct } from "../../state/act";
import css from "./Activity.module.css";

/** The engine takes at most a thousand at once. */
const AT_ONCE = 500;
const PRIORITIES = ["urgent", "high", "medium", "low"] as const;

/** Does the same with many tasks and says on how many it was done. */
export function useBulk(): (ids: Iterable<string>, act: BulkAct) => void {
  const t = useT();
  const act = useAct();
  return (ids, what) =>
    act(async () => {
      const all = [...ids];
      let done = 0;
      for (let from = 0; from < all.length; from += AT_ONCE) {
        const outcome = await call("tasks.bulk", { task_ids: all.slice(from, from + AT_ONCE), act: what });
        done += outcome.done;
      }
      const left = all.length - done;
      if (all.length > 1 || left > 0) toast({ tone: left === all.length ? "failed" : "plain", title: t("bulk.done", { count: done }), ...(left > 0 ? { text: t("bulk.left", { count: left }) } : {}) });
    });
}

export function BulkBar({ ids, onClear }: { ids: ReadonlySet<string>; onClear: () => void }) {
  const t = useT();
  const bulk = useBulk();
  return (
    <div className={css.bar} role="toolbar" aria-label={t("select.count", { count: ids.size })}>
      <b className={css.chosen} role="status">{t("select.count", { count: ids.size })}</b>
      <Button small icon={<Pause size={13} aria-hidden />} onPress={() => bulk(ids, "pause")}>{t("pause")}</Button>
      <Button small icon={<Play size={13} aria-hidden />} onPress={() => bulk(ids, "resume")}>{t("resume")}</Button>
      <Menu
        label={t("bulk.priority")}
        trigger={<Button small>{t("bulk.priority")}</Button>}
        items={PRIORITIES.map((id) => ({ id, label: t(`priority.${id}`) }))}
        onAction={(id) => bulk(ids, `priority_${id}` as BulkAct)}
      />
      <Button small icon={<RotateCcw size={13} aria-hidden />} onPress={() => bulk(ids, "retry")}>{t("retry")}</Button>
      <Button small look="danger" icon={<X size={13} aria-hidden />} onPress={() => bulk(ids, "cancel")}>{t("tasks.cancel")}</Button>
      <div className={css.grow} />
      <IconButton label={t("select.clear")} onPress={onClear}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}
