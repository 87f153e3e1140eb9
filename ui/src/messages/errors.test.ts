import { describe, expect, it } from "vitest";
import errors from "../../../assets/messages/errors.json";
import generated from "../api/generated/ErrorCode.ts?raw";

/** The codes as the engine declares them, read as text: a type is gone at run time. */
const codes = [...generated.matchAll(/"([A-Z_]+)"/g)].map((match) => match[1] ?? "");

describe("errors.json", () => {
  it("says every code, and no other, in every language", () => {
    expect(codes.length).toBeGreaterThan(50);
    expect(Object.keys(errors).sort()).toEqual([...codes].sort());
    for (const [code, texts] of Object.entries(errors)) {
      expect(Object.keys(texts), code).toEqual(["en", "pt-BR", "es"]);
      for (const text of Object.values(texts)) {
        expect(text.title.length, code).toBeGreaterThan(5);
        expect(text.cure.length, code).toBeGreaterThan(5);
      }
    }
  });
});
