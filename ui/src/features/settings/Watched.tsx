/** Folders whose new files are taken in by themselves. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { FolderPlus, Trash2 } from "lucide-react";
import { useState } from "react";
import { call, host } from "../../api/call";
import { asApiError } from "../../api/host";
import { watched } from "../../api/queries";
import { Button, IconButton } from "../../components/Button";
import { TextBox } from "../../components/Field";
import { Dot } from "../../components/Progress";
import { errorText, useLanguage, useT } from "../../messages";
import { useAct } from "../../state/act";
import css from "./Settings.module.css";

export function Watched() {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const client = useQueryClient();
  const { data, error } = useQuery(watched());
  const [path, setPath] = useState("");
  const again = () => client.invalidateQueries({ queryKey: ["watch.list"] });
  const add = (folder: string) =>
    act(async () => {
      await call("watch.add", { path: folder, recipe: null, subfolders: true });
      setPath("");
      await again();
    });
  return (
    <>
      <p className={css.lead}>{error === null ? t("watch.lead") : errorText(language, asApiError(error)).title}</p>
      <ul className={css.table}>
        {(data?.items ?? []).map((folder) => (
          <li key={folder.watch_id} className={css.model}>
            <Dot tone={folder.error === null ? "done" : "failed"} />
            <div className={css.modelWords}>
              <code className={css.path} title={folder.path}>{folder.path}</code>
              <span className={css.faint}>{[folder.recipe, t("watch.taken", { count: folder.taken })].join(" · ")}</span>
              {folder.error !== null && <span className={css.bad}>{errorText(language, folder.error).title}</span>}
            </div>
            <IconButton label={t("watch.remove", { path: folder.path })} onPress={() => act(() => call("watch.remove", { watch: folder.watch_id }).then(again))}>
              <Trash2 size={15} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      {host().localFiles ? (
        <div className={css.actions}>
          <Button
            icon={<FolderPlus size={15} aria-hidden />}
            onPress={() =>
              act(async () => {
                for (const folder of await host().pickFolder()) add(folder);
              })
            }
          >
            {t("watch.add")}
          </Button>
        </div>
      ) : (
        <form
          className={css.inlineForm}
          onSubmit={(event) => {
            event.preventDefault();
            if (path.trim() !== "") add(path.trim());
          }}
        >
          <TextBox label={t("watch.path")} value={path} onChange={setPath} placeholder="/home/…" />
          <Button type="submit">{t("watch.add")}</Button>
        </form>
      )}
    </>
  );
}
