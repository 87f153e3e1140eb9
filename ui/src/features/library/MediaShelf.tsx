/** The library's media as a grid of posters or a list with columns; only what is in sight exists. */
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import type { LibraryQuery } from "../../api/generated/LibraryQuery";
import type { MediaItem } from "../../api/generated/MediaItem";
import { asApiError } from "../../api/host";
import { libraryPage } from "../../api/queries";
import { Empty } from "../../components/Empty";
import { Poster } from "../../components/Poster";
import { VirtualList } from "../../components/VirtualList";
import { errorText, useLanguage, useT } from "../../messages";
import { bytes, clock, moment, sourceName } from "../../messages/values";
import { useMediaUrl } from "../../state/media";
import { usePages } from "../../state/pages";
import css from "./Library.module.css";

const CARD = 250;
const GAP = 12;

function useColumns(view: "grid" | "list") {
  const box = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(3);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => setColumns(Math.max(1, Math.floor((element.clientWidth - 24 + GAP) / (CARD + GAP))));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, view === "grid" ? columns : 1] as const;
}

/** Arrow keys move between the links of the shelf, by their place in it. */
function walk(event: KeyboardEvent, columns: number) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  const here = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("[data-place]") : null;
  if (step === undefined || here === null) return;
  const next = event.currentTarget.querySelector<HTMLElement>(`[data-place="${Number(here.dataset.place) + step}"]`);
  if (next === null) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

export function MediaShelf({ view, filter }: { view: "grid" | "list"; filter: Pick<LibraryQuery, "kind" | "language" | "sort" | "filter"> }) {
  const t = useT();
  const language = useLanguage();
  const [box, columns] = useColumns(view);
  const pages = usePages<MediaItem>((offset, limit) => libraryPage({ ...filter, text: null, limit, offset }));
  const { onRange } = pages;
  const range = useRef((first: number, last: number) => onRange(first, last));
  range.current = (first, last) => onRange(first * columns, last * columns + columns - 1);
  const [told] = useState(() => (first: number, last: number) => range.current(first, last));
  const rows = Math.ceil(pages.total / columns);
  return (
    <div ref={box} className={css.shelf}>
      {view === "list" && pages.total > 0 && (
        <div className={css.columns} aria-hidden>
          <span />
          <span>{t("column.name")}</span>
          <span>{t("library.length")}</span>
          <span className={css.wideOnly}>{t("library.language")}</span>
          <span className={css.wideOnly}>{t("column.engine")}</span>
          <span className={css.wideOnly}>{t("library.size")}</span>
          <span>{t("library.added")}</span>
        </div>
      )}
      {pages.error !== null && pages.total === 0 ? (
        <Empty title={errorText(language, asApiError(pages.error)).title}>{errorText(language, asApiError(pages.error)).cure}</Empty>
      ) : pages.loaded && pages.total === 0 ? (
        <Empty title={t("library.nomatch")}>{t("library.nomatch.note")}</Empty>
      ) : (
        <VirtualList
          key={`${view}-${columns}`}
          count={rows}
          estimate={view === "grid" ? 240 : 55}
          rowKey={(row) => `${columns}-${pages.at(row * columns)?.media_id ?? row}`}
          onRange={told}
          role="list"
          label={t("nav.library")}
          onKeyDown={(event) => walk(event, columns)}
          row={(row) =>
            view === "grid" ? (
              <div className={css.line} style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
                {Array.from({ length: columns }, (_, column) => row * columns + column).map((place) => {
                  const item = pages.at(place);
                  return item === undefined ? <span key={place} /> : <Card key={item.media_id} item={item} place={place} />;
                })}
              </div>
            ) : (
              <Row item={pages.at(row)} place={row} />
            )
          }
        />
      )}
    </div>
  );
}

function useOpens() {
  return { to: "/library/$mediaId" as const, search: { t: undefined, find: undefined } };
}

function Card({ item, place }: { item: MediaItem; place: number }) {
  const t = useT();
  const address = useMediaUrl();
  return (
    <div role="listitem" className={css.cell}>
      <Link {...useOpens()} params={{ mediaId: item.media_id }} className={css.card} data-place={place} data-media={item.media_id}>
        <span className={css.shot}>
          <Poster src={address(item.poster)} kind={item.kind} />
          {item.language !== null && item.language !== "und" && <i className={css.tongue}>{item.language}</i>}
          {item.duration > 0 && <em className={css.length}>{clock(item.duration)}</em>}
        </span>
        <b title={item.title}>{item.title}</b>
        <span className={css.under}>
          <span className={css.from}>{item.missing ? t("library.missing") : sourceName(item.source)}</span>
          {[...item.tags, ...item.labels].slice(0, 2).map((label) => (
            <span key={label} className={css.tag}>{label}</span>
          ))}
        </span>
      </Link>
    </div>
  );
}

function Row({ item, place }: { item: MediaItem | undefined; place: number }) {
  const language = useLanguage();
  const address = useMediaUrl();
  const opens = useOpens();
  if (item === undefined) return <div className={css.ghost} />;
  return (
    <div role="listitem">
      <Link {...opens} params={{ mediaId: item.media_id }} className={css.row} data-place={place} data-media={item.media_id}>
        <Poster small src={address(item.poster)} kind={item.kind} />
        <span className={css.name}>
          <b title={item.title}>{item.title}</b>
          <small title={item.source}>{sourceName(item.source)}</small>
        </span>
        <span className={css.number}>{item.duration > 0 ? clock(item.duration) : "—"}</span>
        <span className={css.wideOnly}>{item.language ?? "—"}</span>
        <span className={css.wideOnly}>{item.engine ?? "—"}</span>
        <span className={css.wideOnly}>{bytes(language, item.size)}</span>
        <span>{moment(language, item.added_at)}</span>
      </Link>
    </div>
  );
}
