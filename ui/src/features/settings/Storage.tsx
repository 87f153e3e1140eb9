/** What takes how much space, and where it lies. */
import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { asApiError } from "../../api/host";
import { storage } from "../../api/queries";
import { Button } from "../../components/Button";
import { errorText, isKey, useLanguage, useT } from "../../messages";
import { bytes } from "../../messages/values";
import css from "./Settings.module.css";

export function Storage() {
  const t = useT();
  const language = useLanguage();
  const { data, error, isFetching, refetch } = useQuery(storage());
  const sum = data?.parts.reduce((all, part) => all + part.bytes, 0) ?? 0;
  return (
    <>
      <p className={css.lead}>{error === null ? t("storage.lead") : errorText(language, asApiError(error)).title}</p>
      {data !== undefined && (
        <>
          <p className={css.sum}>
            <b>{bytes(language, sum)}</b>
            {data.free !== null && <span className={css.faint}>{t("storage.free", { size: bytes(language, data.free) })}</span>}
          </p>
          <ul className={css.table}>
            {data.parts.map((part) => {
              const key = `storage.${part.name}`;
              return (
                <li key={part.name} className={css.model}>
                  <div className={css.modelWords}>
                    <span>{isKey(key) ? t(key) : part.name}</span>
                    <code className={css.path} title={part.path}>{part.path}</code>
                  </div>
                  <span className={css.share} aria-hidden><i style={{ inlineSize: `${sum === 0 ? 0 : (part.bytes / sum) * 100}%` }} /></span>
                  <span className={css.size}>{bytes(language, part.bytes)}</span>
                </li>
              );
            })}
          </ul>
        </>
      )}
      <div className={css.actions}>
        <Button look="quiet" icon={<RefreshCw size={14} aria-hidden />} isDisabled={isFetching} onPress={() => void refetch()}>{t("storage.again")}</Button>
      </div>
    </>
  );
}
