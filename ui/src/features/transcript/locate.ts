/** Finding things in a transcript: what is being said at a second, and where words stand. */
import type { Segment } from "../../api/generated/Segment";

/** The last index whose value is not above `value`; -1 when all are. `at` reads an ascending list. */
export function lastNotAbove(count: number, at: (index: number) => number, value: number): number {
  let low = -1;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (at(middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The segment at a second: the one that has begun last. */
export function segmentAt(segments: readonly Segment[], time: number): number {
  return lastNotAbove(segments.length, (index) => segments[index]?.start ?? Infinity, time + 0.02);
}

/** The word at a second within a segment; -1 before the first and a moment after a word's end. */
export function wordAt(segment: Segment, time: number): number {
  const index = lastNotAbove(segment.words.length, (word) => segment.words[word]?.start ?? Infinity, time + 0.02);
  const word = segment.words[index];
  return word !== undefined && time <= word.end + 0.35 ? index : -1;
}

/** Letters without accents and case, one for each UTF-16 unit, so that places in both texts agree. */
export function fold(text: string): string {
  let out = "";
  for (let index = 0; index < text.length; index++) {
    const unit = text.charAt(index);
    const code = unit.charCodeAt(0);
    if (code < 128) out += unit.toLowerCase();
    else {
      const plain = unit.normalize("NFD").charAt(0).toLowerCase();
      out += plain.length === 1 ? plain : unit;
    }
  }
  return out;
}

export type Match = { segment: number; from: number; to: number };

/** How exactly words must match; as the edit that replaces them does. */
export type FindOptions = { matchCase: boolean; wholeWords: boolean };

const LETTER = /[\p{L}\p{N}]/u;

export function findAll(segments: readonly Segment[], words: string, options: FindOptions = { matchCase: false, wholeWords: false }): Match[] {
  const seen = (text: string) => (options.matchCase ? text : fold(text));
  const wanted = seen(words.trim());
  if (wanted === "") return [];
  const found: Match[] = [];
  segments.forEach((segment, index) => {
    const text = seen(segment.text);
    for (let from = text.indexOf(wanted); from >= 0; ) {
      const to = from + wanted.length;
      const alone = !options.wholeWords || !(LETTER.test(text.charAt(from - 1)) || LETTER.test(text.charAt(to)));
      if (alone) found.push({ segment: index, from, to });
      from = text.indexOf(wanted, alone ? to : from + 1);
    }
  });
  return found;
}

export type Piece = { text: string; word: number | null; mark: "no" | "yes" | "current" };

/** A segment's text cut where words (when wanted) and matches begin and end. */
export function piecesOf(segment: Segment, withWords: boolean, marks: readonly (Match & { current: boolean })[]): Piece[] {
  const cuts: { from: number; to: number; word: number | null }[] = [];
  let at = 0;
  if (withWords) {
    segment.words.forEach((word, index) => {
      const text = word.text.trim();
      const from = text === "" ? -1 : segment.text.indexOf(text, at);
      if (from < 0) return;
      if (from > at) cuts.push({ from: at, to: from, word: null });
      cuts.push({ from, to: from + text.length, word: index });
      at = from + text.length;
    });
  }
  if (at < segment.text.length) cuts.push({ from: at, to: segment.text.length, word: null });
  return cuts.flatMap(({ from, to, word }) => {
    const edges = [...new Set([from, to, ...marks.flatMap((mark) => [mark.from, mark.to]).filter((edge) => edge > from && edge < to)])].sort((a, b) => a - b);
    return edges.slice(1).map((end, index): Piece => {
      const begin = edges[index] ?? from;
      const mark = marks.find((one) => one.from <= begin && end <= one.to);
      return { text: segment.text.slice(begin, end), word, mark: mark === undefined ? "no" : mark.current ? "current" : "yes" };
    });
  });
}
