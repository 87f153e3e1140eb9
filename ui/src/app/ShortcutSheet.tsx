/** The keys, on one sheet. */
import { Dialog } from "../components/Dialog";
import { type Key, useT } from "../messages";
import css from "./Shell.module.css";

const KEYS: [string, Key][] = [
  ["Ctrl+O", "keys.add"],
  ["Ctrl+1 · Ctrl+2", "keys.pages"],
  ["Ctrl+,", "keys.settings"],
  ["Ctrl+V", "keys.paste"],
  ["↑ ↓ · Enter", "keys.rows"],
  ["Space · K", "keys.play"],
  ["J · L", "keys.speed"],
  ["← →", "keys.second"],
  ["Alt+← →", "keys.half"],
  [", · .", "keys.frame"],
  ["Ctrl+F · F3", "keys.find"],
  ["Ctrl+G", "keys.now"],
  ["Ctrl+E", "keys.export"],
  ["?", "keys.sheet"],
];

export function ShortcutSheet({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t("keys.title")} isOpen={isOpen} onClose={onClose} closeLabel={t("close")}>
      <dl className={css.keys}>
        {KEYS.map(([keys, key]) => (
          <div key={key}>
            <dt><kbd>{keys}</kbd></dt>
            <dd>{t(key)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
