/**
 * Keeps what was read fresh. Events arrive in bursts; they are gathered and applied once a frame: tasks and jobs are
 * put in place in every list that shows them, everything else is read again, at most once in a while for each key.
 */
import type { QueryClient } from "@tanstack/react-query";
import type { Event } from "./generated/Event";
import type { Job } from "./generated/Job";
import type { ModelItem } from "./generated/ModelItem";
import type { Page } from "./generated/Page";
import type { Task } from "./generated/Task";
import type { TaskDetail } from "./generated/TaskDetail";
import type { Transcript } from "./generated/Transcript";
import type { Host } from "./host";
import { noteJob } from "./steps";

/** Lists are read again at most this often, in milliseconds. */
const LIST_EVERY = 800;
const TRANSCRIPT_EVERY = 1500;

/** Whether the line to the engine stands; the strip at the bottom shows it. */
let connected = true;
const watchers = new Set<() => void>();
export const connection = {
  get: () => connected,
  subscribe: (watcher: () => void) => {
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  },
};
function setConnected(now: boolean) {
  if (connected === now) return;
  connected = now;
  watchers.forEach((watcher) => watcher());
}

/** Puts the newest state of tasks into one page; the same page when it shows none of them. */
export function withTasks(page: Page<Task>, changed: ReadonlyMap<string, Task>): Page<Task> {
  if (!page.items.some((task) => changed.has(task.task_id))) return page;
  return { ...page, items: page.items.map((task) => changed.get(task.task_id) ?? task) };
}

/** Puts the newest state of jobs into a task's detail, keeping the history that events leave out. */
export function withJobs(detail: TaskDetail, changed: ReadonlyMap<number, Job>): TaskDetail {
  if (!detail.jobs.some((job) => changed.has(job.job_id))) return detail;
  const jobs = detail.jobs.map((job) => {
    const newer = changed.get(job.job_id);
    if (newer === undefined) return job;
    return newer.history.length > 0 ? newer : { ...newer, history: job.history };
  });
  return { ...detail, jobs };
}

/** Reads keys again, each at most once in `every` milliseconds, and always after the last change. */
function throttle(client: QueryClient) {
  const last = new Map<string, number>();
  const pending = new Map<string, ReturnType<typeof setTimeout>>();
  return (key: readonly unknown[], every: number) => {
    const name = JSON.stringify(key);
    if (pending.has(name)) return;
    const wait = Math.max(0, (last.get(name) ?? -Infinity) + every - Date.now());
    pending.set(
      name,
      setTimeout(() => {
        pending.delete(name);
        last.set(name, Date.now());
        void client.invalidateQueries({ queryKey: key });
      }, wait),
    );
  };
}

export function keepFresh(host: Host, client: QueryClient): () => void {
  const again = throttle(client);
  let gathered: Event[] = [];
  let scheduled = false;
  let seenConnection = false;

  let staleAt = 0;
  const stale = () => {
    if (Date.now() - staleAt < LIST_EVERY) return;
    staleAt = Date.now();
    void client.invalidateQueries({ queryKey: ["tasks.list"], type: "inactive", refetchType: "none" });
  };

  const everything = () => void client.invalidateQueries();

  function apply() {
    scheduled = false;
    const events = gathered;
    gathered = [];
    const tasks = new Map<string, Task>();
    const jobs = new Map<number, Job>();
    for (const event of events) {
      switch (event.type) {
        case "task_changed":
          tasks.set(event.task.task_id, event.task);
          break;
        case "job_changed":
          jobs.set(event.job.job_id, event.job);
          break;
        case "library_changed":
          again(["library.list"], LIST_EVERY);
          again(["library.facets"], LIST_EVERY);
          again(["library.search"], LIST_EVERY);
          again(["library.get", event.media_id], LIST_EVERY);
          break;
        case "transcript_changed":
          // Who made the edit has its result already.
          if (!event.complete || (client.getQueryData<Transcript>(["transcripts.get", event.transcript_id])?.revision ?? -1) < Math.max(1, event.revision)) again(["transcripts.get", event.transcript_id], TRANSCRIPT_EVERY);
          again(["library.get", event.media_id], LIST_EVERY);
          if (event.complete) {
            again(["library.list"], LIST_EVERY);
            again(["library.search"], LIST_EVERY);
          }
          break;
        case "urls_changed":
          again(["urls.list"], LIST_EVERY);
          break;
        case "watch_changed":
          again(["watch.list"], LIST_EVERY);
          break;
        case "model_changed":
          client.setQueryData<Page<ModelItem>>(["models.list"], (page) => page && { ...page, items: page.items.map((item) => (item.name === event.name ? { ...item, installed: event.installed, downloading: event.fraction } : item)) });
          if (event.fraction === null) again(["models.list"], LIST_EVERY);
          break;
        case "queue_changed":
          again(["queue.status"], LIST_EVERY);
          again(["dead_letters.list"], LIST_EVERY);
          // A pause or a place in the line is a reason that waiting tasks show.
          again(["tasks.list"], LIST_EVERY);
          break;
        case "settings_changed":
          again(["settings.get"], LIST_EVERY);
          again(["settings.problems"], LIST_EVERY);
          break;
        case "webhooks_changed":
          again(["webhooks.list"], LIST_EVERY);
          break;
        case "lagged":
          everything();
          break;
      }
    }
    if (tasks.size > 0) applyTasks(tasks);
    if (jobs.size > 0) applyJobs(jobs);
  }

  function applyTasks(tasks: Map<string, Task>) {
    const known = new Map<string, Task>();
    // Pages out of sight are not put right at every frame but read again when they come back.
    const shown = { queryKey: ["tasks.list"], type: "active" } as const;
    for (const [, page] of client.getQueriesData<Page<Task>>(shown)) page?.items.forEach((task) => known.set(task.task_id, task));
    let reorder = false;
    for (const task of tasks.values()) {
      const before = known.get(task.task_id);
      if (before === undefined || before.status !== task.status || before.paused !== task.paused) reorder = true;
      client.setQueryData<TaskDetail>(["tasks.get", task.task_id], (detail) => detail && { ...detail, task });
    }
    client.setQueriesData<Page<Task>>(shown, (page) => page && withTasks(page, tasks));
    stale();
    if (reorder) {
      again(["tasks.list"], LIST_EVERY);
      again(["queue.status"], LIST_EVERY);
      again(["dead_letters.list"], LIST_EVERY);
    }
  }

  function applyJobs(jobs: Map<number, Job>) {
    const owners = new Set<string>();
    for (const job of jobs.values()) {
      noteJob(job);
      owners.add(job.task_id);
    }
    for (const owner of owners) {
      const before = client.getQueryData<TaskDetail>(["tasks.get", owner]);
      if (before === undefined) continue;
      client.setQueryData<TaskDetail>(["tasks.get", owner], withJobs(before, jobs));
      const settled = [...jobs.values()].some((job) => job.task_id === owner && before.jobs.find((old) => old.job_id === job.job_id)?.state !== job.state);
      if (settled) again(["tasks.get", owner], LIST_EVERY);
    }
  }

  return host.subscribe((signal) => {
    if (signal.type === "event") {
      gathered.push(signal.event);
      if (!scheduled) {
        scheduled = true;
        // A hidden page gets no frames; its events are applied by the timer instead.
        if (document.visibilityState === "visible") requestAnimationFrame(apply);
        else setTimeout(apply, 250);
      }
      return;
    }
    setConnected(signal.type === "connected");
    if (signal.type === "connected") {
      if (seenConnection) everything();
      seenConnection = true;
    }
  });
}
