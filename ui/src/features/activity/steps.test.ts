import { describe, expect, it } from "vitest";
import type { Job } from "../../api/generated/Job";
import type { Recipe } from "../../api/generated/Recipe";
import type { Task } from "../../api/generated/Task";
import { noteJob } from "../../api/steps";
import { pillsOf } from "./steps";

const recipe = { name: "r", title: "R", description: "", steps: ["fetch", "probe", "transcribe"].map((kind) => ({ name: kind, kind, after: [], options: {} })) } as unknown as Recipe;
const task = (over: Partial<Task>) => ({ task_id: "t", status: "processing", paused: false, waiting: null, current_step: "probe", ...over }) as Task;
const tones = (value: Task) => pillsOf(value, recipe).map((pill) => pill.tone);

describe("pillsOf", () => {
  it("places the current step in the recipe", () => {
    expect(tones(task({}))).toEqual(["done", "running", "idle"]);
    expect(tones(task({ status: "failed" }))).toEqual(["done", "failed", "idle"]);
    expect(tones(task({ status: "completed", current_step: null }))).toEqual(["done", "done", "done"]);
    expect(tones(task({ status: "queued", current_step: null }))).toEqual(["idle", "idle", "idle"]);
    expect(tones(task({ paused: true }))).toEqual(["done", "waiting", "idle"]);
  });
  it("trusts what events told of the jobs", () => {
    noteJob({ task_id: "live", step: "transcribe", state: "running", detail: null, engine: "basic" } as Job);
    expect(tones(task({ task_id: "live" }))).toEqual(["done", "running", "running"]);
  });
});
