/** Recipes: what each does, and the user's own: made from another one, changed step by step, removed. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Copy, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { call } from "../../api/call";
import type { Recipe } from "../../api/generated/Recipe";
import { asApiError } from "../../api/host";
import { recipes } from "../../api/queries";
import { Button, IconButton } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { TextBox } from "../../components/Field";
import { errorText, useLanguage, useT } from "../../messages";
import { useAct } from "../../state/act";
import { stepName } from "../../state/words";
import css from "./Settings.module.css";

export function Recipes() {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const client = useQueryClient();
  const { data, error } = useQuery(recipes());
  const [edited, setEdited] = useState<{ recipe: Recipe; isNew: boolean } | null>(null);
  const names = new Set((data?.items ?? []).map((item) => item.recipe.name));
  const again = () => client.invalidateQueries({ queryKey: ["recipes.list"] });
  const copy = (recipe: Recipe) => {
    let number = 2;
    while (names.has(`${recipe.name}-${number}`)) number++;
    setEdited({ recipe: { ...recipe, name: `${recipe.name}-${number}`, title: `${recipe.title} ${number}` }, isNew: true });
  };
  return (
    <>
      <p className={css.lead}>{error === null ? t("recipes.lead") : errorText(language, asApiError(error)).title}</p>
      <ul className={css.table}>
        {(data?.items ?? []).map((item) => (
          <li key={item.file ?? item.recipe.name} className={css.model}>
            <div className={css.modelWords}>
              <div className={css.modelName}>
                <b>{item.error === null ? item.recipe.title : item.file}</b>
                {item.built_in && <span className={css.faint}>{t("recipes.built_in")}</span>}
              </div>
              {item.error === null ? (
                <>
                  <span className={css.faint}>{item.recipe.description}</span>
                  <span className={css.faint}>{item.recipe.steps.map((step) => stepName(t, step.kind)).join(" → ")}</span>
                </>
              ) : (
                <span className={css.bad}>{item.error.message}</span>
              )}
            </div>
            {item.error === null && (
              <IconButton label={t("recipes.copy", { name: item.recipe.title })} onPress={() => copy(item.recipe)}>
                <Copy size={15} aria-hidden />
              </IconButton>
            )}
            {item.error === null && !item.built_in && (
              <IconButton label={t("recipes.edit", { name: item.recipe.title })} onPress={() => setEdited({ recipe: item.recipe, isNew: false })}>
                <Pencil size={15} aria-hidden />
              </IconButton>
            )}
            {item.error === null && !item.built_in && (
              <IconButton label={t("recipes.remove", { name: item.recipe.title })} onPress={() => act(() => call("recipes.remove", { name: item.recipe.name }).then(again))}>
                <Trash2 size={15} aria-hidden />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
      {edited !== null && <Editor key={edited.recipe.name} start={edited.recipe} isNew={edited.isNew} all={data?.items.find((item) => item.recipe.name === "vsl")?.recipe ?? edited.recipe} onClose={() => setEdited(null)} onSaved={() => void again()} />}
    </>
  );
}

/** Steps are switched on and off within those that the fullest recipe has; what a step needs comes along. */
function Editor({ start, isNew, all, onClose, onSaved }: { start: Recipe; isNew: boolean; all: Recipe; onClose: () => void; onSaved: () => void }) {
  const t = useT();
  const act = useAct();
  const [name, setName] = useState(start.name);
  const [title, setTitle] = useState(start.title);
  const [description, setDescription] = useState(start.description);
  const known = [...all.steps, ...start.steps.filter((step) => !all.steps.some((other) => other.name === step.name))];
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(start.steps.map((step) => step.name)));
  const needs = (step: string): string[] => {
    const after = known.find((other) => other.name === step)?.after ?? [];
    return [...after, ...after.flatMap(needs)];
  };
  const toggle = (step: string) => {
    const next = new Set(chosen);
    if (next.has(step)) {
      next.delete(step);
      for (const other of known) if (needs(other.name).includes(step)) next.delete(other.name);
    } else [step, ...needs(step)].forEach((each) => next.add(each));
    setChosen(next);
  };
  const save = () =>
    act(async () => {
      const steps = known.filter((step) => chosen.has(step.name)).map((step) => start.steps.find((own) => own.name === step.name) ?? step);
      await call("recipes.save", { ...start, name: name.trim(), title: title.trim(), description: description.trim(), steps });
      onSaved();
      onClose();
    });
  return (
    <Dialog
      title={isNew ? t("recipes.new") : t("recipes.edit", { name: start.title })}
      isOpen
      onClose={onClose}
      closeLabel={t("close")}
      actions={
        <>
          <Button look="quiet" onPress={onClose}>{t("cancel")}</Button>
          <Button look="primary" onPress={save}>{t("recipes.save")}</Button>
        </>
      }
    >
      {isNew && <TextBox label={t("recipes.name")} value={name} onChange={setName} description={t("recipes.name.note")} />}
      <TextBox label={t("recipes.title")} value={title} onChange={setTitle} />
      <TextBox label={t("recipes.description")} value={description} onChange={setDescription} />
      <fieldset className={css.steps}>
        <legend>{t("tasks.steps")}</legend>
        {known.map((step) => (
          <label key={step.name} className={css.check}>
            <input type="checkbox" checked={chosen.has(step.name)} disabled={step.kind === "fetch"} onChange={() => toggle(step.name)} />
            {stepName(t, step.kind)}
          </label>
        ))}
      </fieldset>
    </Dialog>
  );
}
