/** The pages by address. */
import { createRootRoute, createRoute, createRouter, Navigate } from "@tanstack/react-router";
import { ActivityPage } from "../features/activity/ActivityPage";
import { LibraryPage } from "../features/library/LibraryPage";
import { SettingsPage } from "../features/settings/SettingsPage";
import { TranscriptPage } from "../features/transcript/TranscriptPage";
import { NotFound, PageFault } from "./Fault";
import { Shell } from "./Shell";

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined);
const second = (value: unknown): number | undefined => {
  const number = Number(value);
  return value !== undefined && value !== "" && Number.isFinite(number) && number >= 0 ? number : undefined;
};

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageFault });
const index = createRoute({ getParentRoute: () => root, path: "/", component: () => <Navigate to="/activity" search={{ status: undefined }} replace /> });
const activity = createRoute({ getParentRoute: () => root, path: "/activity", component: ActivityPage, validateSearch: (search: Record<string, unknown>) => ({ status: text(search.status) }) });
const library = createRoute({ getParentRoute: () => root, path: "/library", component: LibraryPage, validateSearch: (search: Record<string, unknown>) => ({ q: text(search.q) }) });
const transcript = createRoute({
  getParentRoute: () => root,
  path: "/library/$mediaId",
  component: TranscriptPage,
  validateSearch: (search: Record<string, unknown>) => ({ t: second(search.t), find: text(search.find) }),
});
const settings = createRoute({ getParentRoute: () => root, path: "/settings", component: SettingsPage, validateSearch: (search: Record<string, unknown>) => ({ part: text(search.part) }) });

export function makeRouter() {
  return createRouter({ routeTree: root.addChildren([index, activity, library, transcript, settings]), defaultPreload: false });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
