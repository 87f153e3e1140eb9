/** What will not be tried again by itself, grouped by reason, each group with the act that cures it. */
import { useQuery } from "@tanstack/react-query";
import { call } from "../../api/call";
import type { DeadLetter } from "../../api/generated/DeadLetter";
import { deadLetters } from "../../api/queries";
import { Button } from "../../components/Button";
import { errorText, useLanguage, useT } from "../../messages";
import { useAct } from "../../state/act";
import css from "./Activity.module.css";

export function DeadLetters() {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const { data } = useQuery(deadLetters());
  const groups = [...Map.groupBy(data?.items ?? [], (letter) => letter.error.code)];
  if (groups.length === 0) return null;
  const retry = (letters: DeadLetter[]) =>
    act(async () => {
      for (const task_id of new Set(letters.map((letter) => letter.task_id))) await call("tasks.retry", { task_id, all_failed: false });
    });
  return (
    <section className={css.letters} aria-label={t("dead.label")}>
      {groups
        .sort((a, b) => b[1].length - a[1].length)
        .map(([code, letters]) => {
          const first = letters[0];
          if (first === undefined) return null;
          const text = errorText(language, first.error);
          return (
            <div key={code} className={css.letter}>
              <div className={css.letterWords}>
                <b>{text.title}</b>
                <span>{text.cure}</span>
              </div>
              <Button small onPress={() => retry(letters)}>{t("dead.retry", { count: letters.length })}</Button>
            </div>
          );
        })}
    </section>
  );
}
