import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keepFresh } from "./events";
import type { Page } from "./generated/Page";
import type { Task } from "./generated/Task";
import type { Host, HostSignal } from "./host";
import { takeToken } from "./host.http";

const task = (id: string, over: Partial<Task> = {}) => ({ task_id: id, status: "processing", paused: false, progress: 1, ...over }) as Task;
const page = (items: Task[]): Page<Task> => ({ total: items.length, limit: 100, offset: 0, items });

function start(items: Task[]) {
  vi.useFakeTimers();
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  const reads = vi.fn(() => Promise.resolve(page(items)));
  const key = ["tasks.list", {}];
  client.setQueryData(key, page(items));
  const stop = new QueryObserver(client, { queryKey: key, queryFn: reads }).subscribe(() => undefined);
  let send: (signal: HostSignal) => void = () => undefined;
  keepFresh({ subscribe: (listener) => ((send = listener), () => undefined) } as Partial<Host> as Host, client);
  return { client, reads, stop, send: (signal: HostSignal) => send(signal), now: () => client.getQueryData<Page<Task>>(key) };
}

afterEach(() => vi.useRealTimers());

describe("keepFresh", () => {
  it("puts a task's progress in place once a frame, reads nothing and renders no other row anew", async () => {
    const { send, now, reads } = start([task("a"), task("b")]);
    const other = now()?.items[1];
    for (let progress = 2; progress < 50; progress++) send({ type: "event", event: { type: "task_changed", task: task("a", { progress }) } });
    expect(now()?.items[0]?.progress).toBe(1);
    await vi.advanceTimersByTimeAsync(300);
    expect(now()?.items[0]?.progress).toBe(49);
    expect(now()?.items[1]).toBe(other);
    await vi.advanceTimersByTimeAsync(5000);
    expect(reads).not.toHaveBeenCalled();
  });

  it("reads the lists again, not too often, when a status changes or a task is new", async () => {
    const { send, reads } = start([task("a")]);
    for (let round = 0; round < 20; round++) {
      send({ type: "event", event: { type: "task_changed", task: task(`new${round}`) } });
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(2000);
    expect(reads.mock.calls.length).toBeGreaterThanOrEqual(2);
    expect(reads.mock.calls.length).toBeLessThanOrEqual(6);
  });

  it("reads everything again when events were missed: told so, or after the line was cut", async () => {
    const { send, reads } = start([task("a")]);
    send({ type: "connected" });
    await vi.advanceTimersByTimeAsync(1000);
    expect(reads).toHaveBeenCalledTimes(0);
    send({ type: "disconnected" });
    send({ type: "connected" });
    await vi.advanceTimersByTimeAsync(1000);
    expect(reads).toHaveBeenCalledTimes(1);
    send({ type: "event", event: { type: "lagged" } });
    await vi.advanceTimersByTimeAsync(1000);
    expect(reads).toHaveBeenCalledTimes(2);
  });
});

describe("takeToken", () => {
  it("moves the token from the fragment to this tab's storage", () => {
    const replaced: string[] = [];
    const history = { state: null, replaceState: (_: unknown, __: string, url: string) => replaced.push(url) } as Partial<History> as History;
    const location = (hash: string) => ({ hash, pathname: "/library", search: "?q=x" }) as Location;
    sessionStorage.clear();
    expect(takeToken(location(""), history, sessionStorage)).toBeNull();
    expect(takeToken(location("#token=abc"), history, sessionStorage)).toBe("abc");
    expect(replaced).toEqual(["/library?q=x"]);
    expect(takeToken(location(""), history, sessionStorage)).toBe("abc");
  });
});
