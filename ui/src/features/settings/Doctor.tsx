/** What this machine has and lacks, one line each, with what to do. */
import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { asApiError } from "../../api/host";
import { doctor } from "../../api/queries";
import { Button } from "../../components/Button";
import { Dot, type Tone } from "../../components/Progress";
import { errorText, isKey, useLanguage, useT } from "../../messages";
import css from "./Settings.module.css";

const TONES: Record<string, Tone> = { ok: "done", warning: "waiting", missing: "failed" };

export function Doctor() {
  const t = useT();
  const language = useLanguage();
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
      <div className={css.actions}>
        <Button icon={<RefreshCw size={14} aria-hidden />} isDisabled={isFetching} onPress={() => void refetch()}>{t("doctor.again")}</Button>
        {data !== undefined && <code className={css.path} title={data.data_dir}>{data.data_dir}</code>}
      </div>
    </>
  );
}
