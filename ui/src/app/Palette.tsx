/** Ctrl+K: every command, every medium and every word that was said, by typing. A combobox after the ARIA pattern. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CornerDownLeft, Film, Search } from "lucide-react";
import { useDeferredValue, useEffect, useId, useRef, useState } from "react";
import { Dialog as AriaDialog, Modal, ModalOverlay } from "react-aria-components";
import { libraryPage } from "../api/queries";
import { useT } from "../messages";
import { fold } from "../messages/fold";
import { useSettings } from "../state/settings";
import { COMMANDS, keysOf } from "../state/shortcuts";
import type { Run } from "./commands";
import css from "./Palette.module.css";

type Entry = { id: string; kind: "command" | "media" | "search"; label: string; keys: string; run: () => void };

/** How well words fit a text: all of them at beginnings of its words 2, anywhere 1, else 0. */
function fit(text: string, words: string[]): number {
  const folded = fold(text);
  if (!words.every((word) => folded.includes(word))) return 0;
  return words.every((word) => folded.startsWith(word) || folded.includes(` ${word}`)) ? 2 : 1;
}

export function Palette({ isOpen, onClose, run }: { isOpen: boolean; onClose: () => void; run: Run }) {
  const t = useT();
  return (
    <ModalOverlay className={css.overlay ?? ""} isOpen={isOpen} onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className={css.modal ?? ""}>
        <AriaDialog className={css.dialog ?? ""} aria-label={t("command.palette")}>
          <Finder onClose={onClose} run={run} />
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

function Finder({ onClose, run }: { onClose: () => void; run: Run }) {
  const t = useT();
  const id = useId();
  const navigate = useNavigate();
  const keys = keysOf(useSettings()?.shortcuts ?? {});
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const wanted = useDeferredValue(text.trim());
  const { data } = useQuery({ ...libraryPage({ kind: null, language: null, text: wanted, sort: null, filter: null, limit: 6, offset: 0 }), enabled: wanted !== "" });
  const words = fold(text).split(/\s+/).filter(Boolean);
  const entries: Entry[] = COMMANDS.filter((command) => command.id !== "palette")
    .map((command) => ({ command, label: t(command.title), score: fit(t(command.title), words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ command, label }) => ({ id: command.id, kind: "command", label, keys: keys.get(command.id) ?? "", run: run[command.id] }));
  if (wanted !== "") {
    for (const item of data?.items ?? []) entries.push({ id: item.media_id, kind: "media", label: item.title, keys: "", run: () => void navigate({ to: "/library/$mediaId", params: { mediaId: item.media_id }, search: { t: undefined, find: undefined } }) });
    entries.push({ id: "said", kind: "search", label: t("palette.search", { words: text.trim() }), keys: "", run: () => void navigate({ to: "/library", search: { q: text.trim() } }) });
  }
  const chosen = Math.min(at, entries.length - 1);
  useEffect(() => setAt(0), [text]);
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }), [chosen]);
  const take = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    onClose();
    // After the dialog has given its focus back: a command may open another one.
    setTimeout(entry.run, 0);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const count = entries.length;
    const moves: Record<string, number> = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: Math.min(count - 1, chosen + 8), PageUp: Math.max(0, chosen - 8) };
    const to = moves[event.key];
    if (to !== undefined && count > 0) {
      event.preventDefault();
      setAt((to + count) % count);
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(entries[chosen]);
    }
  };
  return (
    <>
      <div className={css.field}>
        <Search size={16} aria-hidden />
        <input
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={entries[chosen] === undefined ? undefined : `${id}-${chosen}`}
          aria-autocomplete="list"
          aria-label={t("palette.label")}
          placeholder={t("palette.label")}
          autoFocus
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label={t("palette.label")} className={css.list}>
        {entries.map((entry, index) => (
          <li
            key={`${entry.kind}-${entry.id}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className={css.entry}
            onPointerMove={() => setAt(index)}
            onClick={() => take(entry)}
          >
            {entry.kind === "media" ? <Film size={15} aria-hidden /> : entry.kind === "search" ? <Search size={15} aria-hidden /> : <CornerDownLeft size={15} aria-hidden />}
            <span>{entry.label}</span>
            {entry.keys !== "" && <kbd>{entry.keys}</kbd>}
          </li>
        ))}
      </ul>
    </>
  );
}
