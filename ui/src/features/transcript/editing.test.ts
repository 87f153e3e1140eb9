import { describe, expect, it } from "vitest";
import type { Segment } from "../../api/generated/Segment";
import { plainText } from "./copying";
import { diffWords, linesBeside } from "./diff";
import { changed, placeOf } from "./editing";
import { findAll } from "./locate";
import { exact, parseTime } from "./times";

const segment = (start: number, text: string, speaker?: string): Segment => ({ start, end: start + 2, text, words: text.split(" ").map((word, index) => ({ start: start + index * 0.5, end: start + index * 0.5 + 0.4, text: word })), ...(speaker === undefined ? {} : { speaker }) });

describe("editing", () => {
  it("puts changes in place one after the other", () => {
    const [a, b, c, d] = [segment(0, "a"), segment(3, "b"), segment(6, "c"), segment(9, "d")];
    expect(changed([a, b, c], [{ at: 1, removed: [b], inserted: [] }, { at: 1, removed: [c], inserted: [c, d] }]).map((one) => one.text)).toEqual(["a", "c", "d"]);
    expect([placeOf([a, b], 3.0002), placeOf([a, b], 4)]).toEqual([1, -1]);
  });
  it("reads times as they are typed", () => {
    expect([exact(12.34), exact(3723.5), exact(59.9996)]).toEqual(["0:12.340", "1:02:03.500", "1:00.000"]);
    expect(["1:02:03.5", "2:03,5", "63.5", "0:12.340"].map(parseTime)).toEqual([3723.5, 123.5, 63.5, 12.34]);
    expect(["", "a", "1:", "1:2:3:4", "-1", "1.5:2"].map(parseTime)).toEqual([null, null, null, null, null, null]);
  });
  it("shows the words that only one version has", () => {
    expect(diffWords("the yelow train", "The yellow train now")).toEqual([{ text: "The", side: "both" }, { text: "yelow", side: "left" }, { text: "yellow", side: "right" }, { text: "train", side: "both" }, { text: "now", side: "right" }]);
    expect(diffWords("", "")).toEqual([]);
    expect(linesBeside([segment(0, "x"), segment(4, "y")], [segment(0.2, "a b c d e f g h i j")])).toEqual(["a b c d e f g h", "i j"]);
  });
  it("finds by case and whole words when asked", () => {
    const lines = [segment(0, "Train trains TRAIN")];
    expect(findAll(lines, "train")).toHaveLength(3);
    expect(findAll(lines, "train", { matchCase: false, wholeWords: true })).toHaveLength(2);
    expect(findAll(lines, "train", { matchCase: true, wholeWords: false })).toEqual([{ segment: 0, from: 6, to: 11 }]);
  });
  it("copies with and without times", () => {
    const lines = [segment(0, "Hello", "Ana"), segment(63, "Bye", "Ana"), segment(70, "So", "Bia")];
    expect(plainText(lines, true)).toBe("[0:00] Ana: Hello\n[1:03] Ana: Bye\n[1:10] Bia: So");
    expect(plainText(lines, false)).toBe("Ana: Hello Bye\nBia: So");
  });
});
