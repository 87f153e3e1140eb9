import { describe, expect, it } from "vitest";
import { chordOf, COMMANDS, conflictsOf, heardWhileTyping, keysOf } from "./shortcuts";

const press = (key: string, held: Partial<Record<"ctrlKey" | "altKey" | "shiftKey" | "metaKey", boolean>> = {}) => chordOf({ key, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...held });

describe("shortcuts", () => {
  it("writes a chord one way", () => {
    expect(press("k", { ctrlKey: true })).toBe("Ctrl+K");
    expect(press("K", { ctrlKey: true, shiftKey: true })).toBe("Ctrl+Shift+K");
    expect(press("?", { shiftKey: true })).toBe("?");
    expect(press("ArrowUp", { altKey: true })).toBe("Alt+Up");
    expect(press(" ", { shiftKey: true })).toBe("Shift+Space");
    expect(press("k", { metaKey: true })).toBe("Ctrl+K");
    expect(press("Control", { ctrlKey: true })).toBeNull();
  });

  it("has no conflict of its own", () => {
    const keys = keysOf({});
    for (const { id } of COMMANDS) expect(conflictsOf(keys, id)).toEqual([]);
  });

  it("takes the user's keys first and shows what they collide with", () => {
    const keys = keysOf({ library: "Ctrl+K", sheet: "" });
    expect(keys.get("library")).toBe("Ctrl+K");
    expect(keys.get("sheet")).toBe("");
    expect(conflictsOf(keys, "library")).toEqual(["palette"]);
    expect(conflictsOf(keysOf({ add: "Ctrl+F" }), "add")).toBe("page");
  });

  it("leaves plain letters to who types", () => {
    expect(heardWhileTyping("Ctrl+K")).toBe(true);
    expect(heardWhileTyping("?")).toBe(false);
    expect(heardWhileTyping("F5")).toBe(true);
  });
});
