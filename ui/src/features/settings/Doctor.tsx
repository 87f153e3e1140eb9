/** What this machine has and lacks, one line each, with what to do. */
import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { asApiError } from "../../api/host";
import { doctor } from "../../api/queries";
import { Button } from "../../components/Button";
import { Dot, type Tone } from "../../components/Progress";
import { errorText, isKey, useLanguage, useT } from "../../messages";
import { useChangeSettings, useSettings } from "../../state/settings";
import { Later } from "./Later";
import css from "./Settings.module.css";

const TONES: Record<string, Tone> = { ok: "done", warning: "waiting", missing: "failed" };

const TOOLS = [
  { id: "ffmpeg", label: "settings.ffmpeg" },
  { id: "ffprobe", label: "settings.ffprobe" },
  { id: "pocketsphinx", label: "settings.pocketsphinx" },
  { id: "yt_dlp", label: "settings.ytdlp" },
] as const;

export function Doctor() {
  const t = useT();
  const language = useLanguage();
  const settings = useSettings();
  const change = useChangeSettings();
  const { data, error, isFetching, refetch } = useQuery(doctor());
  return (
    <>
      <p className={css.lead} role="status">
        {error !== null ? errorText(language, asApiError(error)).title : data === undefined ? t("doctor.checking") : data.healthy ? t("doctor.healthy", { version: data.version }) : t("doctor.lacking", { version: data.version })}
      </p>
      <ul className={css.table}>
        {(data?.checks ?? []).map((check) => {
          const state = `doctor.${check.state}`;
          return (
            <li key={check.name} className={css.model}>
              <Dot tone={TONES[check.state] ?? "idle"} />
              <div className={css.modelWords}>
                <div className={css.modelName}>
                  <b>{check.name.replaceAll("_", " ")}</b>
                  <span className={css.faint}>{check.version ?? ""}</span>
                  <span className="hidden-visually">{isKey(state) ? t(state) : check.state}</span>
                </div>
                <span className={css.faint}>{check.message}</span>
                {check.cure !== null && check.state !== "ok" && <code className={css.todo}>{check.cure}</code>}
                {check.path !== null && <code className={css.path} title={check.path}>{check.path}</code>}
              </div>
            </li>
          );
        })}
      </ul>
      {settings !== undefined && (
        <div className={css.fields}>
          {TOOLS.map(({ id, label }) => (
            <Later key={id} label={t(label)} value={settings[id]} placeholder={t("settings.path.usual")} onCommit={(path) => change({ [id]: path.trim() })} />
          ))}
        </div>
      )}
      <div className={css.actions}>
        <Button icon={<RefreshCw size={14} aria-hidden />} isDisabled={isFetching} onPress={() => void refetch()}>{t("doctor.again")}</Button>
        {data !== undefined && <code className={css.path} title={data.data_dir}>{data.data_dir}</code>}
      </div>
    </>
  );
}
