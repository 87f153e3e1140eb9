/** What was found, by media: lit words with their times; a click or Enter opens at that second. */
import { useQuery } from "@tanstack/react-query";
import { media } from "../../api/queries";
import { Empty } from "../../components/Empty";
import { Poster } from "../../components/Poster";
import { useT } from "../../messages";
import { clock } from "../../messages/values";
import { useMediaUrl } from "../../state/media";
import { type Group, type Hits, runs } from "./hits";
import css from "./Library.module.css";

export function SearchResults({ hits, words, searching, total }: { hits: Hits; words: string; searching: boolean; total: number }) {
  const t = useT();
  if (hits.flat.length === 0) return searching ? <div className={css.grow} aria-busy /> : <Empty title={t("search.none", { words })}>{t("search.none.note")}</Empty>;
  let index = 0;
  return (
    <div className={css.results} role="region" aria-label={t("search.results")}>
      <p className="hidden-visually" role="status">{t("search.count", { count: total })}</p>
      {hits.groups.map((one) => {
        const first = index;
        index += one.hits.length;
        return <Found key={one.media_id} one={one} first={first} hits={hits} />;
      })}
    </div>
  );
}

function Found({ one, first, hits }: { one: Group; first: number; hits: Hits }) {
  const t = useT();
  const address = useMediaUrl();
  const { data } = useQuery(media(one.media_id));
  return (
    <section className={css.found} aria-label={one.title}>
      <div className={css.foundPoster}>
        <Poster src={address(data?.item.poster)} kind={data?.item.kind ?? "video"} />
      </div>
      <div className={css.foundBody}>
        <h2 title={one.title}>{one.title}</h2>
        <p className={css.faint}>{[data === undefined ? "" : clock(data.item.duration), data?.item.language ?? "", t("search.count", { count: one.hits.filter((hit) => hit.start !== null).length })].filter(Boolean).join(" · ")}</p>
        <ul>
          {one.hits.map((hit, offset) => (
            <li key={hit.key}>
              <button type="button" id={`hit-${first + offset}`} className={`${css.hit} ${hits.at === first + offset ? css.hitOn : ""}`} onClick={() => hits.open(hit)}>
                {hit.start === null ? <span className={css.faint}>{t("search.title")}</span> : <time>{clock(hit.start)}</time>}
                <span>{runs(hit.snippet).map((run, at) => (run.lit ? <mark key={at}>{run.text}</mark> : <span key={at}>{run.text}</span>))}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
