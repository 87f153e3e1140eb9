/** The user's choices, the speech models, watched folders and the doctor, on one page with a list of its parts. */
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { type Key, useT } from "../../messages";
import { Doctor } from "./Doctor";
import { General } from "./General";
import { Models } from "./Models";
import css from "./Settings.module.css";
import { Watched } from "./Watched";

const PARTS: { id: string; title: Key; part: () => React.ReactNode }[] = [
  { id: "general", title: "settings.general", part: () => <General /> },
  { id: "models", title: "settings.models", part: () => <Models /> },
  { id: "watch", title: "settings.watch", part: () => <Watched /> },
  { id: "doctor", title: "settings.doctor", part: () => <Doctor /> },
];

export function SettingsPage() {
  const t = useT();
  const { part } = useSearch({ from: "/settings" });
  const page = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (part !== undefined) page.current?.querySelector(`#part-${CSS.escape(part)}`)?.scrollIntoView({ block: "start" });
  }, [part]);
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{t("nav.settings")}</h1>
        <nav className={css.parts} aria-label={t("settings.parts")}>
          {PARTS.map(({ id, title }) => (
            <Link key={id} to="/settings" search={{ part: id }} className={css.part} replace>{t(title)}</Link>
          ))}
        </nav>
      </header>
      <div className={css.body} ref={page} tabIndex={0} role="region" aria-label={t("nav.settings")}>
        {PARTS.map(({ id, title, part: make }) => (
          <section key={id} id={`part-${id}`} className={css.section} aria-labelledby={`title-${id}`}>
            <h2 id={`title-${id}`}>{t(title)}</h2>
            {make()}
          </section>
        ))}
      </div>
    </div>
  );
}
