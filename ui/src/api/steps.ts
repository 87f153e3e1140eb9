/** The last known state of each task's steps, from events; lists show it as pills without asking for every task's detail. */
import type { Job } from "./generated/Job";
import type { JobState } from "./generated/JobState";

const LIMIT = 2000;
const states = new Map<string, Map<string, { state: JobState; detail: string | null; engine: string | null }>>();

export function noteJob(job: Job): void {
  let steps = states.get(job.task_id);
  if (steps === undefined) {
    steps = new Map();
    states.set(job.task_id, steps);
    const oldest = states.size > LIMIT ? states.keys().next().value : undefined;
    if (oldest !== undefined) states.delete(oldest);
  }
  steps.set(job.step, { state: job.state, detail: job.detail, engine: job.engine });
}

export function knownSteps(taskId: string) {
  return states.get(taskId);
}
