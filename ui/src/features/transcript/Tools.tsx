/** What can be done with a transcript beside reading it: undo, doubtful words, copies, versions, speakers. */
import { Ellipsis, HelpCircle, Redo2, Undo2 } from "lucide-react";
import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { call } from "../../api/call";
import type { MediaDetail } from "../../api/generated/MediaDetail";
import type { Transcript } from "../../api/generated/Transcript";
import type { TranscriptItem } from "../../api/generated/TranscriptItem";
import { media } from "../../api/queries";
import { IconButton } from "../../components/Button";
import { Menu } from "../../components/Menu";
import { toast } from "../../components/toast";
import { type Translate, useT } from "../../messages";
import { useAct } from "../../state/act";
import { plainText } from "./copying";
import type { Editing } from "./editing";
import css from "./Transcript.module.css";

const DOUBTS = "bobina.doubts";

/** Whether doubtful words are marked; remembered on this machine. */
export function useDoubts(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(() => localStorage.getItem(DOUBTS) !== "off");
  return [
    on,
    (next) => {
      localStorage.setItem(DOUBTS, next ? "on" : "off");
      setOn(next);
    },
  ];
}

/** "whisper:base", or "whisper:base, edited". */
export function versionName(t: Translate, version: TranscriptItem): string {
  return version.parent === null ? version.engine : t("version.edited", { engine: version.engine });
}

type Props = { detail: MediaDetail; transcript: Transcript; editing: Editing; doubts: boolean; onDoubts: (on: boolean) => void; compared: string | null; onCompare: (id: string | null) => void; onSpeakers: () => void; onReplace: () => void; onRemoved: () => void };

export function Tools({ detail, transcript, editing, doubts, onDoubts, compared, onCompare, onSpeakers, onReplace, onRemoved }: Props) {
  const t = useT();
  const act = useAct();
  const client = useQueryClient();
  const id = transcript.transcript_id;
  const others = detail.transcripts.filter((one) => one.transcript_id !== id && one.complete);
  const copy = (times: boolean) => act(() => navigator.clipboard.writeText(plainText(transcript.segments, times)).then(() => toast({ tone: "plain", title: t("copied") })));
  const version = (command: "transcripts.show" | "transcripts.remove") =>
    act(async () => {
      const next = await call(command, { id });
      client.setQueryData(media(next.item.media_id).queryKey, next);
      if (command === "transcripts.remove") onRemoved();
    });
  const actions: Record<string, () => void> = {
    replace: onReplace,
    speakers: onSpeakers,
    doubts: () => onDoubts(!doubts),
    times: () => copy(true),
    text: () => copy(false),
    show: () => version("transcripts.show"),
    remove: () => version("transcripts.remove"),
    back: () => onCompare(null),
  };
  const items = [
    { id: "replace", label: t("replace.label"), note: "Ctrl+H" },
    { id: "speakers", label: t("speakers.title") },
    { id: "doubts", label: doubts ? t("doubts.hide") : t("doubts.show") },
    { id: "times", label: t("copy.times") },
    { id: "text", label: t("copy.text") },
    ...(compared !== null ? [{ id: "back", label: t("compare.close") }] : others.map((one) => ({ id: `with ${one.transcript_id}`, label: t("compare.with", { other: versionName(t, one) }) }))),
    ...(others.length > 0 && detail.item.transcript_id !== id ? [{ id: "show", label: t("version.show") }] : []),
    ...(others.length > 0 ? [{ id: "remove", label: t("version.remove") }] : []),
  ];
  return (
    <div className={css.tools}>
      <IconButton label={t("edit.undo")} isDisabled={!editing.canUndo} onPress={editing.undo}>
        <Undo2 size={15} aria-hidden />
      </IconButton>
      <IconButton label={t("edit.redo")} isDisabled={!editing.canRedo} onPress={editing.redo}>
        <Redo2 size={15} aria-hidden />
      </IconButton>
      <Menu
        label={t("transcript.more")}
        trigger={
          <IconButton label={t("transcript.more")}>
            <Ellipsis size={16} aria-hidden />
          </IconButton>
        }
        items={items}
        onAction={(key) => (key.startsWith("with ") ? onCompare(key.slice(5)) : actions[key]?.())}
      />
    </div>
  );
}

/** What the mark under a word means. */
export function Legend({ count }: { count: number }) {
  const t = useT();
  return (
    <p className={css.legend}>
      <HelpCircle size={13} aria-hidden />
      <span>
        <span className={css.unsure}>{t("doubts.sample")}</span> {t("doubts.legend", { count })}
      </span>
    </p>
  );
}
