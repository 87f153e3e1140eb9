/**
 * The text beside the media: segments with their times, the spoken word lit, follow until the user scrolls.
 * Invariant: a moving time renders nothing but the two rows that trade places; the word is lit by hand.
 */
import { ArrowDown } from "lucide-react";
import { memo, type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState } from "react";
import type { Segment } from "../../api/generated/Segment";
import type { Transcript } from "../../api/generated/Transcript";
import { Button } from "../../components/Button";
import { Dot } from "../../components/Progress";
import { VirtualList, type VirtualListHandle } from "../../components/VirtualList";
import { useT } from "../../messages";
import { clock } from "../../messages/values";
import { type Match, piecesOf, segmentAt, wordAt } from "./locate";
import type { Player } from "./player";
import css from "./Transcript.module.css";

export type ReaderHandle = { now: () => void; show: (segment: number) => void };

type Item = { segment: number } | { gap: { start: number; end: number; reason: string } } | { live: true };

/** Segments and gaps in order of time; a transcript that is still being heard ends with a sign of it. */
function itemsOf(transcript: Transcript): Item[] {
  const items: Item[] = transcript.segments.map((_, segment) => ({ segment }));
  for (const gap of transcript.gaps) {
    const after = segmentAt(transcript.segments, gap.start) + 1;
    const place = items.findIndex((item) => "segment" in item && item.segment === after);
    items.splice(place < 0 ? items.length : place, 0, { gap });
  }
  if (!transcript.complete) items.push({ live: true });
  return items;
}

const NONE: readonly (Match & { current: boolean })[] = [];

export function Reader({ transcript, player, matches, current, handle }: { transcript: Transcript; player: Player; matches: readonly Match[]; current: number; handle: Ref<ReaderHandle> }) {
  const t = useT();
  const list = useRef<VirtualListHandle>(null);
  const [active, setActive] = useState(() => segmentAt(transcript.segments, player.time));
  const [following, setFollowing] = useState(true);
  const segments = transcript.segments;
  const items = useMemo(() => itemsOf(transcript), [transcript]);
  const placeOf = useMemo(() => new Map(items.flatMap((item, place) => ("segment" in item ? [[item.segment, place] as const] : []))), [items]);
  const marks = useMemo(() => {
    const map = new Map<number, (Match & { current: boolean })[]>();
    matches.forEach((match, index) => {
      const row = map.get(match.segment) ?? [];
      row.push({ ...match, current: index === current });
      map.set(match.segment, row);
    });
    return map;
  }, [matches, current]);

  const lit = useRef<{ element: Element; segment: number; word: number } | null>(null);
  useEffect(
    () =>
      player.onTime((time) => {
        const index = segmentAt(segments, time);
        setActive((old) => (old === index ? old : index));
        const segment = segments[index];
        const word = segment === undefined ? -1 : wordAt(segment, time);
        const old = lit.current;
        if (old !== null && old.segment === index && old.word === word && old.element.isConnected) return;
        old?.element.classList.remove(css.spoken ?? "");
        lit.current = null;
        if (word < 0) return;
        const element = list.current?.element()?.querySelector(`[data-segment="${index}"] [data-word="${word}"]`);
        if (element === null || element === undefined) return;
        element.classList.add(css.spoken ?? "");
        lit.current = { element, segment: index, word };
      }),
    [player, segments],
  );

  const reveal = useCallback(
    (segment: number, smooth: boolean, force = false) => {
      const place = placeOf.get(segment);
      if (place !== undefined) list.current?.reveal(place, { at: 0.3, smooth, force });
    },
    [placeOf],
  );
  useEffect(() => {
    if (following && active >= 0) reveal(active, true);
  }, [active, following, reveal]);
  useImperativeHandle(
    handle,
    () => ({
      now() {
        setFollowing(true);
        reveal(Math.max(0, segmentAt(segments, player.time)), false, true);
      },
      show(segment) {
        setFollowing(false);
        reveal(segment, false, true);
      },
    }),
    [reveal, segments, player],
  );
  const loose = useCallback(() => setFollowing(false), []);
  const play = useCallback(
    (time: number) => {
      setFollowing(true);
      player.seek(time, true);
    },
    [player],
  );

  return (
    <div className={css.reader} lang={transcript.language === "und" ? undefined : transcript.language}>
      <VirtualList
        handle={list}
        className={css.text}
        count={items.length}
        estimate={56}
        rowKey={(place) => {
          const item = items[place];
          return item === undefined ? `#${place}` : "segment" in item ? `s${segments[item.segment]?.start ?? place}` : "gap" in item ? `g${item.gap.start}` : "live";
        }}
        onUserScroll={loose}
        onKeyDown={(event) => {
          if (["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"].includes(event.key)) loose();
        }}
        role="list"
        label={t("transcript.label")}
        tabIndex={0}
        row={(place) => {
          const item = items[place];
          if (item === undefined) return null;
          if ("gap" in item) return <Gap {...item.gap} />;
          if ("live" in item) return <Live />;
          const segment = segments[item.segment];
          return segment === undefined ? null : <Row segment={segment} index={item.segment} isActive={item.segment === active} marks={marks.get(item.segment) ?? NONE} onPlay={play} />;
        }}
      />
      {!following && (
        <div className={css.pill}>
          <Button small icon={<ArrowDown size={13} aria-hidden />} onPress={() => {
            setFollowing(true);
            reveal(Math.max(0, active), false, true);
          }}>{t("transcript.now")}</Button>
        </div>
      )}
    </div>
  );
}

const Row = memo(function Row({ segment, index, isActive, marks, onPlay }: { segment: Segment; index: number; isActive: boolean; marks: readonly (Match & { current: boolean })[]; onPlay: (time: number) => void }) {
  const t = useT();
  return (
    <div role="listitem" className={`${css.segment} ${isActive ? css.active : ""} ${segment.speaker === undefined ? css.nobody : ""}`} data-segment={index}>
      <button type="button" className={css.time} onClick={() => onPlay(segment.start)} aria-label={t("transcript.play", { time: clock(segment.start) })}>{clock(segment.start)}</button>
      {segment.speaker !== undefined && <span className={css.who}>{segment.speaker}</span>}
      <p>
        {piecesOf(segment, isActive, marks).map((piece, at) => (
          <span key={at} {...(piece.word === null ? {} : { "data-word": piece.word })} className={`${piece.mark === "no" ? "" : piece.mark === "current" ? css.markNow : css.mark} ${piece.word !== null && (segment.words[piece.word]?.confidence ?? 1) < 0.4 ? css.unsure : ""}`}>{piece.text}</span>
        ))}
      </p>
    </div>
  );
});

function Gap({ start, end, reason }: { start: number; end: number; reason: string }) {
  const t = useT();
  return (
    <div role="listitem" className={css.gap}>
      <span>{t("transcript.gap", { from: clock(start), to: clock(end) })}</span>
      <span className={css.faint}>{reason}</span>
    </div>
  );
}

function Live() {
  const t = useT();
  return (
    <div role="listitem" className={css.live}>
      <Dot tone="running" pulse />
      <span>{t("transcript.listening")}</span>
    </div>
  );
}
