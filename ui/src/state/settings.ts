/** The user's settings, and changing one of them. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { call } from "../api/call";
import type { Settings } from "../api/generated/Settings";
import { settings } from "../api/queries";
import { useAct } from "./act";

export function useSettings(): Settings | undefined {
  return useQuery(settings()).data;
}

/** Shows the change at once and takes it back when it is refused. */
export function useChangeSettings(): (change: Partial<Settings>) => void {
  const client = useQueryClient();
  const act = useAct();
  return useCallback(
    (change) =>
      act(async () => {
        const key = settings().queryKey;
        const before = client.getQueryData<Settings>(key) ?? (await call("settings.get", {}));
        const after = { ...before, ...change };
        client.setQueryData(key, after);
        try {
          client.setQueryData(key, await call("settings.set", after));
        } catch (thrown) {
          client.setQueryData(key, before);
          throw thrown;
        }
      }),
    [act, client],
  );
}
