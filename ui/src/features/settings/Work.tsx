/** When and how much the machine works, and what the window does about it. */
import { host } from "../../api/call";
import { Choice } from "../../components/Choice";
import { Switch } from "../../components/Switch";
import { useT } from "../../messages";
import { useChangeSettings, useSettings } from "../../state/settings";
import { Later, whole } from "./Later";
import css from "./Settings.module.css";

export function Work() {
  const t = useT();
  const settings = useSettings();
  const change = useChangeSettings();
  if (settings === undefined) return <div aria-busy />;
  const time = (name: "night_from" | "night_to") => (
    <label className={css.time}>
      <span>{t(`settings.${name}`)}</span>
      <input type="time" value={settings[name]} disabled={!settings.night_only} onChange={(event) => event.target.value !== "" && change({ [name]: event.target.value })} />
    </label>
  );
  return (
    <div className={css.stack}>
      <Switch label={t("settings.night")} note={t("settings.night.note")} value={settings.night_only} onChange={(night_only) => change({ night_only })} />
      <div className={css.times}>
        {time("night_from")}
        {time("night_to")}
      </div>
      <Switch label={t("settings.mains")} note={t("settings.mains.note")} value={settings.mains_only} onChange={(mains_only) => change({ mains_only })} />
      {host().kind === "window" && (
        <>
          <Switch label={t("settings.awake")} note={t("settings.awake.note")} value={settings.keep_awake} onChange={(keep_awake) => change({ keep_awake })} />
          <Switch label={t("settings.notify")} note={t("settings.notify.note")} value={settings.notify} onChange={(notify) => change({ notify })} />
        </>
      )}
      <div className={css.fields}>
        {host().kind === "window" && (
          <Choice label={t("settings.close")} options={(["ask", "tray", "quit"] as const).map((id) => ({ id, label: t(`settings.close.${id}`) }))} value={settings.on_close} onChange={(on_close) => change({ on_close })} />
        )}
        <Choice label={t("settings.retries")} options={["0", "1", "2", "3", "4", "5"].map((id) => ({ id, label: id }))} value={String(settings.max_retries)} onChange={(count) => change({ max_retries: Number(count) })} description={t("settings.retries.note")} />
        <div className={css.row3}>
          <Later number label={t("settings.net")} value={String(settings.net_limit)} onCommit={(text) => change({ net_limit: whole(text, 1, 64) })} />
          <Later number label={t("settings.cpu")} value={String(settings.cpu_limit)} onCommit={(text) => change({ cpu_limit: whole(text, 1, 64) })} />
          <Later number label={t("settings.model")} value={String(settings.model_limit)} onCommit={(text) => change({ model_limit: whole(text, 1, 8) })} />
        </div>
      </div>
    </div>
  );
}
