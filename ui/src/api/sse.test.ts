import { describe, expect, it } from "vitest";
import { sseParser } from "./sse";

function parse(...chunks: string[]) {
  const out: string[] = [];
  const feed = sseParser((data) => out.push(data));
  chunks.forEach(feed);
  return out;
}

describe("sseParser", () => {
  it("joins data lines and ends an event at an empty line", () => {
    expect(parse("data: a\ndata: b\n\ndata:c\n\n")).toEqual(["a\nb", "c"]);
  });
  it("takes events cut anywhere, with any line ending", () => {
    expect(parse("da", "ta: {\"x\":", "1}\r", "\n\r", "\ndata: 2\r\r", "data: 3\n\n")).toEqual(['{"x":1}', "2", "3"]);
  });
  it("leaves comments and events without data aside", () => {
    expect(parse(": ping\n\nevent: x\n\ndata: y\n\n")).toEqual(["y"]);
  });
});
