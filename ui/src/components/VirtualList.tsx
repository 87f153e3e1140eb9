/**
 * A long list of which only the rows in sight exist. Rows may have any height: they are measured once shown and
 * remembered by key. react-aria's Virtualizer builds its collection from every item, 10,000 task rows at each change;
 * this one knows only a count, so that a live list costs what its visible rows cost.
 */
import { type ReactNode, type Ref, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Offsets } from "./offsets";
import css from "./VirtualList.module.css";

export type VirtualListHandle = {
  /** Brings a row into sight: at the given share of the height from the top, or not at all when it is wholly visible. */
  reveal: (index: number, options?: { at?: number; smooth?: boolean; force?: boolean }) => void;
  element: () => HTMLElement | null;
};

type Props = {
  count: number;
  /** Expected height of a row in pixels, until it is measured. */
  estimate: number;
  rowKey: (index: number) => string;
  row: (index: number) => ReactNode;
  /** Told whenever other rows come into sight. */
  onRange?: (first: number, last: number) => void;
  /** Told when the user, not the program, scrolls. */
  onUserScroll?: () => void;
  handle?: Ref<VirtualListHandle>;
  className?: string | undefined;
  role?: string;
  label?: string;
  rowCount?: number;
  onKeyDown?: (event: React.KeyboardEvent) => void;
  before?: ReactNode;
  tabIndex?: number;
  /** Told to assistive software: more than one row may be chosen. */
  isMultiselectable?: boolean;
};

const OVERSCAN = 400;

export function VirtualList({ count, estimate, rowKey, row, onRange, onUserScroll, handle, className, role, label, rowCount, onKeyDown, before, tabIndex, isMultiselectable }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const measured = useRef(new Map<string, number>());
  const [range, setRange] = useState({ first: 0, last: Math.min(count - 1, 30) });
  const [, setVersion] = useState(0);
  const keyOf = useRef(rowKey);
  keyOf.current = rowKey;
  // Row 0's key stands for "the same list": a changed list gets new sums, known heights kept.
  const firstKey = count > 0 ? rowKey(0) : "";
  const lastKey = count > 0 ? rowKey(count - 1) : "";
  const offsets = useMemo(
    () => new Offsets(count, estimate, (index) => measured.current.get(keyOf.current(index))),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the keys at both ends tell when the rows are others
    [count, estimate, firstKey, lastKey],
  );
  const offsetsNow = useRef(offsets);
  offsetsNow.current = offsets;

  const look = useCallback(() => {
    const box = scroller.current;
    if (box === null) return;
    const top = box.scrollTop - (canvas.current?.offsetTop ?? 0);
    const now = offsetsNow.current;
    const first = now.at(Math.max(0, top - OVERSCAN));
    const last = Math.min(now.count - 1, now.at(top + box.clientHeight + OVERSCAN));
    setRange((old) => (old.first === first && old.last === last ? old : { first, last }));
  }, []);

  useLayoutEffect(look, [look, offsets]);
  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const observer = new ResizeObserver(look);
    observer.observe(box);
    return () => observer.disconnect();
  }, [look]);
  const last = Math.min(range.last, count - 1);
  const first = Math.min(range.first, Math.max(0, last));
  useEffect(() => {
    if (count > 0) onRange?.(first, last);
  }, [first, last, count, onRange]);

  // One observer for all rows in sight; a row above the view that changes its height moves the view along.
  const rows = useMemo(() => {
    if (typeof ResizeObserver === "undefined") return null;
    return new ResizeObserver((entries) => {
      const box = scroller.current;
      const now = offsetsNow.current;
      let moved = 0;
      let changed = false;
      const edge = (box?.scrollTop ?? 0) - (canvas.current?.offsetTop ?? 0);
      for (const entry of entries) {
        const element = entry.target as HTMLElement;
        const index = Number(element.dataset.index);
        const key = element.dataset.key;
        if (!element.isConnected || key === undefined || index >= now.count || keyOf.current(index) !== key) continue;
        const height = entry.borderBoxSize[0]?.blockSize ?? element.offsetHeight;
        const before = now.height(index);
        measured.current.set(key, height);
        if (now.top(index) + before <= edge) moved += height - before;
        if (now.set(index, height)) changed = true;
      }
      if (!changed) return;
      if (box !== null && Math.abs(moved) > 0.5) box.scrollTop += moved;
      setVersion((version) => version + 1);
      look();
    });
  }, [look]);
  useEffect(() => () => rows?.disconnect(), [rows]);
  const measure = useCallback(
    (element: HTMLDivElement | null) => {
      if (element === null || rows === null) return;
      rows.observe(element);
      return () => rows.unobserve(element);
    },
    [rows],
  );

  useImperativeHandle(
    handle,
    () => ({
      element: () => scroller.current,
      reveal(index, { at, smooth = false, force = false } = {}) {
        const box = scroller.current;
        if (box === null) return;
        const now = offsetsNow.current;
        const head = canvas.current?.offsetTop ?? 0;
        const top = now.top(index) + head;
        const bottom = top + now.height(index);
        if (!force && top >= box.scrollTop + (at === undefined ? 0 : 40) && bottom <= box.scrollTop + box.clientHeight - (at === undefined ? 0 : 80)) return;
        const target = at === undefined ? (top < box.scrollTop ? top : bottom - box.clientHeight) : top - box.clientHeight * at;
        // Estimated rows in between are measured on the way, so a long way is jumped.
        const near = Math.abs(target - box.scrollTop) < box.clientHeight * 2;
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        box.scrollTo({ top: target, behavior: smooth && near && !calm ? "smooth" : "instant" });
        look();
      },
    }),
    [look],
  );

  const shown: ReactNode[] = [];
  for (let index = first; index <= last; index++) {
    const key = rowKey(index);
    shown.push(
      <div key={key} ref={measure} className={css.row} style={{ transform: `translateY(${offsets.top(index)}px)` }} data-index={index} data-key={key} role="presentation">
        {row(index)}
      </div>,
    );
  }
  return (
     
    <div ref={scroller} className={`${css.scroller} ${className ?? ""}`} onScroll={look} onWheel={onUserScroll} onTouchMove={onUserScroll} onKeyDown={onKeyDown} tabIndex={tabIndex ?? -1} role="presentation">
      {before}
      <div ref={canvas} className={css.canvas} style={{ height: offsets.total }} role={role} aria-label={label} aria-rowcount={rowCount} {...(isMultiselectable ? { "aria-multiselectable": true } : {})}>
        {shown}
      </div>
    </div>
  );
}
