/** What will not be tried again by itself, grouped by reason, each group with the act that cures it. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../../api/call";
import type { DeadLetter } from "../../api/generated/DeadLetter";
import { deadLetters } from "../../api/queries";
import { Button } from "../../components/Button";
import { errorText, useLanguage, useT } from "../../messages";
import { useAct } from "../../state/act";
import { openAdd } from "../../state/add";
import { useChangeSettings, useSettings } from "../../state/settings";
import css from "./Activity.module.css";
import { useBulk } from "./BulkBar";
import { hostOf } from "./Cure";

/** Names shown of a group before it is unfolded. */
const SHOWN = 3;

export function DeadLetters() {
  const t = useT();
  const { data } = useQuery(deadLetters());
  const groups = [...Map.groupBy(data?.items ?? [], (letter) => letter.error.code)];
  if (groups.length === 0) return null;
  return (
    <section className={css.letters} aria-label={t("dead.label")}>
      <h2 className={css.lettersTitle}>{t("dead.title", { count: data?.total ?? 0 })}</h2>
      {groups
        .sort((a, b) => b[1].length - a[1].length)
        .map(([code, letters]) => (
          <Group key={code} letters={letters} />
        ))}
    </section>
  );
}

function Group({ letters }: { letters: DeadLetter[] }) {
  const t = useT();
  const language = useLanguage();
  const bulk = useBulk();
  const [all, setAll] = useState(false);
  const first = letters[0];
  if (first === undefined) return null;
  const text = errorText(language, first.error);
  const ids = [...new Set(letters.map((letter) => letter.task_id))];
  const names = [...new Set(letters.map((letter) => letter.title))];
  return (
    <div className={css.letter}>
      <div className={css.letterWords}>
        <b>{text.title}</b>
        <span>{text.cure}</span>
        <span className={css.letterNames}>
          {(all ? names : names.slice(0, SHOWN)).join(", ")}
          {names.length > SHOWN && !all && (
            <button type="button" className={css.letterMore} onClick={() => setAll(true)}>{t("dead.more", { count: names.length - SHOWN })}</button>
          )}
        </span>
      </div>
      <div className={css.letterActs}>
        <GroupCure letters={letters} retry={() => bulk(ids, "retry")} />
        <Button small onPress={() => bulk(ids, "retry")}>{t("dead.retry", { count: ids.length })}</Button>
      </div>
    </div>
  );
}

/** The one act that cures the whole group; none where trying again is all there is. */
function GroupCure({ letters, retry }: { letters: DeadLetter[]; retry: () => void }) {
  const t = useT();
  const act = useAct();
  const navigate = useNavigate();
  const settings = useSettings();
  const change = useChangeSettings();
  const part = (id: string) => void navigate({ to: "/settings", search: { part: id } });
  switch (letters[0]?.error.cure) {
    case "allow_host": {
      if (settings === undefined) return null;
      const allow = () =>
        act(async () => {
          const tasks = await Promise.all([...new Set(letters.map((letter) => letter.task_id))].map((task_id) => call("tasks.get", { task_id })));
          const hosts = tasks.flatMap(({ task }) => (task.input.source.type === "url" ? [hostOf(task.input.source.url)] : [])).filter((name) => name !== null);
          change({ allow_hosts: [...new Set([...settings.allow_hosts, ...hosts])] });
          retry();
        });
      return <Button small look="primary" onPress={allow}>{t("cure.allow_hosts", { count: letters.length })}</Button>;
    }
    case "download_model":
      return <Button small look="primary" onPress={() => part("models")}>{t("cure.download_model")}</Button>;
    case "install_tool":
      return <Button small look="primary" onPress={() => part("doctor")}>{t("cure.install_tool")}</Button>;
    case "free_disk":
      return <Link to="/settings" search={{ part: "storage" }} className={css.letterMore}>{t("cure.free_disk")}</Link>;
    case "give_direct_link":
      return <Button small onPress={() => openAdd({ sources: [] })}>{t("cure.give_direct_link")}</Button>;
    case "choose_another_file":
      return <Button small onPress={() => openAdd()}>{t("cure.choose_another_file")}</Button>;
    default:
      return null;
  }
}
