// Checks the catalogues: the same keys in every language, the same names in braces, every plural with the cases
// its language needs, every key used somewhere and every key used defined.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = new URL("../src/messages/", import.meta.url).pathname;
const source = new URL("../src/", import.meta.url).pathname;
const languages = ["en", "pt-BR", "es"];
const catalogues = Object.fromEntries(languages.map((language) => [language, JSON.parse(readFileSync(join(folder, `${language}.json`), "utf8"))]));
const faults = [];

const names = (text) => [...text.matchAll(/\{(\w+)\s*[,}]/g)].map((match) => match[1]).filter((name) => name !== "other" && name !== "one" && name !== "many").sort().join();
const keys = Object.keys(catalogues.en);
for (const language of languages) {
  const texts = catalogues[language];
  for (const key of keys) {
    const text = texts[key];
    if (typeof text !== "string" || text.trim() === "") {
      faults.push(`${language}: "${key}" is missing`);
      continue;
    }
    const unique = (list) => [...new Set(list.split(","))].join();
    if (unique(names(text)) !== unique(names(catalogues.en[key]))) faults.push(`${language}: "${key}" names ${names(text)}, English ${names(catalogues.en[key])}`);
    if (text.includes(", plural,") && !/other \{/.test(text)) faults.push(`${language}: "${key}" lacks the plural case other`);
    if (text.includes(", plural,") && !/(one|=1) \{/.test(text)) faults.push(`${language}: "${key}" lacks the plural case one`);
  }
  for (const key of Object.keys(texts)) if (!keys.includes(key)) faults.push(`${language}: "${key}" is not in English`);
}

const code = readdirSync(source, { recursive: true })
  .filter((name) => /\.tsx?$/.test(name) && !name.includes("generated"))
  .map((name) => readFileSync(join(source, name), "utf8"))
  .join("\n");
// Keys built from words of the engine, such as `step.${kind}`.
const built = [...code.matchAll(/`([a-z_.]+\.)\$\{/g)].map((match) => match[1]);
for (const key of keys) if (!code.includes(`"${key}"`) && !built.some((prefix) => key.startsWith(prefix))) faults.push(`"${key}" is used nowhere`);

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`messages: ${keys.length} keys in ${languages.length} languages`);
