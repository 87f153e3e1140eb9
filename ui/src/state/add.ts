/** Adding media from anywhere: the one way in for drops, pastes, the dialog and the buttons that open it. */
import { useCallback, useSyncExternalStore } from "react";
import { call } from "../api/call";
import type { AddOutcome } from "../api/generated/AddOutcome";
import type { AddRequest } from "../api/generated/AddRequest";
import { asApiError } from "../api/host";
import { toast } from "../components/toast";
import { errorText, useLanguage, useT } from "../messages";
import { sourceName } from "../messages/values";

export const blank: AddRequest = { sources: [], recipe: null, language: "auto", engine: "auto", priority: "medium", headers: [], allow_hosts: [], not_before: null, again: false };

/** What the dialog opens with; null while it is closed. */
let wanted: Partial<AddRequest> | null = null;
const watchers = new Set<() => void>();
function set(next: Partial<AddRequest> | null) {
  wanted = next;
  watchers.forEach((watcher) => watcher());
}
export const openAdd = (start: Partial<AddRequest> = {}) => set(start);
export const closeAdd = () => set(null);
export function useAddDialog(): Partial<AddRequest> | null {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    () => wanted,
  );
}

/** Queues sources and says what became of them; null when the engine could not be asked. */
export function useAdd(): (request: Partial<AddRequest>) => Promise<AddOutcome | null> {
  const tell = useTold();
  return useCallback((request) => tell(() => call("tasks.add", { ...blank, ...request })), [tell]);
}

/** Queues the clip that comes with the program. */
export function useAddSample(): () => void {
  const tell = useTold();
  return useCallback(() => void tell(() => call("tasks.add_sample", {})), [tell]);
}

function useTold(): (ask: () => Promise<AddOutcome>) => Promise<AddOutcome | null> {
  const t = useT();
  const language = useLanguage();
  return useCallback(
    async (ask) => {
      try {
        const outcome = await ask();
        if (outcome.tasks.length > 0) {
          const done = outcome.tasks.filter((task) => task.status === "completed").length;
          toast({ tone: "plain", title: done === outcome.tasks.length ? t("add.known", { count: done }) : t("add.done", { count: outcome.tasks.length }), text: outcome.tasks.length === 1 ? (outcome.tasks[0]?.title ?? "") : "" });
        }
        for (const refused of outcome.refused.slice(0, 3)) toast({ tone: "failed", title: t("add.refused", { name: sourceName(refused.source) }), text: errorText(language, refused.error).title });
        if (outcome.refused.length > 3) toast({ tone: "failed", title: t("add.refused.more", { count: outcome.refused.length - 3 }) });
        if (outcome.tasks.length === 0 && outcome.refused.length === 0) toast({ tone: "failed", title: t("add.nothing") });
        return outcome;
      } catch (thrown) {
        const text = errorText(language, asApiError(thrown));
        toast({ tone: "failed", title: text.title, text: asApiError(thrown).message });
        return null;
      }
    },
    [t, language],
  );
}

/** Paths and links of a text, one a line; blank lines and quotes around a path are left aside. */
export function sourcesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim().replace(/^(["'])(.*)\1$/, "$2"))
    .filter((line) => line !== "")
    .map((line) => (line.startsWith("file://") ? decodeURIComponent(line.replace(/^file:\/\/(localhost)?/, "")) : line));
}
