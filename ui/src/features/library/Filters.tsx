/** What narrows the library: kind, language, engine, what it is about, tags, where it stands, length, when it came; and searches with a name. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Bookmark } from "lucide-react";
import { useState } from "react";
import { call } from "../../api/call";
import type { Facet } from "../../api/generated/Facet";
import type { LibraryFilter } from "../../api/generated/LibraryFilter";
import type { MediaKind } from "../../api/generated/MediaKind";
import type { SavedQuery } from "../../api/generated/SavedQuery";
import { facets, savedSearches } from "../../api/queries";
import { Button } from "../../components/Button";
import { Choice } from "../../components/Choice";
import { Dialog } from "../../components/Dialog";
import { TextBox } from "../../components/Field";
import { Menu } from "../../components/Menu";
import { isKey, type Translate, useLanguage, useT } from "../../messages";
import { languageName } from "../../messages/values";
import { useAct } from "../../state/act";
import css from "./Library.module.css";

export type Asked = { kind: MediaKind | null; language: string | null; sort: string; filter: LibraryFilter };

export const NO_FILTER: LibraryFilter = { engine: null, tag: null, category: null, added_from: null, added_to: null, min_seconds: null, max_seconds: null, status: null };

const KINDS = ["any", "video", "audio", "image"] as const;
const SORTS = ["-added_at", "title", "-duration", "-size"] as const;
const STATUSES = ["any", "transcribed", "untranscribed", "working", "failed"] as const;
const LENGTHS = { any: [null, null], short: [null, 60], middle: [60, 600], long: [600, 3600], longest: [3600, null] } as const;
const DAYS = { any: null, day: 1, week: 7, month: 30 } as const;

/** `niche:weight_loss` as "Niche: weight loss". */
function categoryName(t: Translate, value: string): string {
  const [axis = "", label = ""] = value.split(/:(.*)/s);
  const key = `axis.${axis}`;
  return `${isKey(key) ? t(key) : axis}: ${label.replaceAll("_", " ")}`;
}

export function Filters({ asked, onChange, words, onWords }: { asked: Asked; onChange: (asked: Asked) => void; words: string; onWords: (words: string) => void }) {
  const t = useT();
  const language = useLanguage();
  const { data } = useQuery(facets());
  const { filter } = asked;
  const set = (change: Partial<LibraryFilter>) => onChange({ ...asked, filter: { ...filter, ...change } });
  const from = (list: Facet[] | undefined, name: (value: string) => string) => [{ id: "any", label: t("kind.any") }, ...(list ?? []).map((one) => ({ id: one.value, label: name(one.value), note: String(one.count) }))];
  const or = (value: string | null) => value ?? "any";
  const to = (id: string) => (id === "any" ? null : id);
  const length = (Object.keys(LENGTHS) as (keyof typeof LENGTHS)[]).find((id) => LENGTHS[id][0] === filter.min_seconds && LENGTHS[id][1] === filter.max_seconds) ?? "any";
  const [since, setSince] = useState<keyof typeof DAYS>("any");
  const isNarrowed = asked.kind !== null || asked.language !== null || Object.values(filter).some((value) => value !== null);
  return (
    <div className={css.filters}>
      <Choice hideLabel label={t("library.kind")} prefix={t("library.kind")} options={KINDS.map((id) => ({ id, label: t(`kind.${id}`) }))} value={asked.kind ?? "any"} onChange={(id) => onChange({ ...asked, kind: id === "any" ? null : id })} />
      <Choice hideLabel label={t("library.language")} prefix={t("library.language")} options={from(data?.languages, (code) => languageName(language, code))} value={or(asked.language)} onChange={(id) => onChange({ ...asked, language: to(id) })} />
      <Choice hideLabel label={t("filter.category")} prefix={t("filter.category")} options={from(data?.categories, (value) => categoryName(t, value))} value={or(filter.category)} onChange={(id) => set({ category: to(id) })} />
      <Choice hideLabel label={t("filter.tag")} prefix={t("filter.tag")} options={from(data?.tags, (value) => value)} value={or(filter.tag)} onChange={(id) => set({ tag: to(id) })} />
      <Choice hideLabel label={t("filter.status")} prefix={t("filter.status")} options={STATUSES.map((id) => ({ id, label: id === "any" ? t("kind.any") : t(`filter.status.${id}`) }))} value={(STATUSES.find((id) => id === filter.status) ?? "any")} onChange={(id) => set({ status: to(id) })} />
      <Choice hideLabel label={t("column.engine")} prefix={t("column.engine")} options={from(data?.engines, (value) => value)} value={or(filter.engine)} onChange={(id) => set({ engine: to(id) })} />
      <Choice hideLabel label={t("library.length")} prefix={t("library.length")} options={(Object.keys(LENGTHS) as (keyof typeof LENGTHS)[]).map((id) => ({ id, label: id === "any" ? t("kind.any") : t(`filter.length.${id}`) }))} value={length} onChange={(id) => set({ min_seconds: LENGTHS[id][0], max_seconds: LENGTHS[id][1] })} />
      <Choice
        hideLabel
        label={t("library.added")}
        prefix={t("library.added")}
        options={(Object.keys(DAYS) as (keyof typeof DAYS)[]).map((id) => ({ id, label: id === "any" ? t("kind.any") : t(`filter.added.${id}`) }))}
        value={filter.added_from === null ? "any" : since}
        onChange={(id) => {
          const days = DAYS[id];
          setSince(id);
          set({ added_from: days === null ? null : new Date(Date.now() - days * 86_400_000).toISOString() });
        }}
      />
      <Choice hideLabel label={t("sort.label")} prefix={t("sort.label")} options={SORTS.map((id) => ({ id, label: t(`sort.${id}`) }))} value={SORTS.find((id) => id === asked.sort) ?? "-added_at"} onChange={(sort) => onChange({ ...asked, sort })} />
      {isNarrowed && <Button small look="quiet" onPress={() => onChange({ ...asked, kind: null, language: null, filter: NO_FILTER })}>{t("filter.clear")}</Button>}
      <Saved asked={asked} words={words} onChange={onChange} onWords={onWords} />
    </div>
  );
}

function Saved({ asked, words, onChange, onWords }: { asked: Asked; words: string; onChange: (asked: Asked) => void; onWords: (words: string) => void }) {
  const t = useT();
  const act = useAct();
  const client = useQueryClient();
  const { data } = useQuery(savedSearches());
  const [name, setName] = useState<string | null>(null);
  const again = () => client.invalidateQueries({ queryKey: savedSearches().queryKey });
  const apply = (query: SavedQuery) => {
    onChange({ kind: (["video", "audio", "image"] as const).find((kind) => kind === query.kind) ?? null, language: query.language, sort: query.sort ?? "-added_at", filter: query.filter });
    onWords(query.words);
  };
  const saved = data?.items ?? [];
  const save = () => {
    if (name === null || name.trim() === "") return;
    act(async () => {
      await call("searches.save", { name, query: { words, kind: asked.kind, language: asked.language, sort: asked.sort, filter: asked.filter } });
      setName(null);
      await again();
    });
  };
  return (
    <>
      <Menu
        label={t("saved.label")}
        trigger={<Button small look="quiet" icon={<Bookmark size={14} aria-hidden />}>{t("saved.label")}</Button>}
        items={[{ id: "save", label: t("saved.save") }, ...saved.map((one) => ({ id: `use ${one.search_id}`, label: one.name })), ...saved.map((one) => ({ id: `gone ${one.search_id}`, label: t("saved.forget", { name: one.name }) }))]}
        onAction={(id) => {
          if (id === "save") setName(words);
          const [what, search_id = ""] = id.split(" ");
          const one = saved.find((search) => search.search_id === search_id);
          if (what === "use" && one !== undefined) apply(one.query);
          if (what === "gone") act(() => call("searches.remove", { search_id }).then(again));
        }}
      />
      <Dialog title={t("saved.save")} isOpen={name !== null} onClose={() => setName(null)} closeLabel={t("close")} actions={<Button look="primary" isDisabled={(name ?? "").trim() === ""} onPress={save}>{t("saved.keep")}</Button>}>
        <TextBox autoFocus label={t("saved.name")} value={name ?? ""} onChange={setName} />
      </Dialog>
    </>
  );
}
