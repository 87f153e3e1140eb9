/** Speech models: which there are, what they need, download, stop, import, remove. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, HardDriveDownload, Trash2, X } from "lucide-react";
import { useState } from "react";
import { call, host } from "../../api/call";
import type { ModelItem } from "../../api/generated/ModelItem";
import { asApiError } from "../../api/host";
import { models } from "../../api/queries";
import { Button, IconButton } from "../../components/Button";
import { TextBox } from "../../components/Field";
import { Bar, Dot } from "../../components/Progress";
import { errorText, useLanguage, useT } from "../../messages";
import { bytes, languageName } from "../../messages/values";
import { useAct } from "../../state/act";
import { useChangeSettings, useSettings } from "../../state/settings";
import { Later } from "./Later";
import css from "./Settings.module.css";

export function Models() {
  const t = useT();
  const language = useLanguage();
  const { data, error } = useQuery(models());
  const settings = useSettings();
  const change = useChangeSettings();
  const [all, setAll] = useState(false);
  if (data === undefined) return error === null ? <div aria-busy /> : <p className={css.lead} role="alert">{errorText(language, asApiError(error)).title}</p>;
  const near = data.items.filter((model) => model.installed || model.suggested || model.downloading !== null || model.imported || model.error !== null || ["tiny", "base", "small", "medium", "large-v3-turbo"].includes(model.name));
  const shown = all ? data.items : near;
  return (
    <>
      <p className={css.lead}>{t("models.lead")}</p>
      <ul className={css.table}>
        {shown.map((model) => (
          <Model key={model.name} model={model} />
        ))}
      </ul>
      <div className={css.actions}>
        {near.length < data.items.length && <Button look="quiet" onPress={() => setAll(!all)}>{all ? t("models.fewer") : t("models.all", { count: data.items.length })}</Button>}
        <Import />
      </div>
      {settings !== undefined && <Later label={t("settings.mirror")} value={settings.model_mirror} placeholder="https://" description={t("settings.mirror.note")} onCommit={(model_mirror) => change({ model_mirror: model_mirror.trim() })} />}
    </>
  );
}

function Model({ model }: { model: ModelItem }) {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const client = useQueryClient();
  const name = { name: model.name };
  const run = (command: "models.download" | "models.cancel" | "models.remove") => act(() => call(command, name).then(() => client.invalidateQueries({ queryKey: ["models.list"] })));
  const facts = [bytes(language, model.size), t("models.memory", { size: bytes(language, model.memory) }), model.languages === "multilingual" ? t("models.multilingual") : languageName(language, model.languages)];
  return (
    <li className={css.model} data-model={model.name}>
      <Dot tone={model.error !== null ? "failed" : model.installed ? "done" : model.downloading !== null ? "running" : "idle"} />
      <div className={css.modelWords}>
        <div className={css.modelName}>
          <b>{model.name}</b>
          {model.suggested && <span className={css.badge}>{t("models.suggested")}</span>}
          {model.imported && <span className={css.badge}>{t("models.imported")}</span>}
          {model.installed && <span className={css.installed}>{t("models.installed")}</span>}
        </div>
        <span className={css.faint}>{facts.join(" · ")}</span>
        {model.error !== null && <span className={css.bad}>{errorText(language, model.error).title}: {model.error.message}</span>}
        {model.downloading !== null && <Bar label={t("models.downloading", { name: model.name })} value={model.downloading * 100} unknown={model.downloading === 0} />}
      </div>
      {model.downloading !== null ? (
        <>
          <span className={css.percent}>{Math.floor(model.downloading * 100)}%</span>
          <IconButton label={t("models.stop", { name: model.name })} onPress={() => run("models.cancel")}>
            <X size={16} aria-hidden />
          </IconButton>
        </>
      ) : model.installed ? (
        <IconButton label={t("models.remove", { name: model.name })} onPress={() => run("models.remove")}>
          <Trash2 size={15} aria-hidden />
        </IconButton>
      ) : (
        <Button small icon={<Download size={14} aria-hidden />} onPress={() => run("models.download")} aria-label={t("models.download.this", { name: model.name })}>{t("models.download")}</Button>
      )}
    </li>
  );
}

function Import() {
  const t = useT();
  const act = useAct();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [path, setPath] = useState("");
  const take = (file: string) =>
    act(async () => {
      await call("models.import", { path: file, name: null });
      setAsking(false);
      setPath("");
      await client.invalidateQueries({ queryKey: ["models.list"] });
    });
  const start = async () => {
    if (!host().localFiles) {
      setAsking(true);
      return;
    }
    const [file] = await host().pickFiles();
    if (file !== undefined) take(file);
  };
  return asking ? (
    <form
      className={css.inlineForm}
      onSubmit={(event) => {
        event.preventDefault();
        if (path.trim() !== "") take(path.trim());
      }}
    >
      <TextBox label={t("models.path")} value={path} onChange={setPath} placeholder="/home/…/ggml-base.bin" autoFocus />
      <Button type="submit">{t("models.import")}</Button>
    </form>
  ) : (
    <Button look="quiet" icon={<HardDriveDownload size={15} aria-hidden />} onPress={() => void start()}>{t("models.import")}</Button>
  );
}
