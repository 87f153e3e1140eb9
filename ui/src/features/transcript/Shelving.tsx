/** A media's place in the library: its tags, finding its file again, taking it out. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { X } from "lucide-react";
import { useState } from "react";
import { call, host } from "../../api/call";
import type { MediaDetail } from "../../api/generated/MediaDetail";
import { media } from "../../api/queries";
import { Button } from "../../components/Button";
import { toast } from "../../components/toast";
import { useT } from "../../messages";
import { useAct } from "../../state/act";
import css from "./Transcript.module.css";

export function Shelving({ detail }: { detail: MediaDetail }) {
  const t = useT();
  const act = useAct();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [tag, setTag] = useState("");
  const { item } = detail;
  const media_ids = [item.media_id];
  const change = (add: string[], remove: string[]) =>
    act(async () => {
      await call("library.tag", { media_ids, add, remove });
      setTag("");
      await client.invalidateQueries({ queryKey: media(item.media_id).queryKey });
    });
  const remove = () =>
    act(async () => {
      await call("library.remove", { media_ids });
      await navigate({ to: "/library", search: { q: undefined } });
      toast({ tone: "plain", title: t("remove.done", { title: item.title }), text: t("remove.note"), action: { label: t("edit.undo"), run: () => act(() => call("library.restore", { media_ids })) } });
    });
  const find = () =>
    act(async () => {
      const [path] = await host().pickFiles();
      if (path !== undefined) client.setQueryData(media(item.media_id).queryKey, await call("library.find_file", { media_id: item.media_id, path }));
    });
  return (
    <div className={css.shelving}>
      <ul className={css.tags} aria-label={t("tags.label")}>
        {item.tags.map((one) => (
          <li key={one} className={css.tag}>
            {one}
            <button type="button" aria-label={t("tags.remove", { tag: one })} onClick={() => change([], [one])}><X size={11} aria-hidden /></button>
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (tag.trim() !== "") change([tag], []);
        }}
      >
        <input className={css.editSpeaker} value={tag} maxLength={60} placeholder={t("tags.add")} aria-label={t("tags.add")} onChange={(event) => setTag(event.target.value)} />
      </form>
      <div className={css.tools}>
        {item.missing && host().localFiles && <Button small onPress={find}>{t("find_file.button")}</Button>}
        <Button small look="quiet" onPress={remove}>{t("remove.button")}</Button>
      </div>
    </div>
  );
}
