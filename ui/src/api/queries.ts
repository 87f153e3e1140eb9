/** What the screens read, by key. Invariant: a key starts with the command's name, and events.ts keeps it fresh. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "./call";
import type { ExportRequest } from "./generated/ExportRequest";
import type { LibraryQuery } from "./generated/LibraryQuery";
import type { TaskQuery } from "./generated/TaskQuery";

export const taskPage = (query: TaskQuery) =>
  queryOptions({ queryKey: ["tasks.list", query] as const, queryFn: () => call("tasks.list", query), placeholderData: keepPreviousData });
export const taskDetail = (task_id: string) => queryOptions({ queryKey: ["tasks.get", task_id] as const, queryFn: () => call("tasks.get", { task_id }) });
export const queueStatus = () => queryOptions({ queryKey: ["queue.status"] as const, queryFn: () => call("queue.status", {}) });
export const deadLetters = () => queryOptions({ queryKey: ["dead_letters.list"] as const, queryFn: () => call("dead_letters.list", { limit: 500, offset: 0 }) });
export const libraryPage = (query: LibraryQuery) =>
  queryOptions({ queryKey: ["library.list", query] as const, queryFn: () => call("library.list", query), placeholderData: keepPreviousData });
export const facets = () => queryOptions({ queryKey: ["library.facets"] as const, queryFn: () => call("library.facets", {}) });
export const savedSearches = () => queryOptions({ queryKey: ["searches.list"] as const, queryFn: () => call("searches.list", {}) });
export const media = (media_id: string) => queryOptions({ queryKey: ["library.get", media_id] as const, queryFn: () => call("library.get", { media_id }) });
export const search = (query: string) =>
  queryOptions({ queryKey: ["library.search", query] as const, queryFn: () => call("library.search", { query, media_id: null, limit: 200, offset: 0 }), placeholderData: keepPreviousData });
export const transcript = (id: string) => queryOptions({ queryKey: ["transcripts.get", id] as const, queryFn: () => call("transcripts.get", { id }) });
export const exported = (request: ExportRequest) => queryOptions({ queryKey: ["transcripts.export", request.id, request.format] as const, queryFn: () => call("transcripts.export", request), staleTime: 0 });
export const recipes = () => queryOptions({ queryKey: ["recipes.list"] as const, queryFn: () => call("recipes.list", {}) });
export const models = () => queryOptions({ queryKey: ["models.list"] as const, queryFn: () => call("models.list", {}) });
export const doctor = () => queryOptions({ queryKey: ["doctor.run"] as const, queryFn: () => call("doctor.run", {}), staleTime: 60_000 });
export const settings = () => queryOptions({ queryKey: ["settings.get"] as const, queryFn: () => call("settings.get", {}) });
export const watched = () => queryOptions({ queryKey: ["watch.list"] as const, queryFn: () => call("watch.list", {}) });
export const settingsProblems = () => queryOptions({ queryKey: ["settings.problems"] as const, queryFn: () => call("settings.problems", {}), staleTime: Infinity });
export const storage = () => queryOptions({ queryKey: ["storage.usage"] as const, queryFn: () => call("storage.usage", {}), staleTime: 60_000 });
export const serverAddress = () => queryOptions({ queryKey: ["server.address"] as const, queryFn: () => call("server.address", {}), staleTime: Infinity });
