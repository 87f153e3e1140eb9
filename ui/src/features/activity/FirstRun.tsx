/** The first screen of a new user: drop here, or try the sample; a model that suits the machine, if one is wanted. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download, FileDown, PlayCircle } from "lucide-react";
import { call, host } from "../../api/call";
import { models } from "../../api/queries";
import { Button } from "../../components/Button";
import { Mark } from "../../components/Mark";
import { Bar } from "../../components/Progress";
import { useLanguage, useT } from "../../messages";
import { bytes } from "../../messages/values";
import { useAct } from "../../state/act";
import { openAdd, useAddSample } from "../../state/add";
import css from "./Activity.module.css";

export function FirstRun() {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const sample = useAddSample();
  const { data } = useQuery(models());
  const installed = data?.items.some((model) => model.installed) ?? true;
  const suggested = data?.items.find((model) => model.downloading !== null) ?? data?.items.find((model) => model.suggested);
  return (
    <div className={css.first}>
      <button type="button" className={css.firstDrop} onClick={() => openAdd()}>
        <Mark size={56} />
        <b>{host().localFiles ? t("first.title") : t("first.title.browser")}</b>
        <span>{t("first.text")}</span>
        <span className={css.firstHint}>
          <FileDown size={15} aria-hidden />
          {host().localFiles ? t("first.hint") : t("first.hint.browser")}
        </span>
      </button>
      <section className={css.suggest} aria-label={t("first.sample")}>
        <div className={css.suggestWords}>
          <b>{t("first.sample")}</b>
          <span>{t("first.sample.text")}</span>
        </div>
        <Button look="primary" icon={<PlayCircle size={15} aria-hidden />} onPress={sample}>{t("first.sample")}</Button>
      </section>
      {!installed && suggested !== undefined && (
        <section className={css.suggest} aria-label={t("first.model")}>
          <div className={css.suggestWords}>
            <b>{t("first.model.title")}</b>
            <span>{t("first.model.text", { name: suggested.name, size: bytes(language, suggested.size), memory: bytes(language, suggested.memory) })}</span>
            {suggested.downloading !== null && <Bar label={t("models.downloading", { name: suggested.name })} value={suggested.downloading * 100} />}
          </div>
          {suggested.downloading === null ? (
            <Button icon={<Download size={15} aria-hidden />} onPress={() => act(() => call("models.download", { name: suggested.name }))}>{t("models.download")}</Button>
          ) : (
            <Button look="quiet" onPress={() => act(() => call("models.cancel", { name: suggested.name }))}>{t("cancel")}</Button>
          )}
        </section>
      )}
      <p className={css.firstFoot}>
        <Link to="/settings" search={{ part: "models" }}>{t("first.models")}</Link>
        <Link to="/settings" search={{ part: "doctor" }}>{t("first.doctor")}</Link>
      </p>
    </div>
  );
}
