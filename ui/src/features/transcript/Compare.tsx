/** Another version beside this one, line by line, with the words that only one of them has. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Transcript } from "../../api/generated/Transcript";
import { transcript as transcriptQuery } from "../../api/queries";
import { Segmented } from "../../components/Choice";
import { VirtualList } from "../../components/VirtualList";
import { useT } from "../../messages";
import { clock } from "../../messages/values";
import { diffWords, linesBeside } from "./diff";
import type { Player } from "./player";
import css from "./Transcript.module.css";

export function Compare({ shown, otherId, otherName, name, player }: { shown: Transcript; otherId: string; otherName: string; name: string; player: Player }) {
  const t = useT();
  const { data: other } = useQuery(transcriptQuery(otherId));
  const [which, setWhich] = useState<"all" | "different">("all");
  const lines = useMemo(() => {
    if (other === undefined) return null;
    const beside = linesBeside(shown.segments, other.segments);
    return shown.segments.map((segment, index) => ({ start: segment.start, runs: diffWords(beside[index] ?? "", segment.text) }));
  }, [shown, other]);
  if (lines === null) return <div aria-busy />;
  const different = lines.filter((line) => line.runs.some((run) => run.side !== "both"));
  const rows = which === "all" ? lines : different;
  return (
    <div className={css.reader}>
      <div className={css.compareHead}>
        <span><del className={css.gone}>{otherName}</del> <ins className={css.came}>{name}</ins></span>
        <span className={css.grow} />
        <Segmented label={t("compare.which")} options={[{ id: "all", label: t("compare.all") }, { id: "different", label: t("compare.different"), count: different.length }]} value={which} onChange={setWhich} />
      </div>
      {rows.length === 0 ? (
        <p className={css.same} role="status">{t("compare.same")}</p>
      ) : (
        <VirtualList
          className={css.text}
          count={rows.length}
          estimate={56}
          rowKey={(place) => `${which}${rows[place]?.start ?? place}`}
          role="list"
          label={t("compare.label", { other: otherName })}
          tabIndex={0}
          row={(place) => {
            const line = rows[place];
            return line === undefined ? null : (
              <div role="listitem" className={`${css.segment} ${css.nobody}`} data-different={line.runs.some((run) => run.side !== "both")}>
                <button type="button" className={css.time} onClick={() => player.seek(line.start, true)} aria-label={t("transcript.play", { time: clock(line.start) })}>{clock(line.start)}</button>
                <p>
                  {line.runs.map((run, at) => (run.side === "left" ? <del key={at} className={css.gone}>{run.text} </del> : run.side === "right" ? <ins key={at} className={css.came}>{run.text} </ins> : <span key={at}>{run.text} </span>))}
                </p>
              </div>
            );
          }}
        />
      )}
    </div>
  );
}
