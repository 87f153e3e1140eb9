/** What arrives from outside the page: dropped files and links, pasted ones. It is queued at once with the usual recipe. */
import { useNavigate } from "@tanstack/react-router";
import { FileDown } from "lucide-react";
import { useEffect, useState } from "react";
import { host } from "../api/call";
import { useT } from "../messages";
import { openAdd, sourcesOf, useAdd } from "../state/add";
import css from "./Shell.module.css";

const LINK = /^https?:\/\/\S+$/;

/** The lines of a text that can only be meant as sources. */
function certain(text: string): string[] {
  const lines = sourcesOf(text);
  return lines.length > 0 && lines.every((line) => LINK.test(line)) ? lines : [];
}

export function Incoming() {
  const t = useT();
  const add = useAdd();
  const navigate = useNavigate();
  const [over, setOver] = useState(false);

  useEffect(
    () =>
      host().onDrop((signal) => {
        setOver(signal.type === "over");
        if (signal.type === "drop" && signal.paths.length > 0) void add({ sources: signal.paths });
      }),
    [add],
  );

  useEffect(
    () =>
      host().onOpen((opened) => {
        if (opened.type === "add") openAdd({ sources: opened.sources });
        else if (opened.type === "media") void navigate({ to: "/library/$mediaId", params: { mediaId: opened.media_id }, search: { t: opened.at ?? undefined, find: undefined } });
        else void navigate({ to: "/activity", search: { status: undefined } });
      }),
    [navigate],
  );

  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const target = event.target;
      if (target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA)$/.test(target.tagName))) return;
      const sources = certain(event.clipboardData?.getData("text/plain") ?? "");
      if (sources.length > 0) void add({ sources });
    };
    // In a browser a drop carries links but no paths of files: those open the dialog, which says what to do.
    const onDrag = (event: DragEvent) => {
      if (event.dataTransfer === null) return;
      event.preventDefault();
      setOver(event.type !== "dragleave" || event.relatedTarget !== null);
    };
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const sources = certain(event.dataTransfer?.getData("text/uri-list") ?? event.dataTransfer?.getData("text/plain") ?? "");
      if (sources.length > 0) void add({ sources });
      else if ((event.dataTransfer?.files.length ?? 0) > 0) openAdd();
    };
    window.addEventListener("paste", onPaste);
    if (!host().localFiles) {
      window.addEventListener("dragover", onDrag);
      window.addEventListener("dragleave", onDrag);
      window.addEventListener("drop", onDrop);
    }
    return () => {
      window.removeEventListener("paste", onPaste);
      window.removeEventListener("dragover", onDrag);
      window.removeEventListener("dragleave", onDrag);
      window.removeEventListener("drop", onDrop);
    };
  }, [add]);

  if (!over) return null;
  return (
    <div className={css.veil} aria-hidden>
      <div className={css.target}>
        <FileDown size={40} strokeWidth={1.4} />
        <b>{t("drop.veil")}</b>
        <span>{host().localFiles ? t("drop.veil.note") : t("drop.veil.browser")}</span>
      </div>
    </div>
  );
}
