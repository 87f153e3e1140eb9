/** Which tasks are chosen: by pointer, by keys, all that the filter shows. Invariant: holds ids, so a list that moves keeps its choice. */
import { useCallback, useRef, useState } from "react";

export type Selection = {
  ids: ReadonlySet<string>;
  /** Adds or takes away one; the next range begins there. */
  toggle: (id: string, index: number) => void;
  /** From where the last choice was made to this row; rows not read yet are left out. */
  range: (index: number, idAt: (index: number) => string | undefined) => void;
  set: (ids: Iterable<string>) => void;
  clear: () => void;
};

export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const anchor = useRef(0);
  const toggle = useCallback((id: string, index: number) => {
    anchor.current = index;
    setIds((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const range = useCallback((index: number, idAt: (index: number) => string | undefined) => {
    const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
    setIds((old) => {
      const next = new Set(old);
      for (let at = from; at <= to; at++) {
        const id = idAt(at);
        if (id !== undefined) next.add(id);
      }
      return next;
    });
  }, []);
  const set = useCallback((wanted: Iterable<string>) => setIds(new Set(wanted)), []);
  const clear = useCallback(() => setIds((old) => (old.size === 0 ? old : new Set())), []);
  return { ids, toggle, range, set, clear };
}
