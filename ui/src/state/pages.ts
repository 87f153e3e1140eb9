/** A list by position, read in pages as they come into sight. */
import { type QueryKey, useQueries, type UseQueryOptions } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Page } from "../api/generated/Page";

export const PAGE = 100;

// The options differ in their key's type from list to list; a page is all that is asked of them.
type PageOptions = { queryKey: QueryKey; queryFn?: unknown; placeholderData?: unknown };

/** The first list on the screen is the first useful paint; `make bench` reads its time. */
const markUsefulPaint = () => requestAnimationFrame(() => {
  if (performance.getEntriesByName("useful-paint").length === 0) performance.mark("useful-paint");
});

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names what the pages hold
export function usePages<Item>(options: (offset: number, limit: number) => PageOptions) {
  const [[from, to], setPages] = useState<readonly [number, number]>([0, 0]);
  const onRange = useCallback((first: number, last: number) => {
    const next = [Math.floor(first / PAGE), Math.floor(last / PAGE)] as const;
    setPages((old) => (old[0] === next[0] && old[1] === next[1] ? old : next));
  }, []);
  const numbers = useMemo(() => Array.from({ length: to - from + 1 }, (_, index) => from + index), [from, to]);
  const results = useQueries({ queries: numbers.map((page) => options(page * PAGE, PAGE) as UseQueryOptions<Page<Item>>) });
  const total = useRef(0);
  const known = results.find((result) => result.isSuccess)?.data.total;
  if (known !== undefined) total.current = known;
  const at = (index: number): Item | undefined => {
    const number = Math.floor(index / PAGE);
    const page = results[number - from]?.data;
    // While a page is being read, another one may stand in its place; its rows are not these.
    return page !== undefined && page.offset === number * PAGE ? page.items[index % PAGE] : undefined;
  };
  const loaded = results.some((result) => result.isSuccess);
  useEffect(() => {
    if (loaded) markUsefulPaint();
  }, [loaded]);
  return { total: known ?? total.current, at, onRange, loaded, error: results.find((result) => result.isError)?.error ?? null };
}
