/**
 * Every sentence of the screens, in three languages. A key that English has and another language lacks, or that no
 * catalogue has, fails the type check and `npm run check`.
 */
import { createContext, useContext } from "react";
import errors from "../../../assets/messages/errors.json";
import en from "./en.json";
import es from "./es.json";
import { format, type Values } from "./format";
import pt from "./pt-BR.json";

export type Language = "en" | "pt-BR" | "es";
export type Key = keyof typeof en;
export type Translate = (key: Key, values?: Values) => string;

const catalogues: Record<Language, Record<Key, string>> = { en, "pt-BR": pt, es };
export const languages: readonly Language[] = ["en", "pt-BR", "es"];

/** The language of a setting; `system` follows what the system asks for, English when it is none of ours. */
export function languageOf(setting: string, wanted: readonly string[] = navigator.languages): Language {
  if ((languages as readonly string[]).includes(setting)) return setting as Language;
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0];
    if (base === "pt") return "pt-BR";
    if (base === "en" || base === "es") return base;
  }
  return "en";
}

export function translator(language: Language): Translate {
  return (key, values) => format(language, catalogues[language][key], values);
}

export const LanguageContext = createContext<Language>("en");
const translators: Record<Language, Translate> = { en: translator("en"), "pt-BR": translator("pt-BR"), es: translator("es") };

export function useLanguage(): Language {
  return useContext(LanguageContext);
}
export function useT(): Translate {
  return translators[useContext(LanguageContext)];
}

/** Whether a key exists, for words that come from outside (a step's kind, a category's axis). */
export function isKey(key: string): key is Key {
  return Object.hasOwn(en, key);
}

type Catalogue = Record<string, Record<Language, { title: string; cure: string }>>;

/** What went wrong and what helps, in the user's language; an unknown code keeps the engine's own sentence. */
export function errorText(language: Language, error: { code: string; message: string }): { title: string; cure: string } {
  const known = (errors as Catalogue)[error.code];
  return known === undefined ? { title: error.message, cure: "" } : known[language];
}
