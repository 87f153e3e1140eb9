/** Addresses of media on the loopback server. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import type { MediaItem } from "../api/generated/MediaItem";
import { media, serverAddress } from "../api/queries";

/** Makes an address of a path in a media item; null until the server is known or where there is no path. */
export function useMediaUrl(): (path: string | null | undefined) => string | null {
  const { data } = useQuery(serverAddress());
  const base = data?.media_url;
  return useCallback((path) => (base === undefined || path === null || path === undefined ? null : `${base}/${path}`), [base]);
}

/** The media of a row that has stayed in sight for a moment; scrolling past asks nothing. */
export function useRestingMedia(id: string | null): MediaItem | null {
  const [rests, setRests] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setRests(true), 150);
    return () => clearTimeout(timer);
  }, []);
  const { data } = useQuery({ ...media(id ?? ""), enabled: rests && id !== null });
  return data?.item ?? null;
}
