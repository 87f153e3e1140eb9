/** The keys as they hold now, on one sheet. */
import { Dialog } from "../components/Dialog";
import { type Key, useT } from "../messages";
import { useSettings } from "../state/settings";
import { COMMANDS, FIXED, keysOf } from "../state/shortcuts";
import css from "./Shell.module.css";

export function ShortcutSheet({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useT();
  const keys = keysOf(useSettings()?.shortcuts ?? {});
  const own: { keys: string; title: Key }[] = COMMANDS.map(({ id, title }) => ({ keys: keys.get(id) ?? "", title })).filter((row) => row.keys !== "");
  return (
    <Dialog title={t("keys.title")} isOpen={isOpen} onClose={onClose} closeLabel={t("close")} wide>
      <dl className={css.keys}>
        {[...own, ...FIXED].map((row) => (
          <div key={row.title}>
            <dt><kbd>{row.keys}</kbd></dt>
            <dd>{t(row.title)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
