/** What leaves this machine, and which hosts links may reach. */
import { useT } from "../../messages";
import { useChangeSettings, useSettings } from "../../state/settings";
import { Later } from "./Later";
import css from "./Settings.module.css";

export function Privacy() {
  const t = useT();
  const settings = useSettings();
  const change = useChangeSettings();
  if (settings === undefined) return <div aria-busy />;
  return (
    <div className={css.stack}>
      <p className={css.lead}>{t("privacy.lead")}</p>
      <Later label={t("settings.hosts")} value={settings.allow_hosts.join(", ")} placeholder="nas.local, 192.168.1.10" description={t("settings.hosts.note")} onCommit={(text) => change({ allow_hosts: text.split(/[\s,]+/).filter(Boolean) })} />
    </div>
  );
}
