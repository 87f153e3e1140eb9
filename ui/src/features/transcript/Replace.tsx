/** Find and replace: with what, this one or all, and how exactly the words must match. */
import { useState } from "react";
import type { Transcript } from "../../api/generated/Transcript";
import { Button } from "../../components/Button";
import { toast } from "../../components/toast";
import { useT } from "../../messages";
import { type Editing, placeOf } from "./editing";
import type { FindOptions, Match } from "./locate";
import css from "./Transcript.module.css";

export function Replace({ find, options, onOptions, transcript, matches, current, editing, onClose }: { find: string; options: FindOptions; onOptions: (options: FindOptions) => void; transcript: Transcript; matches: readonly Match[]; current: number; editing: Editing; onClose: () => void }) {
  const t = useT();
  const [text, setText] = useState("");
  const one = () => {
    const match = matches[current];
    const segment = match === undefined ? undefined : transcript.segments[match.segment];
    if (match === undefined || segment === undefined) return;
    void editing.send((segments) => {
      const place = placeOf(segments, segment.start);
      return place < 0 ? null : [{ edit: "text", segment: place, text: segment.text.slice(0, match.from) + text + segment.text.slice(match.to) }];
    });
  };
  const all = () => {
    const count = matches.length;
    void editing.send(() => [{ edit: "replace", find: find.trim(), with: text, match_case: options.matchCase, whole_words: options.wholeWords, segment: null }]).then((stored) => {
      if (stored) toast({ tone: "plain", title: t("replace.done", { count }) });
    });
  };
  return (
    <div
      className={css.replace}
      role="group"
      aria-label={t("replace.label")}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <input
        className={css.replaceText}
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder={t("replace.with")}
        aria-label={t("replace.with")}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          if (event.ctrlKey || event.metaKey) all();
          else one();
        }}
      />
      <label className={css.check}><input type="checkbox" checked={options.matchCase} onChange={(event) => onOptions({ ...options, matchCase: event.target.checked })} />{t("replace.case")}</label>
      <label className={css.check}><input type="checkbox" checked={options.wholeWords} onChange={(event) => onOptions({ ...options, wholeWords: event.target.checked })} />{t("replace.words")}</label>
      <span className={css.grow} />
      <Button small look="quiet" isDisabled={matches.length === 0} onPress={one}>{t("replace.one")}</Button>
      <Button small isDisabled={matches.length === 0} onPress={all}>{t("replace.all", { count: matches.length })}</Button>
    </div>
  );
}
