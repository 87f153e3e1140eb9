/** The frame around every page: sidebar, activity strip, drop veil, the dialog for adding, notices, global keys. */
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Activity, LibraryBig, Settings } from "lucide-react";
import { useCallback, useState } from "react";
import type { ApiError } from "../api/generated/ApiError";
import { asApiError } from "../api/host";
import { queueStatus } from "../api/queries";
import { Empty } from "../components/Empty";
import { Mark } from "../components/Mark";
import { Toasts } from "../components/toast";
import { AddDialog } from "../features/add/AddDialog";
import { errorText, useLanguage, useT } from "../messages";
import { Banner } from "./Banner";
import { useCommandKeys, useCommands } from "./commands";
import { Incoming } from "./Incoming";
import { Palette } from "./Palette";
import css from "./Shell.module.css";
import { ShortcutSheet } from "./ShortcutSheet";
import { Strip } from "./Strip";

export function Shell() {
  const t = useT();
  const { data: queue, error } = useQuery(queueStatus());
  const refused = error === null ? null : asApiError(error);
  const [sheet, setSheet] = useState(false);
  const [palette, setPalette] = useState(false);
  const run = useCommands(useCallback(() => setPalette(true), []), useCallback(() => setSheet(true), []));
  useCommandKeys(run);
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
        <Banner />
        {refused?.code === "UNAUTHORIZED" || refused?.code === "FORBIDDEN" ? <Stranger error={refused} /> : <Outlet />}
      </main>
      <Strip />
      <AddDialog />
      <Incoming />
      <Palette isOpen={palette} onClose={() => setPalette(false)} run={run} />
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
