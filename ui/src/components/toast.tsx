/** Short notices at the lower edge, told to screen readers; they go by themselves, those with an action later. */
import { X } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";
import { Button, IconButton } from "./Button";
import css from "./toast.module.css";

type Notice = { id: number; tone: "plain" | "failed"; title: string; text?: string; action?: { label: string; run: () => void } };

let notices: readonly Notice[] = [];
let last = 0;
const watchers = new Set<() => void>();
function set(next: readonly Notice[]) {
  notices = next;
  watchers.forEach((watcher) => watcher());
}

export function toast(notice: Omit<Notice, "id">): void {
  set([...notices.slice(-3), { ...notice, id: ++last }]);
}
function dismiss(id: number) {
  set(notices.filter((notice) => notice.id !== id));
}

export function Toasts({ closeLabel, label }: { closeLabel: string; label: string }) {
  const shown = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    () => notices,
  );
  return (
    <section className={css.stack} aria-label={label} aria-live="polite">
      {shown.map((notice) => (
        <Toast key={notice.id} notice={notice} closeLabel={closeLabel} />
      ))}
    </section>
  );
}

function Toast({ notice, closeLabel }: { notice: Notice; closeLabel: string }) {
  useEffect(() => {
    const timer = setTimeout(() => dismiss(notice.id), notice.action ? 10_000 : notice.tone === "failed" ? 8000 : 4000);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div className={`${css.toast} ${css[notice.tone]}`}>
      <div className={css.words}>
        <b>{notice.title}</b>
        {notice.text !== undefined && <span>{notice.text}</span>}
      </div>
      {notice.action !== undefined && (
        <Button
          small
          onPress={() => {
            notice.action?.run();
            dismiss(notice.id);
          }}
        >
          {notice.action.label}
        </Button>
      )}
      <IconButton label={closeLabel} onPress={() => dismiss(notice.id)}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}
