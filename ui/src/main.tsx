/** Where the page begins: finds its host, then renders the shell. */
import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";
import "./tokens.css";
import "./base.css";
import { QueryClient } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { setHost } from "./api/call";
import { keepFresh } from "./api/events";
import type { Host } from "./api/host";
import { httpHost, takeToken } from "./api/host.http";
import { App } from "./app/App";

async function findHost(): Promise<Host> {
  if (import.meta.env.MODE === "demo") return (await import("./dev/host")).demoHost();
  if ("__TAURI_INTERNALS__" in window) return (await import("./api/host.tauri")).tauriHost();
  return httpHost("", takeToken(window.location, window.history, window.sessionStorage));
}

const host = await findHost();
setHost(host);
const client = new QueryClient({
  // Events keep everything fresh; nothing is asked again by the clock or on focus.
  defaultOptions: { queries: { staleTime: Infinity, retry: 1, refetchOnWindowFocus: false, networkMode: "always" }, mutations: { networkMode: "always" } },
});
keepFresh(host, client);
const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App client={client} />);
