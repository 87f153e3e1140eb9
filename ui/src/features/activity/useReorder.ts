/**
 * Moving waiting tasks to another place: by pointer (not by HTML5 dragging, which dies where the window takes file
 * drops) and by keys. Invariant: only the engine's answer moves a row; a drag that ends nowhere changes nothing.
 */
import { useCallback, useEffect, useRef, useState } from "react";

type Options = {
  /** The list's scrolling element. */
  scroller: () => HTMLElement | null;
  /** Puts the row `from` before the row `to`; `to` may be one past the last. */
  onMove: (from: number, to: number) => void;
};

export type Drag = { from: number; to: number } | null;

/** Within this many pixels of an edge the list scrolls along. */
const EDGE = 40;

export function useReorder({ scroller, onMove }: Options): { drag: Drag; start: (index: number, event: React.PointerEvent) => void } {
  const [drag, setDrag] = useState<Drag>(null);
  const now = useRef<Drag>(null);
  const end = useRef<(() => void) | null>(null);
  const move = useRef(onMove);
  useEffect(() => {
    move.current = onMove;
  }, [onMove]);
  useEffect(() => () => end.current?.(), []);

  const start = useCallback(
    (index: number, event: React.PointerEvent) => {
      const box = scroller();
      if (box === null || event.button !== 0) return;
      event.preventDefault();
      const pointer = event.pointerId;
      const show = (next: Drag) => {
        now.current = next;
        setDrag((old) => (old?.from === next?.from && old?.to === next?.to ? old : next));
      };
      const onPointerMove = (moved: PointerEvent) => {
        if (moved.pointerId !== pointer) return;
        const view = box.getBoundingClientRect();
        if (moved.clientY < view.top + EDGE) box.scrollTop -= 12;
        else if (moved.clientY > view.bottom - EDGE) box.scrollTop += 12;
        let to = now.current?.to ?? index;
        for (const row of box.querySelectorAll<HTMLElement>("[data-row]")) {
          const place = row.getBoundingClientRect();
          if (moved.clientY >= place.top && moved.clientY < place.bottom) to = Number(row.dataset.row) + (moved.clientY > place.top + place.height / 2 ? 1 : 0);
        }
        show({ from: index, to });
      };
      const stop = (commit: boolean) => {
        window.removeEventListener("pointermove", onPointerMove);
        window.removeEventListener("pointerup", onUp);
        window.removeEventListener("pointercancel", onCancel);
        window.removeEventListener("keydown", onKey, true);
        end.current = null;
        const done = now.current;
        now.current = null;
        setDrag(null);
        if (commit && done !== null && done.to !== done.from && done.to !== done.from + 1) move.current(done.from, done.to);
      };
      const onUp = (up: PointerEvent) => up.pointerId === pointer && stop(true);
      const onCancel = () => stop(false);
      const onKey = (key: KeyboardEvent) => {
        if (key.key !== "Escape") return;
        key.stopPropagation();
        stop(false);
      };
      window.addEventListener("pointermove", onPointerMove);
      window.addEventListener("pointerup", onUp);
      window.addEventListener("pointercancel", onCancel);
      window.addEventListener("keydown", onKey, true);
      end.current = () => stop(false);
      show({ from: index, to: index });
    },
    [scroller],
  );
  return { drag, start };
}
