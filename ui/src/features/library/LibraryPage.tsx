/** Everything taken in: a grid or a list, and a search over every word that was said. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { LibraryBig, Plus } from "lucide-react";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { libraryPage, search as searchQuery } from "../../api/queries";
import { Button } from "../../components/Button";
import { Segmented } from "../../components/Choice";
import { Empty } from "../../components/Empty";
import { SearchBox } from "../../components/Field";
import { useT } from "../../messages";
import { openAdd } from "../../state/add";
import { type Asked, Filters, NO_FILTER } from "./Filters";
import css from "./Library.module.css";
import { MediaShelf } from "./MediaShelf";
import { useHits } from "./hits";
import { SearchResults } from "./SearchResults";

type View = "grid" | "list";

/** The view is this machine's habit, not a setting worth a round trip. */
function useView() {
  const [view, setView] = useState<View>(() => (localStorage.getItem("bobina.library") === "list" ? "list" : "grid"));
  return [
    view,
    (next: View) => {
      localStorage.setItem("bobina.library", next);
      setView(next);
    },
  ] as const;
}

export function LibraryPage() {
  const t = useT();
  const navigate = useNavigate({ from: "/library" });
  const { q } = useSearch({ from: "/library" });
  const [text, setText] = useState(q ?? "");
  const words = useDeferredValue(text.trim());
  const [asked, setAsked] = useState<Asked>({ kind: null, language: null, sort: "-added_at", filter: NO_FILTER });
  const [view, setView] = useView();
  const box = useRef<HTMLInputElement>(null);
  const { data: any } = useQuery(libraryPage({ ...asked, kind: null, language: null, filter: null, text: null, limit: 1, offset: 0 }));
  const { data: found, isFetching } = useQuery({ ...searchQuery(words), enabled: words !== "" });
  const { data: titled } = useQuery({ ...libraryPage({ ...asked, text: words, limit: 8, offset: 0 }), enabled: words !== "" });
  const hits = useHits(words === "" ? [] : (found?.items ?? []), words === "" ? [] : (titled?.items ?? []), (hit) => {
    void navigate({ to: "/library/$mediaId", params: { mediaId: hit.media_id }, search: hit.start === null ? { t: undefined, find: undefined } : { t: Math.max(0, hit.start - 0.2), find: words } });
  });

  useEffect(() => {
    // The words stay in the address, so that going back from a transcript finds them.
    const timer = setTimeout(() => void navigate({ search: { q: words === "" ? undefined : words }, replace: true }), 400);
    return () => clearTimeout(timer);
  }, [words, navigate]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f") {
        event.preventDefault();
        box.current?.focus();
        box.current?.select();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  const empty = any?.total === 0;
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{t("nav.library")}</h1>
        {!empty && <SearchBox label={t("search.label")} placeholder={t("search.placeholder")} value={text} onChange={setText} clearLabel={t("clear")} wide inputRef={box} onKeyDown={hits.onKeyDown} note={words === "" || found === undefined ? null : isFetching ? "…" : t("search.count", { count: found.total })} />}
        <div className={css.grow} />
        {!empty && words === "" && (
          <Segmented
            label={t("view.label")}
            options={[
              { id: "grid", label: t("view.grid") },
              { id: "list", label: t("view.list") },
            ]}
            value={view}
            onChange={setView}
          />
        )}
        <Button look="primary" icon={<Plus size={16} aria-hidden />} onPress={() => openAdd()}>{t("add.button")}</Button>
      </header>
      {empty ? (
        <Empty icon={<LibraryBig size={36} strokeWidth={1.4} aria-hidden />} title={t("library.empty")} actions={<Button look="primary" onPress={() => openAdd()}>{t("add.button")}</Button>}>
          {t("library.empty.note")}
        </Empty>
      ) : (
        <>
          {words === "" && (
            <Filters asked={asked} onChange={setAsked} words={words} onWords={setText} />
          )}
          {words === "" ? <MediaShelf view={view} filter={asked} /> : <SearchResults hits={hits} words={words} searching={found === undefined} total={found?.total ?? 0} />}
        </>
      )}
    </div>
  );
}
