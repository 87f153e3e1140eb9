/** Tells screen readers when tasks end: a sentence for each change of the counts, never a stream of percentages. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { queueStatus } from "../../api/queries";
import { useT } from "../../messages";

export function Announcer() {
  const t = useT();
  const { data: queue } = useQuery(queueStatus());
  const before = useRef<{ completed: number; failed: number } | null>(null);
  const [text, setText] = useState("");
  const completed = queue?.completed;
  const failed = queue?.failed;
  const left = queue === undefined ? 0 : queue.processing + queue.queued;
  useEffect(() => {
    if (completed === undefined || failed === undefined) return;
    const old = before.current;
    before.current = { completed, failed };
    if (old === null) return;
    if (failed > old.failed) setText(t("said.failed", { count: failed - old.failed, left }));
    else if (completed > old.completed) setText(t("said.completed", { count: completed - old.completed, left }));
  }, [completed, failed, left, t]);
  return (
    <div className="hidden-visually" role="status">
      {text}
    </div>
  );
}
