import { describe, expect, it } from "vitest";
import type { Segment } from "../../api/generated/Segment";
import { findAll, fold, piecesOf, segmentAt, wordAt } from "./locate";

const segment = (start: number, text: string): Segment => ({ start, end: start + 2, text, words: text.split(" ").map((word, index) => ({ start: start + index * 0.5, end: start + index * 0.5 + 0.1, text: word })) });
const segments = [segment(1, "Até já, avó"), segment(4, "garantia de sessenta dias"), segment(8, "a GARANTIA é sua")];

describe("locate", () => {
  it("finds the segment and the word being said", () => {
    expect([0, 1, 3.9, 4, 100].map((time) => segmentAt(segments, time))).toEqual([-1, 0, 0, 1, 2]);
    expect([4, 4.3, 4.5, 5.9].map((time) => wordAt(segments[1] as Segment, time))).toEqual([0, 0, 1, 3]);
    expect(wordAt(segments[1] as Segment, 7)).toBe(-1);
  });
  it("finds words without accents or case, in place", () => {
    expect(fold("Avó Ç")).toBe("avo c");
    expect(findAll(segments, "garantia")).toEqual([{ segment: 1, from: 0, to: 8 }, { segment: 2, from: 2, to: 10 }]);
    expect(findAll(segments, "avo")[0]).toEqual({ segment: 0, from: 8, to: 11 });
    expect(findAll(segments, "  ")).toEqual([]);
  });
  it("cuts a text at words and matches, losing nothing", () => {
    const pieces = piecesOf(segments[1] as Segment, true, [{ segment: 1, from: 9, to: 14, current: true }]);
    expect(pieces.map((piece) => piece.text).join("")).toBe("garantia de sessenta dias");
    expect(pieces.filter((piece) => piece.mark === "current").map((piece) => piece.text).join("")).toBe("de se");
    expect(pieces.find((piece) => piece.text === "dias")?.word).toBe(3);
  });
});
