/** Language, looks, and what a drop does. */
import { useQuery } from "@tanstack/react-query";
import { recipes } from "../../api/queries";
import { Choice } from "../../components/Choice";
import { useT } from "../../messages";
import { useChangeSettings, useSettings } from "../../state/settings";
import css from "./Settings.module.css";

export function General() {
  const t = useT();
  const settings = useSettings();
  const change = useChangeSettings();
  const { data: recipeList } = useQuery(recipes());
  if (settings === undefined) return <div aria-busy />;
  return (
    <div className={css.fields}>
      <Choice label={t("settings.language")} options={[{ id: "system", label: t("settings.system") }, { id: "en", label: "English" }, { id: "pt-BR", label: "Português (Brasil)" }, { id: "es", label: "Español" }]} value={settings.ui_language} onChange={(ui_language) => change({ ui_language })} />
      <Choice label={t("settings.theme")} options={(["system", "dark", "light"] as const).map((id) => ({ id: id, label: t(`settings.${id}`) }))} value={settings.theme} onChange={(theme) => change({ theme })} />
      <Choice label={t("settings.density")} options={(["comfortable", "compact"] as const).map((id) => ({ id: id, label: t(`settings.${id}`) }))} value={settings.density} onChange={(density) => change({ density })} />
      <Choice label={t("settings.recipe")} options={(recipeList?.items ?? []).filter((item) => item.error === null).map((item) => ({ id: item.recipe.name, label: item.recipe.title, note: item.recipe.description }))} value={settings.recipe} onChange={(recipe) => change({ recipe })} />
    </div>
  );
}
