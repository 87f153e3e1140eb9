/**
 * Where the UI runs: inside the window (Tauri) or in a browser (HTTP). Owns the interface both fill in;
 * what a host cannot do it says by a flag, so that screens offer another way instead of failing.
 */
import type { ApiError } from "./generated/ApiError";
import type { Event } from "./generated/Event";

/** A change in the connection to the engine, told beside its events. */
export type HostSignal = { type: "event"; event: Event } | { type: "connected" } | { type: "disconnected" };

/** What a drag over the window is doing; paths are absolute. */
export type DropSignal = { type: "over" } | { type: "leave" } | { type: "drop"; paths: string[] };

/** What the page is asked to show from outside: a `bobina://` link, a click on a notice. */
export type Opened = { type: "add"; sources: string[] } | { type: "media"; media_id: string; at: number | null } | { type: "activity" };

export interface Host {
  readonly kind: "window" | "browser";
  /** Whether dialogs and drops give absolute paths of files on the engine's machine. */
  readonly localFiles: boolean;
  /** Runs a command of the table; rejects with a {@link CallError}. */
  call(command: string, input: unknown): Promise<unknown>;
  /** Events in the order they were sent; `connected` after a gap means that some may have been missed. */
  subscribe(listener: (signal: HostSignal) => void): () => void;
  pickFiles(): Promise<string[]>;
  pickFolder(): Promise<string[]>;
  /** Drags of files over the whole window; only where `localFiles`. */
  onDrop(listener: (signal: DropSignal) => void): () => void;
  /** What is to be shown because of something outside the page; only in the window. */
  onOpen(listener: (opened: Opened) => void): () => void;
  /** Saves a text under a name the user may change; false when they thought better of it. */
  saveText(fileName: string, mime: string, content: string): Promise<boolean>;
}

/** A command's refusal, as every surface gives it. */
export class CallError extends Error {
  constructor(readonly error: ApiError) {
    super(error.message);
    this.name = "CallError";
  }
}

/** Any thrown value as the error object the screens show. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof CallError) return thrown.error;
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) return thrown as ApiError;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "INTERNAL", message, cure: "report_bug" };
}
