/** The host inside the window. The only file that knows Tauri; the shell's side is `src-tauri/window`. */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { getCurrentWebview } from "@tauri-apps/api/webview";
import { open } from "@tauri-apps/plugin-dialog";
import type { Event } from "./generated/Event";
import { asApiError, CallError, type DropSignal, type Host, type HostSignal, type Opened } from "./host";

/** Unlisten functions arrive by promise; a subscription that ends earlier still has to be undone. */
function later(unlisten: Promise<() => void>): () => void {
  return () => {
    void unlisten.then((stop) => stop());
  };
}

async function pick(directory: boolean): Promise<string[]> {
  const chosen: string | string[] | null = await open({ multiple: true, directory, recursive: directory });
  if (chosen === null) return [];
  return Array.isArray(chosen) ? chosen : [chosen];
}

export function tauriHost(): Host {
  return {
    kind: "window",
    localFiles: true,
    async call(command, input) {
      try {
        return await invoke("rpc", { name: command, input });
      } catch (thrown) {
        throw new CallError(asApiError(thrown));
      }
    },
    subscribe(listener: (signal: HostSignal) => void) {
      const unlisten = listen<Event>("bobina://event", ({ payload }) => listener({ type: "event", event: payload }));
      void unlisten.then(
        () => listener({ type: "connected" }),
        () => listener({ type: "disconnected" }),
      );
      return later(unlisten);
    },
    pickFiles: () => pick(false),
    pickFolder: () => pick(true),
    onDrop(listener: (signal: DropSignal) => void) {
      return later(
        getCurrentWebview().onDragDropEvent(({ payload }) => {
          if (payload.type === "drop") listener({ type: "drop", paths: payload.paths });
          else if (payload.type === "leave") listener({ type: "leave" });
          else listener({ type: "over" });
        }),
      );
    },
    onOpen(listener: (opened: Opened) => void) {
      // The shell keeps what came before the page listened; the event only says that there is something.
      const take = async () => (await invoke<Opened[]>("take_opened")).forEach(listener);
      const unlisten = listen("bobina://open", () => void take());
      void unlisten.then(take);
      return later(unlisten);
    },
    async saveText(fileName, _mime, content) {
      try {
        // The shell shows the dialog itself: the page never names a path to write to.
        return await invoke<boolean>("save_text", { name: fileName, content });
      } catch (thrown) {
        throw new CallError(asApiError(thrown));
      }
    },
  };
}
