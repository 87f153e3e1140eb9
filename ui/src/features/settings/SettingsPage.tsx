/** The user's choices on one page: a list of its parts beside them, and a search over all of them. */
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { Empty } from "../../components/Empty";
import { SearchBox } from "../../components/Field";
import { type Key, useT } from "../../messages";
import { fold } from "../../messages/fold";
import { COMMANDS } from "../../state/shortcuts";
import { About } from "./About";
import { Diagnostics } from "./Diagnostics";
import { Doctor } from "./Doctor";
import { General } from "./General";
import { Models } from "./Models";
import { Privacy } from "./Privacy";
import { Recipes } from "./Recipes";
import css from "./Settings.module.css";
import { Shortcuts } from "./Shortcuts";
import { Storage } from "./Storage";
import { Watched } from "./Watched";
import { Work } from "./Work";

/** A part, and what a search finds it by besides its title. */
type Part = { id: string; title: Key; words: readonly Key[]; part: () => React.ReactNode };

const PARTS: readonly Part[] = [
  { id: "general", title: "settings.general", words: ["settings.language", "settings.theme", "settings.density", "settings.recipe", "settings.dark", "settings.light"], part: () => <General /> },
  { id: "work", title: "settings.work", words: ["settings.night", "settings.mains", "settings.awake", "settings.notify", "settings.close", "settings.retries", "settings.net", "settings.cpu", "settings.model"], part: () => <Work /> },
  { id: "models", title: "settings.models", words: ["models.lead", "settings.mirror", "models.import"], part: () => <Models /> },
  { id: "doctor", title: "settings.doctor", words: ["settings.ffmpeg", "settings.ytdlp", "doctor.again"], part: () => <Doctor /> },
  { id: "recipes", title: "settings.recipes", words: ["recipes.lead", "recipes.new"], part: () => <Recipes /> },
  { id: "watch", title: "settings.watch", words: ["watch.lead", "watch.add"], part: () => <Watched /> },
  { id: "storage", title: "settings.storage", words: ["storage.lead"], part: () => <Storage /> },
  { id: "shortcuts", title: "settings.shortcuts", words: ["shortcuts.lead", ...COMMANDS.map((command) => command.title)], part: () => <Shortcuts /> },
  { id: "privacy", title: "settings.privacy", words: ["privacy.lead", "settings.hosts"], part: () => <Privacy /> },
  { id: "diagnostics", title: "settings.diagnostics", words: ["diagnostics.lead", "diagnostics.bundle"], part: () => <Diagnostics /> },
  { id: "about", title: "settings.about", words: ["about.licence"], part: () => <About /> },
];

export function SettingsPage() {
  const t = useT();
  const { part } = useSearch({ from: "/settings" });
  const page = useRef<HTMLDivElement>(null);
  const [text, setText] = useState("");
  const shown = useMemo(() => {
    const words = fold(text).split(/\s+/).filter(Boolean);
    return PARTS.filter(({ title, words: keys }) => {
      const all = fold([title, ...keys].map((key) => t(key)).join(" "));
      return words.every((word) => all.includes(word));
    });
  }, [text, t]);
  useEffect(() => {
    if (part === undefined) return;
    const go = () => {
      const section = page.current?.querySelector<HTMLElement>(`#part-${CSS.escape(part)}`);
      if (section && page.current) page.current.scrollTop += section.getBoundingClientRect().top - page.current.getBoundingClientRect().top;
    };
    go();
    // Parts above grow when what they ask for arrives.
    const timer = setTimeout(go, 300);
    return () => clearTimeout(timer);
  }, [part]);
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{t("nav.settings")}</h1>
        <div className={css.grow} />
        <SearchBox label={t("settings.find")} value={text} onChange={setText} clearLabel={t("clear")} />
      </header>
      <div className={css.halves}>
        <nav className={css.parts} aria-label={t("settings.parts")}>
          {shown.map(({ id, title }) => (
            <Link key={id} to="/settings" search={{ part: id }} className={`${css.part} ${part === id ? css.here : ""}`} replace>{t(title)}</Link>
          ))}
        </nav>
        <div className={css.body} ref={page} tabIndex={0} role="region" aria-label={t("nav.settings")}>
          {shown.length === 0 && <Empty title={t("settings.nothing")} />}
          {shown.map(({ id, title, part: make }) => (
            <section key={id} id={`part-${id}`} className={css.section} aria-labelledby={`title-${id}`}>
              <h2 id={`title-${id}`}>{t(title)}</h2>
              {make()}
            </section>
          ))}
        </div>
      </div>
    </div>
  );
}
