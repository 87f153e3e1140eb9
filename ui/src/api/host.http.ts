/**
 * The host in a browser: commands by POST, events by a streamed GET. The token comes once in the address's
 * fragment, is kept for this tab only and never stands in a query or a cookie.
 */
import type { Event } from "./generated/Event";
import { asApiError, CallError, type Host, type HostSignal } from "./host";
import { sseParser } from "./sse";

const TOKEN = "bobina.token";
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
/** The server sends a comment every few seconds; after this long without a byte the line is taken for dead. */
const SILENCE = 60_000;

/** Moves the token from the fragment into this tab's storage and out of the address bar. */
export function takeToken(location: Location, history: History, storage: Storage): string | null {
  const given = new URLSearchParams(location.hash.replace(/^#/, "")).get("token");
  if (given !== null && given !== "") {
    storage.setItem(TOKEN, given);
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return storage.getItem(TOKEN);
}

export function httpHost(base: string, token: string | null): Host {
  const headers: Record<string, string> = token === null ? {} : { Authorization: `Bearer ${token}` };

  async function call(command: string, input: unknown): Promise<unknown> {
    let answer: Response;
    try {
      answer = await fetch(`${base}/rpc/${command}`, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify(input),
      });
    } catch {
      throw new CallError({ code: "NETWORK_LOST", message: "Bobina does not answer", cure: "check_network" });
    }
    const text = await answer.text();
    let body: unknown;
    try {
      body = text === "" ? null : JSON.parse(text);
    } catch {
      throw new CallError({ code: "INTERNAL", message: `HTTP ${answer.status}`, detail: text.slice(0, 500), cure: "report_bug" });
    }
    if (answer.ok) return body;
    const refused = typeof body === "object" && body !== null && "error" in body ? body.error : body;
    if (typeof refused === "object" && refused !== null && "code" in refused) throw new CallError(asApiError(refused));
    throw new CallError({ code: answer.status === 401 ? "UNAUTHORIZED" : "INTERNAL", message: `HTTP ${answer.status}`, cure: "give_access" });
  }

  /** Reads events until the stream ends or breaks. */
  async function listen(listener: (signal: HostSignal) => void, stop: AbortSignal): Promise<void> {
    const broken = new AbortController();
    stop.addEventListener("abort", () => broken.abort(), { once: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => broken.abort(), SILENCE);
    };
    try {
      alive();
      const answer = await fetch(`${base}/events`, { headers: { ...headers, Accept: "text/event-stream" }, signal: broken.signal, cache: "no-store" });
      if (!answer.ok || answer.body === null) throw new Error(`HTTP ${answer.status}`);
      listener({ type: "connected" });
      const feed = sseParser((data) => listener({ type: "event", event: JSON.parse(data) as Event }));
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        feed(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    kind: "browser",
    localFiles: false,
    call,
    subscribe(listener) {
      const stop = new AbortController();
      const ended = () => stop.signal.aborted;
      void (async () => {
        let delay = FIRST_DELAY;
        while (!ended()) {
          const began = Date.now();
          try {
            await listen(listener, stop.signal);
          } catch {
            // Said by the signal below; the next round tries again.
          }
          if (ended()) return;
          listener({ type: "disconnected" });
          if (Date.now() - began > 10_000) delay = FIRST_DELAY;
          await new Promise((resolve) => setTimeout(resolve, delay * (0.75 + Math.random() / 2)));
          delay = Math.min(delay * 2, LONGEST_DELAY);
        }
      })();
      return () => stop.abort();
    },
    pickFiles: () => Promise.resolve([]),
    pickFolder: () => Promise.resolve([]),
    onDrop: () => () => undefined,
    onOpen: () => () => undefined,
    saveText(fileName, mime, content) {
      const address = URL.createObjectURL(new Blob([content], { type: `${mime};charset=utf-8` }));
      const link = document.createElement("a");
      link.href = address;
      link.download = fileName;
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      return Promise.resolve(true);
    },
  };
}
