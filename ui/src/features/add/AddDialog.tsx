/** Adding media with options: files and folders from the system's dialogs (in the window), links and paths as text. */
import { useQuery } from "@tanstack/react-query";
import { FolderOpen, FolderPlus } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Disclosure, DisclosurePanel, Button as AriaButton, Heading } from "react-aria-components";
import { host } from "../../api/call";
import type { AddRequest } from "../../api/generated/AddRequest";
import type { Priority } from "../../api/generated/Priority";
import { models, recipes } from "../../api/queries";
import { Button } from "../../components/Button";
import { Choice, type Option } from "../../components/Choice";
import { Dialog } from "../../components/Dialog";
import { TextBox } from "../../components/Field";
import { useLanguage, useT } from "../../messages";
import { languageName } from "../../messages/values";
import { closeAdd, sourcesOf, useAdd, useAddDialog } from "../../state/add";
import { useSettings } from "../../state/settings";
import css from "./AddDialog.module.css";

const LANGUAGES = ["auto", "en", "pt", "es", "fr", "de", "it", "nl", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko"];
const PRIORITIES: Priority[] = ["low", "medium", "high", "urgent"];

export function AddDialog() {
  const wanted = useAddDialog();
  const t = useT();
  return (
    <Dialog title={t("add.title")} isOpen={wanted !== null} onClose={closeAdd} closeLabel={t("close")} actions={<Actions />}>
      {wanted !== null && <Form start={wanted} />}
    </Dialog>
  );
}

function Actions() {
  const t = useT();
  return (
    <>
      <Button look="quiet" onPress={closeAdd}>{t("cancel")}</Button>
      <Button look="primary" type="submit" form="add-media">{t("add.start")}</Button>
    </>
  );
}

/** `Name: value` lines as headers. */
function headersOf(text: string) {
  return text.split("\n").flatMap((line) => {
    const colon = line.indexOf(":");
    return colon > 0 ? [{ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }] : [];
  });
}

function Form({ start }: { start: Partial<AddRequest> }) {
  const t = useT();
  const language = useLanguage();
  const settings = useSettings();
  const add = useAdd();
  const { data: recipeList } = useQuery(recipes());
  const { data: modelList } = useQuery(models());
  const [text, setText] = useState((start.sources ?? []).join("\n"));
  const [recipe, setRecipe] = useState(start.recipe ?? "");
  const [spoken, setSpoken] = useState(start.language ?? "auto");
  const [engine, setEngine] = useState(start.engine ?? "auto");
  const [priority, setPriority] = useState<Priority>(start.priority ?? "medium");
  const [hosts, setHosts] = useState((start.allow_hosts ?? []).join(", "));
  const [headers, setHeaders] = useState("");
  const [notBefore, setNotBefore] = useState("");
  const [again, setAgain] = useState(start.again ?? false);
  const [missing, setMissing] = useState(false);
  const busy = useRef(false);
  const local = host().localFiles;
  useEffect(() => setMissing(false), [text]);

  const recipeOptions: Option<string>[] = (recipeList?.items ?? []).filter((item) => item.error === null).map((item) => ({ id: item.recipe.name, label: item.recipe.title, note: item.recipe.description }));
  const engineOptions: Option<string>[] = [
    { id: "auto", label: t("engine.auto"), note: t("engine.auto.note") },
    { id: "basic", label: t("engine.basic"), note: t("engine.basic.note") },
    ...(modelList?.items ?? []).filter((model) => model.installed || `whisper:${model.name}` === engine).map((model) => ({ id: `whisper:${model.name}`, label: `Whisper ${model.name}` })),
  ];
  const pick = async (work: Promise<string[]>) => {
    const paths = await work;
    if (paths.length > 0) setText((old) => [...(old.trim() === "" ? [] : [old.trim()]), ...paths].join("\n"));
  };
  const submit = async () => {
    const sources = sourcesOf(text);
    if (sources.length === 0) {
      setMissing(true);
      return;
    }
    if (busy.current) return;
    busy.current = true;
    const outcome = await add({
      sources,
      recipe: recipe === "" ? null : recipe,
      language: spoken,
      engine,
      priority,
      headers: headersOf(headers),
      allow_hosts: hosts.split(/[\s,]+/).filter(Boolean),
      not_before: notBefore === "" ? null : new Date(notBefore).toISOString(),
      again,
    });
    busy.current = false;
    if (outcome === null) return;
    if (outcome.refused.length === 0) closeAdd();
    else setText(outcome.refused.map((refused) => refused.source).join("\n"));
  };

  return (
    <form
      id="add-media"
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
      }}
    >
      {local && (
        <div className={css.pickers}>
          <Button icon={<FolderOpen size={15} aria-hidden />} onPress={() => void pick(host().pickFiles())}>{t("add.files")}</Button>
          <Button icon={<FolderPlus size={15} aria-hidden />} onPress={() => void pick(host().pickFolder())}>{t("add.folder")}</Button>
        </div>
      )}
      <TextBox label={t("add.sources")} value={text} onChange={setText} rows={4} placeholder={t("add.sources.example")} description={local ? t("add.sources.note") : t("add.sources.browser")} error={missing ? t("add.sources.missing") : undefined} autoFocus />
      <div className={css.options}>
        <Choice label={t("add.recipe")} options={recipeOptions} value={recipe === "" ? (settings?.recipe ?? "transcribe") : recipe} onChange={setRecipe} />
        <Choice label={t("add.language")} options={LANGUAGES.map((code) => ({ id: code, label: code === "auto" ? t("add.language.auto") : languageName(language, code) }))} value={spoken} onChange={setSpoken} />
        <Choice label={t("add.engine")} options={engineOptions} value={engine} onChange={setEngine} />
        <Choice label={t("add.priority")} options={PRIORITIES.map((id) => ({ id, label: t(`priority.${id}`) }))} value={priority} onChange={setPriority} />
      </div>
      <Disclosure className={css.more ?? ""}>
        <Heading className={css.heading ?? ""}>
          <AriaButton slot="trigger" className={css.trigger ?? ""}>{t("add.more")}</AriaButton>
        </Heading>
        <DisclosurePanel className={css.panel ?? ""}>
          <TextBox label={t("add.hosts")} value={hosts} onChange={setHosts} placeholder="localhost, 192.168.1.10" description={t("add.hosts.note")} />
          <TextBox label={t("add.headers")} value={headers} onChange={setHeaders} rows={2} placeholder="Referer: https://…" description={t("add.headers.note")} />
          <label className={css.when}>
            <span>{t("add.not_before")}</span>
            <input type="datetime-local" value={notBefore} onChange={(event) => setNotBefore(event.target.value)} />
          </label>
          <label className={css.check}>
            <input type="checkbox" checked={again} onChange={(event) => setAgain(event.target.checked)} />
            {t("add.again")}
          </label>
        </DisclosurePanel>
      </Disclosure>
    </form>
  );
}
