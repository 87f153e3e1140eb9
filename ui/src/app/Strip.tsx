/** The slim line at the bottom of every page: what runs, what waits and why, and the one switch for all of it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronUp, Pause, Play } from "lucide-react";
import { useState, useSyncExternalStore } from "react";
import { call } from "../api/call";
import { connection } from "../api/events";
import type { QueueStatus } from "../api/generated/QueueStatus";
import { queueStatus } from "../api/queries";
import { Button, IconButton } from "../components/Button";
import { Menu } from "../components/Menu";
import { Dot } from "../components/Progress";
import { type Language, type Translate, useLanguage, useT } from "../messages";
import { moment } from "../messages/values";
import { useAct } from "../state/act";
import css from "./Shell.module.css";

/** What the whole queue does, in one sentence. */
function sentence(t: Translate, language: Language, queue: QueueStatus): string {
  if (queue.paused) return queue.paused_until === null ? t("strip.paused") : t("strip.paused.until", { time: moment(language, queue.paused_until) });
  if (queue.held === "night") return queue.held_until === null ? t("strip.night") : t("strip.night.until", { time: moment(language, queue.held_until) });
  if (queue.held === "power") return t("strip.power");
  return queue.processing > 0 ? t("strip.running", { count: queue.processing }) : t("strip.idle");
}

/** The moments a pause may end at. */
function ends(now: Date): { id: "hour" | "evening" | "morning"; at: Date }[] {
  const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const all = [
    { id: "hour" as const, at: new Date(now.getTime() + 3_600_000) },
    { id: "evening" as const, at: at(0, 19) },
    { id: "morning" as const, at: at(1, 8) },
  ];
  return all.filter((end) => end.at > now);
}

export function Strip() {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const online = useSyncExternalStore(connection.subscribe, connection.get);
  const { data: queue } = useQuery(queueStatus());
  const [pending, setPending] = useState(false);
  if (!online) {
    return (
      <footer className={css.strip}>
        <Dot tone="failed" />
        <span role="status">{t("strip.offline")}</span>
      </footer>
    );
  }
  if (queue === undefined) return <footer className={css.strip} />;
  const resting = queue.paused || queue.held !== null;
  const running = queue.processing;
  const ask = (work: () => Promise<unknown>) => {
    setPending(true);
    act(() => work().finally(() => setPending(false)));
  };
  const pause = (until: Date | null) => ask(() => call("tasks.pause", { task_id: null, lane: null, until: until?.toISOString() ?? null }));
  const moments = ends(new Date());
  return (
    <footer className={css.strip}>
      <Dot tone={resting ? "waiting" : running > 0 ? "running" : "idle"} pulse={running > 0 && !resting} />
      <span role="status" className={css.state}>{sentence(t, language, queue)}</span>
      {queue.queued > 0 && <span className={css.faint}>{t("strip.queued", { count: queue.queued })}</span>}
      {queue.failed > 0 && (
        <Link to="/activity" search={{ status: "failed" }} className={css.failures}>
          {t("strip.failed", { count: queue.failed })}
        </Link>
      )}
      <div className={css.grow} />
      {queue.completed > 0 && <span className={css.faint}>{t("strip.done", { count: queue.completed })}</span>}
      <div className={css.switch}>
        <Button look="quiet" small isDisabled={pending} onPress={() => (queue.paused ? ask(() => call("tasks.resume", { task_id: null, lane: null, until: null })) : pause(null))} icon={queue.paused ? <Play size={13} aria-hidden /> : <Pause size={13} aria-hidden />}>
          {queue.paused ? t("strip.resume") : t("strip.pause")}
        </Button>
        {!queue.paused && (
          <Menu
            label={t("strip.pause.until")}
            trigger={<IconButton label={t("strip.pause.until")}><ChevronUp size={14} aria-hidden /></IconButton>}
            items={moments.map((end) => ({ id: end.id, label: t(`strip.until.${end.id}`), note: moment(language, end.at.toISOString()) }))}
            onAction={(id) => pause(moments.find((end) => end.id === id)?.at ?? null)}
          />
        )}
      </div>
    </footer>
  );
}
