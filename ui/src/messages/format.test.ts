import { describe, expect, it } from "vitest";
import { format } from "./format";

describe("format", () => {
  it("fills names and leaves other text alone", () => {
    expect(format("en", "{a} of {b}", { a: 1, b: "x" })).toBe("1 of x");
  });
  it("chooses plural cases by the language's rules", () => {
    const text = "{n, plural, =0 {nothing} one {# task of {who}} other {# tasks of {who}}}";
    expect([0, 1, 2].map((n) => format("en", text, { n, who: "you" }))).toEqual(["nothing", "1 task of you", "2 tasks of you"]);
    expect(format("pt-BR", "{n, plural, one {# tarefa} other {# tarefas}}", { n: 0 })).toBe("0 tarefa");
    expect(format("es", "{n, plural, one {# tarea} other {# tareas}}", { n: 12345 })).toBe("12.345 tareas");
  });
});
