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
import { type Caret, EditRow } from "./EditRow";
import { type Editing, placeOf as placeOfStart } from "./editing";
import { type Match, piecesOf, segmentAt, wordAt } from "./locate";
import type { Player } from "./player";
import { Legend } from "./Tools";
import css from "./Transcript.module.css";

export type ReaderHandle = { now: () => void; show: (segment: number) => void; edit: () => void; active: () => number };

/** Below this confidence a word is marked as doubtful. */
const DOUBTFUL = 0.4;

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

type Props = { transcript: Transcript; player: Player; matches: readonly Match[]; current: number; handle: Ref<ReaderHandle>; editing: Editing; speakers: readonly string[]; doubts: boolean };

export function Reader({ transcript, player, matches, current, handle, editing, speakers, doubts }: Props) {
  const t = useT();
  const list = useRef<VirtualListHandle>(null);
  const [active, setActive] = useState(() => segmentAt(transcript.segments, player.time));
  const [following, setFollowing] = useState(true);
  const segments = transcript.segments;
  const items = useMemo(() => itemsOf(transcript), [transcript]);
  const doubtful = useMemo(() => segments.reduce((sum, segment) => sum + segment.words.reduce((own, word) => own + ((word.confidence ?? 1) < DOUBTFUL ? 1 : 0), 0), 0), [segments]);
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

  const [caret, setCaret] = useState<Caret | null>(null);
  const canEdit = transcript.complete;
  const edited = useMemo(() => {
    if (caret === null) return -1;
    const at = placeOfStart(segments, caret.start);
    return at < 0 ? -1 : at + (caret.next === true ? 1 : 0);
  }, [caret, segments]);
  const open = useCallback(
    (segment: number, at: number) => {
      const start = segments[segment]?.start;
      if (!canEdit || start === undefined) return;
      setFollowing(false);
      setCaret({ start, at });
    },
    [canEdit, segments],
  );

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
  useEffect(() => {
    const place = edited < 0 ? undefined : placeOf.get(edited);
    if (place !== undefined) list.current?.reveal(place);
  }, [edited, placeOf]);
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
      edit() {
        const focused = document.activeElement?.closest<HTMLElement>("[data-segment]")?.dataset.segment;
        const segment = focused === undefined ? Math.max(0, segmentAt(segments, player.time)) : Number(focused);
        reveal(segment, false);
        open(segment, segments[segment]?.text.length ?? 0);
      },
      active: () => segmentAt(segments, player.time),
    }),
    [reveal, segments, player, open],
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
      {doubts && doubtful > 0 && <Legend count={doubtful} />}
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
          if (segment === undefined) return null;
          if (item.segment === edited)
            return <EditRow key={`${segment.start}|${segment.end}|${segment.speaker}|${segment.text}`} segment={segment} caret={caret?.at ?? 0} before={segments[edited - 1]} after={segments[edited + 1]} speakers={speakers} editing={editing} player={player} onGo={setCaret} />;
          return <Row segment={segment} index={item.segment} isActive={item.segment === active} marks={marks.get(item.segment) ?? NONE} doubts={doubts} onPlay={play} onEdit={canEdit ? open : null} />;
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

/** The place in the text of a line that was pressed. */
function placeAt(paragraph: HTMLElement, x: number, y: number): number {
  // Older WebKit knows only the second of the two.
  const position = "caretPositionFromPoint" in document ? document.caretPositionFromPoint(x, y) : null;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only one that older WebKit has
  const older = position === null ? document.caretRangeFromPoint(x, y) : null;
  const [node, offset] = [position?.offsetNode ?? older?.startContainer, position?.offset ?? older?.startOffset ?? 0];
  if (node === undefined || !paragraph.contains(node)) return paragraph.textContent.length;
  const range = document.createRange();
  range.setStart(paragraph, 0);
  range.setEnd(node, offset);
  return range.toString().length;
}

type RowProps = { segment: Segment; index: number; isActive: boolean; marks: readonly (Match & { current: boolean })[]; doubts: boolean; onPlay: (time: number) => void; onEdit: ((segment: number, at: number) => void) | null };

const Row = memo(function Row({ segment, index, isActive, marks, doubts, onPlay, onEdit }: RowProps) {
  const t = useT();
  const doubtful = doubts && segment.words.some((word) => (word.confidence ?? 1) < DOUBTFUL);
  return (
    <div role="listitem" className={`${css.segment} ${isActive ? css.active : ""} ${segment.speaker === undefined ? css.nobody : ""}`} data-segment={index}>
      <button type="button" className={css.time} onClick={() => onPlay(segment.start)} aria-label={t("transcript.play", { time: clock(segment.start) })}>{clock(segment.start)}</button>
      {segment.speaker !== undefined && <span className={css.who}>{segment.speaker}</span>}
      {/* The keyboard opens the same with F2; a press only says where in the text. */}
      <p
        className={onEdit === null ? undefined : css.canEdit}
        onClick={(event) => {
          // Marking text to copy it is no wish to change it.
          if (onEdit !== null && getSelection()?.isCollapsed !== false) onEdit(index, placeAt(event.currentTarget, event.clientX, event.clientY));
        }}
      >
        {piecesOf(segment, isActive || doubtful, marks).map((piece, at) => (
          <span key={at} {...(piece.word === null ? {} : { "data-word": piece.word })} className={`${piece.mark === "no" ? "" : piece.mark === "current" ? css.markNow : css.mark} ${doubts && piece.word !== null && (segment.words[piece.word]?.confidence ?? 1) < DOUBTFUL ? css.unsure : ""}`}>{piece.text}</span>
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
