/** Two versions side by side: which words of a line one of them has and the other has not. */
import type { Segment } from "../../api/generated/Segment";
import { fold, lastNotAbove } from "./locate";

export type Run = { text: string; side: "both" | "left" | "right" };

const wordsOf = (text: string) => text.split(/\s+/).filter((word) => word !== "");
const keyOf = (word: string) => fold(word).replace(/[^\p{L}\p{N}]/gu, "") || word;

/** Words of both, in order; those that differ only in case, accents or punctuation count as the same. */
export function diffWords(left: string, right: string): Run[] {
  const [a, b] = [wordsOf(left), wordsOf(right)];
  const [ka, kb] = [a.map(keyOf), b.map(keyOf)];
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) table[i * width + j] = ka[i] === kb[j] ? (table[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0);
  const runs: Run[] = [];
  const push = (text: string | undefined, side: Run["side"]) => {
    const last = runs.at(-1);
    if (text === undefined) return;
    if (last?.side === side) last.text += ` ${text}`;
    else runs.push({ text, side });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && ka[i] === kb[j]) {
      push(b[j], "both");
      i++;
      j++;
    } else if (i < a.length && (j >= b.length || (table[(i + 1) * width + j] ?? 0) >= (table[i * width + j + 1] ?? 0))) push(a[i++], "left");
    else push(b[j++], "right");
  }
  return runs;
}

/** The words of other segments by the line of `segments` in whose time their middle lies; those without words by their own middle. */
export function linesBeside(segments: readonly Segment[], other: readonly Segment[]): string[] {
  const lines: string[][] = segments.map(() => []);
  const put = (time: number, text: string) => lines[Math.max(0, lastNotAbove(segments.length, (index) => segments[index]?.start ?? Infinity, time))]?.push(text);
  for (const segment of other) {
    if (segment.words.length === 0) put((segment.start + segment.end) / 2, segment.text);
    else for (const word of segment.words) put((word.start + word.end) / 2, word.text.trim());
  }
  return lines.map((line) => line.join(" "));
}
