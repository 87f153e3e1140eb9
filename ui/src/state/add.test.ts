import { describe, expect, it } from "vitest";
import { sourcesOf } from "./add";

describe("sourcesOf", () => {
  it("reads one source a line", () => {
    expect(sourcesOf('\n https://a.example/x \r\n"/home/u/my file.mp4"\nfile:///tmp/a%20b.mp3\n')).toEqual(["https://a.example/x", "/home/u/my file.mp4", "/tmp/a b.mp3"]);
  });
});
