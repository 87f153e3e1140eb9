import { describe, expect, it } from "vitest";
import { Offsets } from "./offsets";

describe("Offsets", () => {
  it("finds rows by position before and after measuring", () => {
    const offsets = new Offsets(10_000, 50);
    expect(offsets.total).toBe(500_000);
    expect(offsets.at(0)).toBe(0);
    expect(offsets.at(49.9)).toBe(0);
    expect(offsets.at(50)).toBe(1);
    expect(offsets.at(9e9)).toBe(9999);
    expect(offsets.set(3, 150)).toBe(true);
    expect(offsets.set(3, 150.2)).toBe(false);
    expect(offsets.top(4)).toBe(300);
    expect(offsets.at(299)).toBe(3);
    expect(offsets.at(300)).toBe(4);
    expect(offsets.total).toBe(500_100);
  });
  it("is calm when empty, and keeps heights that are known", () => {
    expect(new Offsets(0, 50).at(10)).toBe(0);
    expect(new Offsets(3, 50, (index) => (index === 1 ? 10 : undefined)).total).toBe(110);
  });
});
