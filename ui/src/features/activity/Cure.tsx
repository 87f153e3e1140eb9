/** The one button that cures an error, by the cure the engine names. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { call } from "../../api/call";
import type { ApiError } from "../../api/generated/ApiError";
import type { Task } from "../../api/generated/Task";
import { models } from "../../api/queries";
import { Button } from "../../components/Button";
import { toast } from "../../components/toast";
import { useT } from "../../messages";
import { useAct } from "../../state/act";
import { openAdd } from "../../state/add";
import { useChangeSettings, useSettings } from "../../state/settings";

/** The host of an address as it stands in the list of allowed hosts. */
export function hostOf(source: string): string | null {
  try {
    return new URL(source).hostname;
  } catch {
    return null;
  }
}

export function CureButton({ task, error }: { task: Task; error: ApiError }) {
  const t = useT();
  const act = useAct();
  const navigate = useNavigate();
  const client = useQueryClient();
  const settings = useSettings();
  const change = useChangeSettings();
  const source = task.input.source.type === "url" ? task.input.source.url : task.input.source.path;
  const retry = () => act(() => call("tasks.retry", { task_id: task.task_id, all_failed: false }));
  const again = { sources: [source], recipe: task.input.recipe, language: task.input.language, engine: task.input.engine, priority: task.priority };

  switch (error.cure) {
    case "allow_host": {
      const name = hostOf(source);
      if (name === null || settings === undefined) return null;
      const allow = () => {
        if (!settings.allow_hosts.includes(name)) change({ allow_hosts: [...settings.allow_hosts, name] });
        retry();
      };
      return <Button small onPress={allow}>{t("cure.allow_host", { host: name })}</Button>;
    }
    case "download_model": {
      const asked = /^whisper:(.+)$/.exec(task.input.engine)?.[1];
      const download = () =>
        act(async () => {
          const list = await client.query(models());
          const name = asked ?? list.items.find((model) => model.suggested)?.name ?? list.items[0]?.name;
          if (name === undefined) {
            await navigate({ to: "/settings", search: { part: "models" } });
            return;
          }
          await call("models.download", { name });
          toast({ tone: "plain", title: t("models.downloading", { name }) });
        });
      return (
        <>
          <Button small onPress={download}>{asked === undefined ? t("cure.download_model") : t("cure.download_this", { name: asked })}</Button>
          <Button small look="quiet" onPress={() => void navigate({ to: "/settings", search: { part: "models" } })}>{t("cure.models")}</Button>
        </>
      );
    }
    case "install_tool":
      return <Button small onPress={() => void navigate({ to: "/settings", search: { part: "doctor" } })}>{t("cure.install_tool")}</Button>;
    case "choose_another_file":
      return <Button small onPress={() => openAdd()}>{t("cure.choose_another_file")}</Button>;
    case "give_direct_link":
      return <Button small onPress={() => openAdd({ ...again, sources: [] })}>{t("cure.give_direct_link")}</Button>;
    case "choose_engine":
      return <Button small onPress={() => openAdd(again)}>{t("cure.choose_engine")}</Button>;
    case "fix_input":
      return <Button small onPress={() => openAdd(again)}>{t("cure.fix_input")}</Button>;
    case "report_bug":
      return (
        <Button small onPress={() => act(() => navigator.clipboard.writeText(`${error.code}: ${error.message}\n${error.detail ?? ""}`).then(() => toast({ tone: "plain", title: t("copied") })))}>
          {t("cure.report_bug")}
        </Button>
      );
    case "retry":
    case "check_network":
    case "free_disk":
    case "give_access":
      return <Button small onPress={retry}>{t("retry")}</Button>;
    case "update_bobina":
      return null;
  }
}
