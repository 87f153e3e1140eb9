import { describe, expect, it } from "vitest";
import type { MediaItem } from "../../api/generated/MediaItem";
import { group, runs } from "./hits";

describe("runs", () => {
  it("lights what stands between the marks", () => {
    expect(runs("a \u0002garantia\u0003 de \u000260\u0003 dias")).toEqual([
      { text: "a ", lit: false },
      { text: "garantia", lit: true },
      { text: " de ", lit: false },
      { text: "60", lit: true },
      { text: " dias", lit: false },
    ]);
    expect(runs("")).toEqual([]);
  });
});

describe("group", () => {
  it("keeps the order of the best hits and adds media known only by title", () => {
    const hit = (media_id: string, start: number) => ({ media_id, transcript_id: `t${media_id}`, title: media_id, start, end: start + 1, snippet: "" });
    const groups = group([hit("b", 3), hit("a", 1), hit("b", 9)], [{ media_id: "a", title: "a" }, { media_id: "c", title: "c" }] as MediaItem[]);
    expect(groups.map((one) => [one.media_id, one.hits.map((h) => h.start)])).toEqual([["b", [3, 9]], ["a", [1]], ["c", [null]]]);
  });
});
