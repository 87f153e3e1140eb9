/** Who speaks: each name once, with how much they say; a new name counts everywhere. */
import { useMemo, useState } from "react";
import type { Segment } from "../../api/generated/Segment";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { useT } from "../../messages";
import type { Editing } from "./editing";
import css from "./Transcript.module.css";

/** Names in the order in which they are first heard, with the number of lines; "" stands for nobody. */
export function speakersOf(segments: readonly Segment[]): [string, number][] {
  const names = new Map<string, number>();
  for (const segment of segments) names.set(segment.speaker ?? "", (names.get(segment.speaker ?? "") ?? 0) + 1);
  return [...names];
}

export function Speakers({ segments, editing, isOpen, onClose }: { segments: readonly Segment[]; editing: Editing; isOpen: boolean; onClose: () => void }) {
  const t = useT();
  const speakers = useMemo(() => speakersOf(segments), [segments]);
  return (
    <Dialog title={t("speakers.title")} isOpen={isOpen} onClose={onClose} closeLabel={t("close")}>
      <p className={css.faint}>{t("speakers.note")}</p>
      <ul className={css.speakers}>
        {speakers.map(([name, lines], at) => (
          <Speaker key={at} name={name} lines={lines} onRename={(to) => void editing.send(() => [{ edit: "rename_speaker", from: name === "" ? null : name, to: to === "" ? null : to }])} />
        ))}
      </ul>
    </Dialog>
  );
}

function Speaker({ name, lines, onRename }: { name: string; lines: number; onRename: (to: string) => void }) {
  const t = useT();
  const [to, setTo] = useState(name);
  const shown = name === "" ? t("speakers.nobody") : name;
  return (
    <li>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (to.trim() !== name) onRename(to.trim());
        }}
      >
        <input className={css.replaceText} value={to} placeholder={t("speakers.nobody")} aria-label={t("speakers.name", { name: shown })} onChange={(event) => setTo(event.target.value)} />
        <span className={css.faint}>{t("speakers.lines", { count: lines })}</span>
        <Button small type="submit" isDisabled={to.trim() === name}>{t("speakers.rename")}</Button>
      </form>
    </li>
  );
}
