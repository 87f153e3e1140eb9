/** One media: its picture or sound, what was said in it, and ways to find, play and take it away. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, Download, RefreshCw } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import type { MediaDetail } from "../../api/generated/MediaDetail";
import type { Transcript } from "../../api/generated/Transcript";
import { asApiError } from "../../api/host";
import { media, transcript as transcriptQuery } from "../../api/queries";
import { Button, IconButton } from "../../components/Button";
import { Choice } from "../../components/Choice";
import { Empty } from "../../components/Empty";
import { SearchBox } from "../../components/Field";
import { errorText, useLanguage, useT } from "../../messages";
import { moment } from "../../messages/values";
import { openAdd } from "../../state/add";
import { useMediaUrl } from "../../state/media";
import { Compare } from "./Compare";
import { type Editing, useEditing } from "./editing";
import { ExportDialog } from "./ExportDialog";
import { Facts } from "./Facts";
import { findAll, type FindOptions, type Match } from "./locate";
import { type Player, usePlayer } from "./player";
import { PlayerBar } from "./PlayerBar";
import { Reader, type ReaderHandle } from "./Reader";
import { Replace } from "./Replace";
import { Speakers, speakersOf } from "./Speakers";
import { Tools, useDoubts, versionName } from "./Tools";
import { useTranscriptKeys } from "./keys";
import css from "./Transcript.module.css";

export function TranscriptPage() {
  const { mediaId } = useParams({ from: "/library/$mediaId" });
  const language = useLanguage();
  const t = useT();
  const { data, error } = useQuery(media(mediaId));
  if (error !== null && data === undefined) {
    const text = errorText(language, asApiError(error));
    return (
      <Empty title={text.title} actions={<Link to="/library" search={{ q: undefined }} className={css.back}>{t("nav.library")}</Link>}>
        {text.cure}
      </Empty>
    );
  }
  return data === undefined ? <div aria-busy /> : <Opened key={mediaId} detail={data} />;
}

const NO_MATCHES: Match[] = [];

function Opened({ detail }: { detail: MediaDetail }) {
  const t = useT();
  const language = useLanguage();
  const search = useSearch({ from: "/library/$mediaId" });
  const { item } = detail;
  const newest = detail.transcripts.find((one) => !one.complete) ?? detail.transcripts.find((one) => one.transcript_id === item.transcript_id) ?? detail.transcripts[0];
  const [chosen, setChosen] = useState<string | null>(null);
  const id = chosen ?? newest?.transcript_id ?? null;
  const { data: transcript } = useQuery({ ...transcriptQuery(id ?? ""), enabled: id !== null });
  const player = usePlayer();
  const reader = useRef<ReaderHandle>(null);
  const box = useRef<HTMLInputElement>(null);
  const [isExport, setExport] = useState(false);
  const [find, setFind] = useState(search.find ?? "");
  const words = useDeferredValue(find);
  const [options, setOptions] = useState<FindOptions>({ matchCase: false, wholeWords: false });
  const matches = useMemo(() => (transcript === undefined ? NO_MATCHES : findAll(transcript.segments, words, options)), [transcript, words, options]);
  const editing = useEditing(transcript, setChosen);
  const [panel, setPanel] = useState<"none" | "replace" | "speakers">("none");
  const [compared, setCompared] = useState<string | null>(null);
  const [doubts, setDoubts] = useDoubts();
  const speakers = useMemo(() => speakersOf(transcript?.segments ?? []).flatMap(([name]) => (name === "" ? [] : [name])), [transcript]);
  const [current, setCurrent] = useState(0);

  useEffect(() => {
    if (search.t !== undefined) player.seek(search.t);
  }, [search.t, player]);
  // The first match shown is the one nearest to where the page was opened.
  const started = useRef(false);
  const sought = useRef("");
  useEffect(() => {
    if (matches.length === 0) {
      setCurrent(0);
      return;
    }
    if (!started.current && search.t !== undefined && transcript !== undefined) {
      started.current = true;
      const from = search.t;
      const near = matches.findIndex((match) => (transcript.segments[match.segment]?.end ?? 0) >= from);
      setCurrent(Math.max(0, near));
      return;
    }
    started.current = true;
    // Other words begin at the first; an edit of the text leaves the place in it.
    if (sought.current === words) {
      setCurrent((now) => Math.min(now, matches.length - 1));
      return;
    }
    sought.current = words;
    setCurrent(0);
    const first = matches[0];
    if (first !== undefined) reader.current?.show(first.segment);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only other matches begin anew
  }, [matches]);
  const go = useCallback(
    (step: 1 | -1) => {
      if (matches.length === 0) return;
      const next = (current + step + matches.length) % matches.length;
      setCurrent(next);
      const match = matches[next];
      if (match !== undefined) reader.current?.show(match.segment);
    },
    [matches, current],
  );

  useTranscriptKeys({ player, frame: 1 / (detail.info?.frame_rate ?? 25), reader, box, go, editing, transcript, onReplace: () => setPanel("replace"), onExport: id === null ? null : () => setExport(true) });
  const versions = detail.transcripts;
  const other = versions.find((one) => one.transcript_id === compared && one.transcript_id !== id);
  const mine = versions.find((one) => one.transcript_id === id);

  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1 className={css.crumb}>
          <Link to="/library" search={{ q: undefined }}>{t("nav.library")}</Link>
          <span aria-hidden>/</span>
          <b title={item.title}>{item.title}</b>
        </h1>
        <div className={css.grow} />
        {transcript !== undefined && transcript.segments.length > 0 && (
          <div className={css.find} role="search">
            <SearchBox
              label={t("find.label")}
              placeholder={`${t("find.label")}  Ctrl F`}
              value={find}
              onChange={setFind}
              clearLabel={t("clear")}
              inputRef={box}
              note={words.trim() === "" ? null : <span role="status">{matches.length === 0 ? t("find.none") : t("find.count", { at: current + 1, count: matches.length })}</span>}
              onKeyDown={(event) => {
                if (event.key === "Enter") {
                  event.preventDefault();
                  go(event.shiftKey ? -1 : 1);
                }
              }}
            />
            {matches.length > 0 && (
              <>
                <IconButton label={t("find.previous")} onPress={() => go(-1)}>
                  <ChevronUp size={16} aria-hidden />
                </IconButton>
                <IconButton label={t("find.next")} onPress={() => go(1)}>
                  <ChevronDown size={16} aria-hidden />
                </IconButton>
              </>
            )}
          </div>
        )}
        {versions.length > 1 && id !== null && (
          <Choice hideLabel label={t("transcript.version")} options={versions.map((one) => ({ id: one.transcript_id, label: versionName(t, one), note: moment(language, one.created_at) }))} value={id} onChange={setChosen} />
        )}
        {versions.length === 1 && mine !== undefined && <span className={css.engine}>{versionName(t, mine)}</span>}
        {transcript !== undefined && <Tools detail={detail} transcript={transcript} editing={editing} doubts={doubts} onDoubts={setDoubts} compared={other?.transcript_id ?? null} onCompare={setCompared} onSpeakers={() => setPanel("speakers")} onReplace={() => setPanel("replace")} onRemoved={() => setChosen(null)} />}
        <IconButton label={t("transcript.again")} onPress={() => openAdd({ sources: [item.source], again: true })}>
          <RefreshCw size={15} aria-hidden />
        </IconButton>
        {id !== null && (
          <Button look="primary" icon={<Download size={15} aria-hidden />} onPress={() => setExport(true)}>{t("export.button")}</Button>
        )}
      </header>
      {panel === "replace" && transcript !== undefined && (
        <Replace
          find={words}
          options={options}
          onOptions={setOptions}
          transcript={transcript}
          matches={matches}
          current={current}
          editing={editing}
          onClose={() => {
            setPanel("none");
            setOptions({ matchCase: false, wholeWords: false });
          }}
        />
      )}
      <div className={css.split}>
        <aside className={css.side} aria-label={t("facts.label")} tabIndex={0}>
          <Stage detail={detail} player={player} />
          <Facts detail={detail} player={player} />
        </aside>
        {other !== undefined && mine !== undefined && transcript !== undefined ? (
          <Compare shown={transcript} name={versionName(t, mine)} otherId={other.transcript_id} otherName={versionName(t, other)} player={player} />
        ) : (
          <Words detail={detail} id={id} transcript={transcript} player={player} matches={matches} current={current} reader={reader} editing={editing} speakers={speakers} doubts={doubts} />
        )}
      </div>
      {item.kind !== "image" && <PlayerBar item={item} player={player} />}
      {transcript !== undefined && <Speakers segments={transcript.segments} editing={editing} isOpen={panel === "speakers"} onClose={() => setPanel("none")} />}
      {id !== null && <ExportDialog id={id} isOpen={isExport} onClose={() => setExport(false)} />}
    </div>
  );
}

/** The picture, the film, or a sign that there is only sound. */
function Stage({ detail, player }: { detail: MediaDetail; player: Player }) {
  const t = useT();
  const address = useMediaUrl();
  const { item } = detail;
  const file = address(item.file);
  if (file === null) return <div className={css.stage} />;
  if (item.kind === "image") return <img className={css.picture} src={file} alt={item.title} />;
  return (
    <div className={item.kind === "audio" ? css.sound : css.stage}>
      {item.kind === "audio" ? (
        <audio ref={player.attach} src={file} preload="metadata" />
      ) : (
        // Captions stand beside the film as its transcript.
        <video ref={player.attach} src={file} poster={address(item.poster) ?? undefined} preload="metadata" playsInline onClick={() => player.toggle()} />
      )}
      {player.failed && (
        <p className={css.cannot} role="alert">
          <b>{item.missing ? t("library.missing") : t("player.failed")}</b>
          <span>{item.missing ? t("player.missing.note") : t("player.failed.note")}</span>
        </p>
      )}
    </div>
  );
}

type WordsProps = { detail: MediaDetail; id: string | null; transcript: Transcript | undefined; player: Player; matches: Match[]; current: number; reader: React.Ref<ReaderHandle>; editing: Editing; speakers: readonly string[]; doubts: boolean };

function Words({ detail, id, transcript, player, matches, current, reader, editing, speakers, doubts }: WordsProps) {
  const t = useT();
  const { item, info } = detail;
  if (id === null) {
    if (item.kind === "image" || info?.has_audio === false) return <Empty title={t("note.no_audio")}>{t("note.no_audio.text")}</Empty>;
    return (
      <Empty title={t("transcript.none")} actions={<Button look="primary" onPress={() => openAdd({ sources: [item.source], recipe: "transcribe" })}>{t("transcript.make")}</Button>}>
        {t("transcript.none.note")}
      </Empty>
    );
  }
  if (transcript === undefined) return <div aria-busy />;
  if (transcript.segments.length === 0 && transcript.complete) return <Empty title={t("note.no_speech")}>{t("note.no_speech.text")}</Empty>;
  // The first edit makes another version of the same lines: the page stays where it is.
  return <Reader key={transcript.parent ?? transcript.transcript_id} transcript={transcript} player={player} matches={matches} current={current} handle={reader} editing={editing} speakers={speakers} doubts={doubts} />;
}
