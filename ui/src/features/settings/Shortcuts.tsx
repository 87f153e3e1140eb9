/** The commands' keys: found, changed, taken away, put back; a chord used twice is shown before it surprises. */
import { RotateCcw, X } from "lucide-react";
import { useState } from "react";
import { Button, IconButton } from "../../components/Button";
import { SearchBox } from "../../components/Field";
import { useT } from "../../messages";
import { fold } from "../../messages/fold";
import { useChangeSettings, useSettings } from "../../state/settings";
import { chordOf, COMMANDS, type CommandId, conflictsOf, keysOf } from "../../state/shortcuts";
import css from "./Settings.module.css";

export function Shortcuts() {
  const t = useT();
  const settings = useSettings();
  const change = useChangeSettings();
  const [text, setText] = useState("");
  const [recording, setRecording] = useState<CommandId | null>(null);
  if (settings === undefined) return <div aria-busy />;
  const own = settings.shortcuts;
  const keys = keysOf(own);
  const titleOf = (id: CommandId) => t(COMMANDS.find((command) => command.id === id)?.title ?? "command.palette");
  const put = (id: CommandId, chord: string) => {
    const usual = COMMANDS.find((command) => command.id === id)?.keys;
    const next: typeof own = { ...own, [id]: chord };
    change({ shortcuts: chord === usual ? without(next, id) : next });
  };
  const shown = COMMANDS.filter(({ id, title }) => fold(`${t(title)} ${keys.get(id) ?? ""}`).includes(fold(text.trim())));
  const record = (id: CommandId) => (event: React.KeyboardEvent) => {
    if (recording !== id || event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") {
      setRecording(null);
      return;
    }
    const chord = chordOf(event);
    if (chord === null) return;
    put(id, chord);
    setRecording(null);
  };
  return (
    <>
      <p className={css.lead}>{t("shortcuts.lead")}</p>
      <div className={css.actions}>
        <SearchBox label={t("shortcuts.find")} value={text} onChange={setText} clearLabel={t("clear")} />
        {Object.keys(own).length > 0 && <Button look="quiet" icon={<RotateCcw size={14} aria-hidden />} onPress={() => change({ shortcuts: {} })}>{t("shortcuts.reset")}</Button>}
      </div>
      <ul className={css.table}>
        {shown.map(({ id, title }) => {
          const chord = keys.get(id) ?? "";
          const conflict = conflictsOf(keys, id);
          return (
            <li key={id} className={css.model} data-command={id}>
              <div className={css.modelWords}>
                <span>{t(title)}</span>
                {conflict === "page" && <span className={css.bad}>{t("shortcuts.page")}</span>}
                {conflict !== "page" && conflict.length > 0 && <span className={css.bad}>{t("shortcuts.conflict", { command: conflict.map(titleOf).join(", ") })}</span>}
              </div>
              <button type="button" className={`${css.chord} ${recording === id ? css.recording : ""}`} aria-label={t("shortcuts.change", { command: t(title) })} onClick={() => setRecording(recording === id ? null : id)} onKeyDown={record(id)} onBlur={() => setRecording(null)}>
                {recording === id ? t("shortcuts.press") : chord === "" ? "—" : chord}
              </button>
              {own[id] !== undefined ? (
                <IconButton label={t("shortcuts.usual", { command: t(title) })} onPress={() => change({ shortcuts: without(own, id) })}>
                  <RotateCcw size={14} aria-hidden />
                </IconButton>
              ) : (
                <IconButton label={t("shortcuts.none", { command: t(title) })} isDisabled={chord === ""} onPress={() => put(id, "")}>
                  <X size={14} aria-hidden />
                </IconButton>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

function without<Value>(all: Record<string, Value>, id: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name !== id));
}
