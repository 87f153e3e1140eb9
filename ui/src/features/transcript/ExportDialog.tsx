/** A transcript as a file: the format, how it will look, save or copy. */
import { useQuery } from "@tanstack/react-query";
import { Copy, Download } from "lucide-react";
import { useState } from "react";
import { host } from "../../api/call";
import { asApiError } from "../../api/host";
import { exported } from "../../api/queries";
import { Button } from "../../components/Button";
import { Segmented } from "../../components/Choice";
import { Dialog } from "../../components/Dialog";
import { toast } from "../../components/toast";
import { errorText, useLanguage, useT } from "../../messages";
import { useAct } from "../../state/act";
import css from "./Transcript.module.css";

const FORMATS = ["txt", "md", "srt", "vtt", "ass", "json", "csv"] as const;
type Format = (typeof FORMATS)[number];
const SHOWN = 6000;

export function ExportDialog({ id, isOpen, onClose }: { id: string; isOpen: boolean; onClose: () => void }) {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const [format, setFormat] = useState<Format>(() => FORMATS.find((one) => one === localStorage.getItem("bobina.export")) ?? "srt");
  const { data, error } = useQuery({ ...exported({ id, format }), enabled: isOpen });
  const choose = (next: Format) => {
    localStorage.setItem("bobina.export", next);
    setFormat(next);
  };
  const save = () => {
    if (data === undefined) return;
    act(async () => {
      if (await host().saveText(data.file_name, data.mime, data.content)) {
        toast({ tone: "plain", title: t("export.saved"), text: data.file_name });
        onClose();
      }
    });
  };
  const copy = () => {
    if (data !== undefined) act(() => navigator.clipboard.writeText(data.content).then(() => toast({ tone: "plain", title: t("copied") })));
  };
  return (
    <Dialog
      wide
      title={t("export.title")}
      isOpen={isOpen}
      onClose={onClose}
      closeLabel={t("close")}
      actions={
        <>
          <Button look="quiet" icon={<Copy size={15} aria-hidden />} isDisabled={data === undefined} onPress={copy}>{t("export.copy")}</Button>
          <Button look="primary" icon={<Download size={15} aria-hidden />} isDisabled={data === undefined} onPress={save}>{t("export.save")}</Button>
        </>
      }
    >
      <div className={css.exportHead}>
        <Segmented label={t("export.format")} options={FORMATS.map((one) => ({ id: one, label: one }))} value={format} onChange={choose} />
        <code className={css.fileName}>{data?.file_name ?? ""}</code>
      </div>
      {error !== null ? (
        <p>{errorText(language, asApiError(error)).title}</p>
      ) : (
        <pre className={css.preview} tabIndex={0} role="region" aria-label={t("export.preview")} aria-busy={data === undefined}>
          {data === undefined ? "" : data.content.length > SHOWN ? `${data.content.slice(0, SHOWN)}…` : data.content}
        </pre>
      )}
    </Dialog>
  );
}
