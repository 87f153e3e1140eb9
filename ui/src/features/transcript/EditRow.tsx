/**
 * A segment while it is edited: its text, its times, who speaks. Enter parts it at the caret, Backspace at its start
 * joins it with the one before, Escape leaves it as it was; leaving it stores what was changed.
 */
import { Repeat, Trash2 } from "lucide-react";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Edit } from "../../api/generated/Edit";
import type { Segment } from "../../api/generated/Segment";
import { IconButton } from "../../components/Button";
import { useT } from "../../messages";
import { type Editing, placeOf } from "./editing";
import type { Player } from "./player";
import { exact, parseTime } from "./times";
import css from "./Transcript.module.css";

/** Where the caret goes: the segment that starts at a second, or the one after it, and a place in its text. */
export type Caret = { start: number; at: number; next?: boolean };

type Props = { segment: Segment; caret: number; before: Segment | undefined; after: Segment | undefined; speakers: readonly string[]; editing: Editing; player: Player; onGo: (caret: Caret | null) => void };

export function EditRow({ segment, caret, before, after, speakers, editing, player, onGo }: Props) {
  const t = useT();
  const [text, setText] = useState(segment.text);
  const [speaker, setSpeaker] = useState(segment.speaker ?? "");
  const [start, setStart] = useState(exact(segment.start));
  const [end, setEnd] = useState(exact(segment.end));
  const area = useRef<HTMLTextAreaElement>(null);
  const row = useRef<HTMLDivElement>(null);
  const settled = useRef(false);
  useLayoutEffect(() => {
    area.current?.focus({ preventScroll: true });
    area.current?.setSelectionRange(caret, caret);
  }, [caret]);

  /** What was changed in the fields, as edits of the segment at `place`; an emptied text comes last, since it removes it. */
  const fields = (place: number): Edit[] => {
    const edits: Edit[] = [];
    const [from, to] = [parseTime(start), parseTime(end)];
    if (from !== null && to !== null && (exact(segment.start) !== exact(from) || exact(segment.end) !== exact(to))) edits.push({ edit: "retime", segment: place, start: from, end: to });
    if (speaker.trim() !== (segment.speaker ?? "")) edits.push({ edit: "speaker", first: place, last: place, speaker: speaker.trim() === "" ? null : speaker });
    if (text.trim() !== segment.text.trim()) edits.push({ edit: "text", segment: place, text });
    return edits;
  };
  const fieldsNow = useRef(fields);
  fieldsNow.current = fields;
  // A row that is scrolled out of sight is gone; what was typed into it is not.
  useEffect(
    () => () => {
      if (settled.current || fieldsNow.current(0).length === 0) return;
      settled.current = true;
      void editing.send((segments) => {
        const place = placeOf(segments, segment.start);
        return place < 0 ? null : fieldsNow.current(place);
      });
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when the row goes
    [],
  );
  /** Stores the fields and what `more` adds; then the caret goes where `to` says, after the answer when lines change places. */
  const leave = (to: Caret | null, more?: (place: number) => Edit[]) => {
    if (settled.current) return;
    settled.current = true;
    const stored = editing.send((segments) => {
      const place = placeOf(segments, segment.start);
      return place < 0 ? null : [...fields(place), ...(more?.(place) ?? [])];
    });
    onGo(more === undefined ? to : null);
    if (more !== undefined) void stored.then((ok) => ok && onGo(to));
  };
  const split = (at: number) => {
    const isSame = text.trim() === segment.text.trim();
    const kept = isSame ? text : text.trim();
    const place = isSame ? at : Math.max(0, at - (text.length - text.trimStart().length));
    leave({ start: segment.start, at: 0, next: true }, (index) => [{ edit: "split", segment: index, at: Array.from(kept.slice(0, place)).length }]);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const target = event.currentTarget;
    const [from, to] = [target.selectionStart, target.selectionEnd];
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Escape") {
      settled.current = true;
      onGo(null);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      if (text.slice(0, from).trim() !== "" && text.slice(to).trim() !== "") split(from);
      else leave(after === undefined ? null : { start: after.start, at: 0 });
    } else if (event.key === "Backspace" && from === 0 && to === 0 && before !== undefined) {
      leave({ start: before.start, at: before.text.trimEnd().length + 1 }, (place) => (text.trim() === "" ? [] : [{ edit: "merge", segment: place - 1 }]));
    } else if (event.key === "Delete" && from === text.length && after !== undefined && text.trim() !== "") {
      leave({ start: segment.start, at: text.trim().length }, (place) => [{ edit: "merge", segment: place }]);
    } else if (command && event.key === "ArrowDown" && after !== undefined) leave({ start: after.start, at: 0 });
    else if (command && event.key === "ArrowUp" && before !== undefined) leave({ start: before.start, at: before.text.length });
    else if (command && event.key.toLowerCase() === "z" && text === segment.text) {
      settled.current = true;
      onGo(null);
      if (event.shiftKey) editing.redo();
      else editing.undo();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onField = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter") leave({ start: parseTime(start) ?? segment.start, at: caret });
    else if (event.key === "Escape") {
      settled.current = true;
      onGo(null);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const looping = player.loop !== null && Math.abs(player.loop.start - segment.start) < 0.001;
  return (
    <div
      ref={row}
      role="listitem"
      className={`${css.segment} ${css.editing}`}
      data-editing
      onBlur={(event) => {
        if (event.relatedTarget instanceof Node && row.current?.contains(event.relatedTarget)) return;
        // A press on a button of this row in WebKit focuses nothing; a list of names is no other place either.
        setTimeout(() => {
          if (row.current?.contains(document.activeElement) !== true && row.current !== null) leave(null);
        }, 120);
      }}
    >
      <div className={css.editTimes}>
        <input className={css.editTime} value={start} onChange={(event) => setStart(event.target.value)} onKeyDown={onField} aria-label={t("edit.start")} aria-invalid={parseTime(start) === null} />
        <input className={css.editTime} value={end} onChange={(event) => setEnd(event.target.value)} onKeyDown={onField} aria-label={t("edit.end")} aria-invalid={parseTime(end) === null} />
      </div>
      <div className={css.editBody}>
        <div className={css.grows} data-text={`${text} `}>
          <textarea ref={area} value={text} rows={1} onChange={(event) => setText(event.target.value.replaceAll("\n", " "))} onKeyDown={onKeyDown} aria-label={t("edit.text", { time: exact(segment.start) })} spellCheck />
        </div>
        <div className={css.editTools}>
          <input className={css.editSpeaker} list="speakers" value={speaker} placeholder={t("edit.speaker")} aria-label={t("edit.speaker")} onChange={(event) => setSpeaker(event.target.value)} onKeyDown={onField} />
          <datalist id="speakers">
            {speakers.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <span className={css.editHint}>{t("edit.hint")}</span>
          <IconButton label={looping ? t("player.loop.off") : t("player.loop")} onPress={() => player.setLoop(looping ? null : { start: segment.start, end: segment.end })}>
            <Repeat size={14} aria-hidden />
          </IconButton>
          <IconButton
            label={t("edit.delete")}
            onPress={() => {
              settled.current = true;
              void editing.send((segments) => {
                const place = placeOf(segments, segment.start);
                return place < 0 ? null : [{ edit: "delete", first: place, last: place }];
              });
              onGo(null);
            }}
          >
            <Trash2 size={14} aria-hidden />
          </IconButton>
        </div>
      </div>
    </div>
  );
}
