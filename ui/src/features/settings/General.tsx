/** Language, looks, what a drop does, how downloads and retries behave. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { recipes } from "../../api/queries";
import { Choice } from "../../components/Choice";
import { TextBox } from "../../components/Field";
import { useT } from "../../messages";
import { useChangeSettings, useSettings } from "../../state/settings";
import css from "./Settings.module.css";

/** A text that is kept when the user leaves the field, not at every letter. */
function Later({ label, value, description, placeholder, onCommit, number }: { label: string; value: string; description?: string; placeholder?: string; onCommit: (text: string) => void; number?: boolean }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const commit = () => {
    if (text !== value) onCommit(text);
  };
  return (
    <div
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
      }}
    >
      <TextBox label={label} value={text} onChange={setText} type={number ? "number" : "text"} {...(description === undefined ? {} : { description })} {...(placeholder === undefined ? {} : { placeholder })} />
    </div>
  );
}

export function General() {
  const t = useT();
  const settings = useSettings();
  const change = useChangeSettings();
  const { data: recipeList } = useQuery(recipes());
  if (settings === undefined) return <div aria-busy />;
  const whole = (text: string, low: number, high: number) => Math.min(high, Math.max(low, Math.round(Number(text)) || low));
  return (
    <div className={css.fields}>
      <Choice label={t("settings.language")} options={[{ id: "system", label: t("settings.system") }, { id: "en", label: "English" }, { id: "pt-BR", label: "Português (Brasil)" }, { id: "es", label: "Español" }]} value={settings.ui_language} onChange={(ui_language) => change({ ui_language })} />
      <Choice label={t("settings.theme")} options={(["system", "dark", "light"] as const).map((id) => ({ id: id, label: t(`settings.${id}`) }))} value={settings.theme} onChange={(theme) => change({ theme })} />
      <Choice label={t("settings.density")} options={(["comfortable", "compact"] as const).map((id) => ({ id: id, label: t(`settings.${id}`) }))} value={settings.density} onChange={(density) => change({ density })} />
      <Choice label={t("settings.recipe")} options={(recipeList?.items ?? []).filter((item) => item.error === null).map((item) => ({ id: item.recipe.name, label: item.recipe.title, note: item.recipe.description }))} value={settings.recipe} onChange={(recipe) => change({ recipe })} />
      <Later label={t("settings.hosts")} value={settings.allow_hosts.join(", ")} placeholder="nas.local, 192.168.1.10" description={t("settings.hosts.note")} onCommit={(text) => change({ allow_hosts: text.split(/[\s,]+/).filter(Boolean) })} />
      <Later label={t("settings.mirror")} value={settings.model_mirror} placeholder="https://" description={t("settings.mirror.note")} onCommit={(model_mirror) => change({ model_mirror: model_mirror.trim() })} />
      <Choice label={t("settings.retries")} options={["0", "1", "2", "3", "4", "5"].map((id) => ({ id, label: id }))} value={String(settings.max_retries)} onChange={(count) => change({ max_retries: Number(count) })} description={t("settings.retries.note")} />
      <div className={css.row3}>
        <Later number label={t("settings.net")} value={String(settings.net_limit)} onCommit={(text) => change({ net_limit: whole(text, 1, 64) })} />
        <Later number label={t("settings.cpu")} value={String(settings.cpu_limit)} onCommit={(text) => change({ cpu_limit: whole(text, 1, 64) })} />
        <Later number label={t("settings.model")} value={String(settings.model_limit)} onCommit={(text) => change({ model_limit: whole(text, 1, 8) })} />
      </div>
    </div>
  );
}
