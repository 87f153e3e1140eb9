/** The frame around every page: sidebar, activity strip, drop veil, the dialog for adding, notices, global keys. */
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { Activity, LibraryBig, Pause, Play, Settings } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { call } from "../api/call";
import { connection } from "../api/events";
import type { ApiError } from "../api/generated/ApiError";
import { asApiError } from "../api/host";
import { queueStatus } from "../api/queries";
import { Button } from "../components/Button";
import { Empty } from "../components/Empty";
import { Mark } from "../components/Mark";
import { Dot } from "../components/Progress";
import { Toasts } from "../components/toast";
import { AddDialog } from "../features/add/AddDialog";
import { errorText, useLanguage, useT } from "../messages";
import { useAct } from "../state/act";
import { openAdd } from "../state/add";
import { Incoming } from "./Incoming";
import css from "./Shell.module.css";
import { ShortcutSheet } from "./ShortcutSheet";

export function Shell() {
  const t = useT();
  const { data: queue, error } = useQuery(queueStatus());
  const refused = error === null ? null : asApiError(error);
  const [sheet, setSheet] = useState(false);
  useGlobalKeys(() => setSheet(true));
  return (
    <div className={css.shell}>
      <a href="#content" className={css.skip}>{t("nav.skip")}</a>
      <nav className={css.sidebar} aria-label={t("nav.label")}>
        <Link to="/activity" search={{ status: undefined }} className={css.brand} aria-label="Bobina">
          <Mark />
          <b>bobina</b>
        </Link>
        <Link to="/activity" search={{ status: undefined }} className={css.entry} activeProps={{ className: css.on ?? "" }} activeOptions={{ includeSearch: false }}>
          <Activity size={16} aria-hidden />
          <span>{t("nav.activity")}</span>
          {queue !== undefined && queue.processing + queue.queued > 0 && <em>{queue.processing + queue.queued}</em>}
        </Link>
        <Link to="/library" search={{ q: undefined }} className={css.entry} activeProps={{ className: css.on ?? "" }} activeOptions={{ includeSearch: false }}>
          <LibraryBig size={16} aria-hidden />
          <span>{t("nav.library")}</span>
        </Link>
        <div className={css.grow} />
        <Link to="/settings" search={{ part: undefined }} className={css.entry} activeProps={{ className: css.on ?? "" }} activeOptions={{ includeSearch: false }}>
          <Settings size={16} aria-hidden />
          <span>{t("nav.settings")}</span>
        </Link>
      </nav>
      <main id="content" className={css.content} tabIndex={-1}>
        {refused?.code === "UNAUTHORIZED" || refused?.code === "FORBIDDEN" ? <Stranger error={refused} /> : <Outlet />}
      </main>
      <Strip />
      <AddDialog />
      <Incoming />
      <ShortcutSheet isOpen={sheet} onClose={() => setSheet(false)} />
      <Toasts label={t("toast.label")} closeLabel={t("close")} />
    </div>
  );
}

/** Without the token there is nothing to show but how to get it. */
function Stranger({ error }: { error: ApiError }) {
  const text = errorText(useLanguage(), error);
  return (
    <Empty icon={<Mark size={56} />} title={text.title}>
      {text.cure}
    </Empty>
  );
}

/** The slim line at the bottom of every page: what runs, what waits, and the one switch for all of it. */
function Strip() {
  const t = useT();
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
  const running = queue.processing;
  const toggle = () => {
    setPending(true);
    act(() => call(queue.paused ? "tasks.resume" : "tasks.pause", { task_id: null, lane: null }).finally(() => setPending(false)));
  };
  return (
    <footer className={css.strip}>
      <Dot tone={queue.paused ? "waiting" : running > 0 ? "running" : "idle"} pulse={running > 0 && !queue.paused} />
      <span role="status" className={css.state}>{queue.paused ? t("strip.paused") : running > 0 ? t("strip.running", { count: running }) : t("strip.idle")}</span>
      {queue.queued > 0 && <span className={css.faint}>{t("strip.queued", { count: queue.queued })}</span>}
      {queue.failed > 0 && (
        <Link to="/activity" search={{ status: "failed" }} className={css.failures}>
          {t("strip.failed", { count: queue.failed })}
        </Link>
      )}
      <div className={css.grow} />
      {queue.completed > 0 && <span className={css.faint}>{t("strip.done", { count: queue.completed })}</span>}
      <Button look="quiet" small isDisabled={pending} onPress={toggle} icon={queue.paused ? <Play size={13} aria-hidden /> : <Pause size={13} aria-hidden />}>
        {queue.paused ? t("strip.resume") : t("strip.pause")}
      </Button>
    </footer>
  );
}

/** Whether keys belong to a text the user is typing. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function useGlobalKeys(openSheet: () => void) {
  const navigate = useNavigate();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector('[role="dialog"]') !== null) return;
      const main = event.ctrlKey || event.metaKey;
      const done = () => event.preventDefault();
      if (main && !event.shiftKey && event.key.toLowerCase() === "o") {
        done();
        openAdd();
      } else if (main && event.key.toLowerCase() === "u") {
        done();
        openAdd();
      } else if (main && event.key === ",") {
        done();
        void navigate({ to: "/settings", search: { part: undefined } });
      } else if (main && event.key === "1") {
        done();
        void navigate({ to: "/activity", search: { status: undefined } });
      } else if (main && event.key === "2") {
        done();
        void navigate({ to: "/library", search: { q: undefined } });
      } else if (event.key === "?" && !main && !typing(event.target)) {
        done();
        openSheet();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate, openSheet]);
}

