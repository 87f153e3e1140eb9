/** A task's steps as pills, from what is known without asking for its detail. */
import type { JobState } from "../../api/generated/JobState";
import type { Recipe } from "../../api/generated/Recipe";
import type { Task } from "../../api/generated/Task";
import { knownSteps } from "../../api/steps";
import type { Tone } from "../../components/Progress";

export function toneOf(state: JobState): Tone {
  switch (state) {
    case "succeeded":
      return "done";
    case "running":
      return "running";
    case "dead":
      return "failed";
    case "waiting":
    case "scheduled":
      return "waiting";
    case "blocked":
    case "ready":
    case "cancelled":
      return "idle";
  }
}

/** Pills of a task: exact where events told of its jobs, else by its current step's place in the recipe. */
export function pillsOf(task: Task, recipe: Recipe | undefined): { name: string; tone: Tone }[] {
  const steps = recipe?.steps.filter((step) => step.kind !== "noop") ?? [];
  const live = knownSteps(task.task_id);
  const current = steps.findIndex((step) => step.name === task.current_step);
  return steps.map((step, index): { name: string; tone: Tone } => {
    const name = step.kind;
    if (task.status === "completed") return { name, tone: "done" };
    const known = live?.get(step.name);
    if (known !== undefined && task.status !== "cancelled") return { name, tone: toneOf(known.state) };
    if (current < 0) return { name, tone: "idle" };
    if (index < current) return { name, tone: "done" };
    if (index > current) return { name, tone: "idle" };
    return { name, tone: task.status === "failed" ? "failed" : task.status === "cancelled" ? "idle" : task.waiting !== null || task.paused ? "waiting" : "running" };
  });
}

/** The engine that works on a task now or did its speech, as far as events told; else the one asked for. */
export function engineOf(task: Task): string | null {
  const live = knownSteps(task.task_id);
  const engine = (task.current_step === null ? null : live?.get(task.current_step)?.engine) ?? live?.get("transcribe")?.engine;
  return engine ?? (task.input.engine === "auto" ? null : task.input.engine);
}
