/** Search hits in the order they are shown, grouped by media, and the keys that walk them. */
import { type KeyboardEvent, useEffect, useMemo, useState } from "react";
import type { MediaItem } from "../../api/generated/MediaItem";
import type { SearchHit } from "../../api/generated/SearchHit";

/** `start` is null for a media found by its title. */
export type Hit = { key: string; media_id: string; title: string; start: number | null; snippet: string };
export type Group = { media_id: string; title: string; hits: Hit[] };

/** Hits by media, in the order of each media's best hit; media found only by title come last. */
export function group(found: SearchHit[], titled: MediaItem[]): Group[] {
  const groups = new Map<string, Group>();
  const of = (media_id: string, title: string) => {
    let known = groups.get(media_id);
    if (known === undefined) {
      known = { media_id, title, hits: [] };
      groups.set(media_id, known);
    }
    return known;
  };
  for (const hit of found) of(hit.media_id, hit.title).hits.push({ key: `${hit.transcript_id}-${hit.start}-${hit.end}`, media_id: hit.media_id, title: hit.title, start: hit.start, snippet: hit.snippet });
  for (const item of titled) if (!groups.has(item.media_id)) of(item.media_id, item.title).hits.push({ key: item.media_id, media_id: item.media_id, title: item.title, start: null, snippet: "" });
  return [...groups.values()];
}

export type Hits = ReturnType<typeof useHits>;

export function useHits(found: SearchHit[], titled: MediaItem[], open: (hit: Hit) => void) {
  const groups = useMemo(() => group(found, titled), [found, titled]);
  const flat = useMemo(() => groups.flatMap((one) => one.hits), [groups]);
  const [at, setAt] = useState(-1);
  useEffect(() => setAt(-1), [flat]);
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (flat.length === 0) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = event.key === "ArrowDown" ? Math.min(flat.length - 1, at + 1) : Math.max(0, at - 1);
      setAt(next);
      document.getElementById(`hit-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      const hit = flat[Math.max(0, at)];
      if (hit !== undefined) {
        event.preventDefault();
        open(hit);
      }
    }
  };
  return { groups, flat, at, onKeyDown, open };
}

// eslint-disable-next-line no-control-regex -- the marks are control characters by design, so that no text can hold them
const MARKED = /(\u0002[^\u0003]*\u0003?)/;

/** A snippet as runs, those between U+0002 and U+0003 lit. */
export function runs(snippet: string): { text: string; lit: boolean }[] {
  return snippet.split(MARKED).flatMap((part) => (part === "" ? [] : [{ text: part.replaceAll("\u0002", "").replaceAll("\u0003", ""), lit: part.startsWith("\u0002") }]));
}
