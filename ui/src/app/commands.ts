/** What each command does, and the keys that start it. Invariant: palette and keys run the same functions. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import { call } from "../api/call";
import { queueStatus } from "../api/queries";
import { useT } from "../messages";
import { useAct } from "../state/act";
import { openAdd, useAddSample } from "../state/add";
import { useChangeSettings, useSettings } from "../state/settings";
import { chordOf, type CommandId, heardWhileTyping, keysOf } from "../state/shortcuts";
import { toast } from "../components/toast";

export type Run = Record<CommandId, () => void>;

export function useCommands(openPalette: () => void, openSheet: () => void): Run {
  const navigate = useNavigate();
  const act = useAct();
  const client = useQueryClient();
  const change = useChangeSettings();
  const sample = useAddSample();
  const t = useT();
  return useMemo<Run>(() => {
    const part = (id: string) => () => void navigate({ to: "/settings", search: { part: id } });
    return {
      add: () => openAdd(),
      sample,
      palette: openPalette,
      sheet: openSheet,
      activity: () => void navigate({ to: "/activity", search: { status: undefined } }),
      library: () => void navigate({ to: "/library", search: { q: undefined } }),
      search: () => {
        void navigate({ to: "/library", search: { q: undefined } }).then(() => requestAnimationFrame(() => document.querySelector<HTMLInputElement>('#content input[type="search"]')?.focus()));
      },
      settings: () => void navigate({ to: "/settings", search: { part: undefined } }),
      models: part("models"),
      doctor: part("doctor"),
      shortcuts: part("shortcuts"),
      pause: () =>
        act(async () => {
          const paused = client.getQueryData(queueStatus().queryKey)?.paused ?? false;
          await call(paused ? "tasks.resume" : "tasks.pause", { task_id: null, lane: null, until: null });
          toast({ tone: "plain", title: paused ? t("strip.resumed") : t("strip.paused") });
        }),
      retry_failed: () => act(() => call("tasks.retry", { task_id: null, all_failed: true }).then(({ task_ids }) => toast({ tone: "plain", title: t("retry.count", { count: task_ids.length }) }))),
      show_failed: () => void navigate({ to: "/activity", search: { status: "failed" } }),
      theme: () => change({ theme: document.documentElement.dataset.theme === "light" ? "dark" : "light" }),
      density: () => change({ density: document.documentElement.dataset.density === "compact" ? "comfortable" : "compact" }),
    };
  }, [navigate, act, client, change, sample, t, openPalette, openSheet]);
}

/** Whether keys belong to a text the user is typing. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Hears the commands' keys, unless a dialog is open or the page has heard them before. */
export function useCommandKeys(run: Run): void {
  const own = useSettings()?.shortcuts;
  const now = useRef(run);
  useEffect(() => {
    now.current = run;
  }, [run]);
  useEffect(() => {
    const commands = new Map<string, CommandId>();
    for (const [id, chord] of keysOf(own ?? {})) if (chord !== "" && !commands.has(chord)) commands.set(chord, id);
    // Buzz' key for a link, which many hands know.
    if (!commands.has("Ctrl+U")) commands.set("Ctrl+U", "add");
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat || document.querySelector('[role="dialog"]') !== null) return;
      const chord = chordOf(event);
      const id = chord === null ? undefined : commands.get(chord);
      if (chord === null || id === undefined || (typing(event.target) && !heardWhileTyping(chord))) return;
      event.preventDefault();
      now.current[id]();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [own]);
}
