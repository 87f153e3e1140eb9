/** What is known of a media beside its words: what it is about and which words decided, and what the file is. */
import type { Category } from "../../api/generated/Category";
import type { MediaDetail } from "../../api/generated/MediaDetail";
import { isKey, useLanguage, useT } from "../../messages";
import { bytes, clock, languageName, moment } from "../../messages/values";
import type { Player } from "./player";
import { Shelving } from "./Shelving";
import css from "./Transcript.module.css";

export function Facts({ detail, player }: { detail: MediaDetail; player: Player }) {
  return (
    <>
      {detail.categories.length > 0 && <Categories categories={detail.categories} player={player} />}
      <FileFacts detail={detail} />
      <Shelving detail={detail} />
    </>
  );
}

function Categories({ categories, player }: { categories: Category[]; player: Player }) {
  const t = useT();
  const best = [...Map.groupBy(categories, (category) => category.axis)];
  return (
    <dl className={css.facts} aria-label={t("facts.categories")}>
      {best.map(([axis, list]) => {
        const key = `axis.${axis}`;
        return (
          <div key={axis}>
            <dt>{isKey(key) ? t(key) : axis}</dt>
            <dd>
              {list.slice(0, 3).map((category) => (
                <div key={category.label} className={css.category}>
                  <b>{category.label.replaceAll("_", " ")}</b>
                  {category.evidence.slice(0, 3).map((evidence) => (
                    <button key={evidence.phrase} type="button" className={css.evidence} onClick={() => player.seek(evidence.first_at, true)} title={t("facts.evidence", { count: evidence.count })}>
                      <time>{clock(evidence.first_at)}</time> {evidence.phrase}
                    </button>
                  ))}
                </div>
              ))}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function FileFacts({ detail }: { detail: MediaDetail }) {
  const t = useT();
  const language = useLanguage();
  const { item, info } = detail;
  const number = (value: number, digits = 1) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  const picture = info?.width != null && info.height != null ? `${info.width}×${info.height}${info.frame_rate !== null && item.kind === "video" ? `, ${number(info.frame_rate, 2)} fps` : ""}` : null;
  const rows: [string, string | null][] = [
    [t("facts.picture"), picture],
    [t("facts.codecs"), info === null ? null : info.streams.map((stream) => stream.codec).join(" / ")],
    [t("facts.loudness"), info?.loudness == null ? null : `${number(info.loudness)} LUFS`],
    [t("library.size"), bytes(language, item.size)],
    [t("library.language"), item.language === null ? null : languageName(language, item.language)],
    [t("library.added"), moment(language, item.added_at)],
  ];
  return (
    <dl className={css.facts} aria-label={t("facts.file")}>
      {rows.map(([name, value]) =>
        value === null || value === "" ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
      <div>
        <dt>{t("facts.source")}</dt>
        <dd className={css.sources}>
          {(detail.sources.length > 0 ? detail.sources : [item.source]).map((source) => (
            <code key={source} title={source}>{source}</code>
          ))}
          {item.missing && <span className={css.missing}>{t("library.missing")}</span>}
        </dd>
      </div>
    </dl>
  );
}
