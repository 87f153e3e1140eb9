/** What helps when something is wrong: a report without secrets that the user reads before giving it to anyone. */
import { FileDown } from "lucide-react";
import { call, host } from "../../api/call";
import { Button } from "../../components/Button";
import { toast } from "../../components/toast";
import { useT } from "../../messages";
import { useAct } from "../../state/act";
import css from "./Settings.module.css";

export function Diagnostics() {
  const t = useT();
  const act = useAct();
  const save = () =>
    act(async () => {
      const bundle = await call("support.bundle", {});
      if (await host().saveText(bundle.file_name, bundle.mime, bundle.content)) toast({ tone: "plain", title: t("export.saved") });
    });
  return (
    <>
      <p className={css.lead}>{t("diagnostics.lead")}</p>
      <div className={css.actions}>
        <Button icon={<FileDown size={15} aria-hidden />} onPress={save}>{t("diagnostics.bundle")}</Button>
      </div>
    </>
  );
}
