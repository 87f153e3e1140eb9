/** The keys of the transcript page: the player's, and those of finding and editing. */
import { type RefObject, useCallback } from "react";
import type { Transcript } from "../../api/generated/Transcript";
import { type Editing, placeOf } from "./editing";
import { type Player, usePlayerKeys } from "./player";
import type { ReaderHandle } from "./Reader";

type Keys = { player: Player; frame: number; reader: RefObject<ReaderHandle | null>; box: RefObject<HTMLInputElement | null>; go: (step: 1 | -1) => void; editing: Editing; transcript: Transcript | undefined; onReplace: () => void; onExport: (() => void) | null };

function isTyping(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
}

export function useTranscriptKeys({ player, frame, reader, box, go, editing, transcript, onReplace, onExport }: Keys): void {
  const more = useCallback(
    (event: KeyboardEvent) => {
      const main = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const typing = isTyping(event);
      const spoken = transcript?.segments[reader.current?.active() ?? -1];
      const now = Math.round(player.time * 1000) / 1000;
      if (main && key === "f") {
        box.current?.focus();
        box.current?.select();
      } else if (main && key === "h") {
        onReplace();
        box.current?.focus();
        box.current?.select();
      } else if (event.key === "F3") go(event.shiftKey ? -1 : 1);
      else if (main && key === "g") reader.current?.now();
      else if (main && key === "e" && onExport !== null) onExport();
      else if (event.key === "F2") reader.current?.edit();
      else if (typing) return false;
      else if (main && (key === "y" || (key === "z" && event.shiftKey))) editing.redo();
      else if (main && key === "z") editing.undo();
      else if (main || event.altKey || spoken === undefined) return false;
      else if (key === "r") player.setLoop(player.loop === null ? { start: spoken.start, end: spoken.end } : null);
      else if (key === "i" || key === "o") {
        void editing.send((segments) => {
          const place = placeOf(segments, spoken.start);
          return place < 0 ? null : [key === "i" ? { edit: "retime", segment: place, start: now, end: spoken.end } : { edit: "retime", segment: place, start: spoken.start, end: now }];
        });
      } else return false;
      return true;
    },
    [player, reader, box, go, editing, transcript, onReplace, onExport],
  );
  usePlayerKeys(player, frame, more);
}
