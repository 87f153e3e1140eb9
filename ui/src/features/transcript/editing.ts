/**
 * Edits of a transcript: sent one after the other on the revision they were made on, put into what is shown when they
 * are stored. Invariant: an edit names its segment by the second it starts at and finds it when its turn comes, so that
 * an edit before it cannot shift it onto another line.
 */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { call } from "../../api/call";
import type { Change } from "../../api/generated/Change";
import type { Edit } from "../../api/generated/Edit";
import type { Edited } from "../../api/generated/Edited";
import type { Segment } from "../../api/generated/Segment";
import type { Transcript } from "../../api/generated/Transcript";
import { asApiError } from "../../api/host";
import { media, transcript as transcriptQuery } from "../../api/queries";
import { toast } from "../../components/toast";
import { errorText, useLanguage } from "../../messages";

/** The segments after the changes. */
export function changed(segments: readonly Segment[], changes: readonly Change[]): Segment[] {
  const next = [...segments];
  for (const change of changes) next.splice(change.at, change.removed.length, ...change.inserted);
  return next;
}

/** The place of the segment that starts at a second; -1 when it is gone. */
export function placeOf(segments: readonly Segment[], start: number): number {
  return segments.findIndex((segment) => Math.abs(segment.start - start) < 0.0005);
}

function store(client: QueryClient, from: Transcript, edited: Edited): Transcript {
  const segments = changed(from.segments, edited.changes);
  const next: Transcript = { ...from, transcript_id: edited.transcript_id, revision: edited.revision, segments, text: segments.map((segment) => segment.text.trim()).filter(Boolean).join(" "), ...(edited.copied ? { parent: from.transcript_id } : {}) };
  client.setQueryData(transcriptQuery(edited.transcript_id).queryKey, next);
  return next;
}

export type Editing = {
  /** Sends what `make` says of the segments as they are when its turn comes; null sends nothing. Answers whether it was stored. */
  send: (make: (segments: readonly Segment[]) => Edit[] | null) => Promise<boolean>;
  undo: () => void;
  redo: () => void;
  canUndo: boolean;
  canRedo: boolean;
};

export function useEditing(transcript: Transcript | undefined, onVersion: (id: string) => void): Editing {
  const client = useQueryClient();
  const language = useLanguage();
  const latest = useRef(transcript);
  const waiting = useRef<Promise<unknown>>(Promise.resolve());
  const [history, setHistory] = useState<{ id: string; undo: boolean; redo: boolean } | null>(null);
  useEffect(() => {
    const known = latest.current;
    // What another window stored comes through the cache; an answer of our own is never older than it.
    if (transcript !== undefined && (known === undefined || known.transcript_id !== transcript.transcript_id || transcript.revision >= known.revision)) latest.current = transcript;
  }, [transcript]);

  const run = useCallback(
    (work: (from: Transcript) => Promise<Edited> | null): Promise<boolean> => {
      const done = waiting.current.then(async () => {
        const from = latest.current;
        const sent = from === undefined ? null : work(from);
        if (from === undefined || sent === null) return false;
        try {
          const edited = await sent;
          latest.current = store(client, from, edited);
          setHistory({ id: edited.transcript_id, undo: edited.can_undo, redo: edited.can_redo });
          if (edited.copied) {
            onVersion(edited.transcript_id);
            void client.invalidateQueries({ queryKey: media(from.media_id).queryKey });
          }
          return true;
        } catch (thrown) {
          const error = asApiError(thrown);
          const text = errorText(language, error);
          toast({ tone: "failed", title: text.title, text: error.code === "TRANSCRIPT_CHANGED" ? text.cure : error.message });
          if (error.code === "TRANSCRIPT_CHANGED") {
            latest.current = undefined;
            await Promise.all([client.refetchQueries({ queryKey: ["transcripts.get"] }), client.refetchQueries({ queryKey: media(from.media_id).queryKey })]);
            latest.current ??= client.getQueryData<Transcript>(transcriptQuery(from.transcript_id).queryKey);
          }
          return false;
        }
      });
      waiting.current = done;
      return done;
    },
    [client, language, onVersion],
  );
  const send = useCallback(
    (make: (segments: readonly Segment[]) => Edit[] | null) =>
      run((from) => {
        const edits = make(from.segments);
        return edits === null || edits.length === 0 ? null : call("transcripts.edit", { id: from.transcript_id, revision: from.revision, edits });
      }),
    [run],
  );
  const undo = useCallback(() => void run((from) => (from.parent === undefined ? null : call("transcripts.undo", { id: from.transcript_id, revision: from.revision }))), [run]);
  const redo = useCallback(() => void run((from) => (from.parent === undefined ? null : call("transcripts.redo", { id: from.transcript_id, revision: from.revision }))), [run]);
  const known = history !== null && history.id === transcript?.transcript_id ? history : null;
  return { send, undo, redo, canUndo: known?.undo ?? (transcript?.parent !== undefined && transcript.revision > 0), canRedo: known?.redo ?? false };
}
