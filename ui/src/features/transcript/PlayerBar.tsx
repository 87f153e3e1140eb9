/** The bar under the text: play, time, the waveform with frames on hover, length, speed. */
import { useQuery } from "@tanstack/react-query";
import { Pause, Play } from "lucide-react";
import { type RefObject, useEffect, useRef } from "react";
import { Button as AriaButton } from "react-aria-components";
import type { MediaItem } from "../../api/generated/MediaItem";
import { Choice } from "../../components/Choice";
import { Waveform, type WaveformHandle } from "../../components/Waveform";
import { useLanguage, useT } from "../../messages";
import { clock } from "../../messages/values";
import { useMediaUrl } from "../../state/media";
import { type Player, RATES } from "./player";
import css from "./Transcript.module.css";

type Peaks = { version: number; per_second: number; peaks: number[] };

/** The peaks the engine made; without them the bar is plain. */
function usePeaks(address: string | null) {
  return useQuery({
    queryKey: ["peaks", address],
    enabled: address !== null,
    retry: false,
    queryFn: async () => {
      const answer = await fetch(address ?? "");
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      return ((await answer.json()) as Peaks).peaks;
    },
  }).data;
}

export function PlayerBar({ item, player }: { item: MediaItem; player: Player }) {
  const t = useT();
  const language = useLanguage();
  const address = useMediaUrl();
  const peaks = usePeaks(address(item.waveform));
  const wave = useRef<WaveformHandle>(null);
  const time: RefObject<HTMLTimeElement | null> = useRef(null);
  useEffect(
    () =>
      player.onTime((now) => {
        wave.current?.setTime(now);
        const text = clock(now);
        if (time.current !== null && time.current.textContent !== text) time.current.textContent = text;
      }),
    [player, peaks],
  );
  const strip = address(item.filmstrip?.path);
  const duration = player.duration || item.duration;
  return (
    <div className={css.player} role="group" aria-label={t("player.label")}>
      <AriaButton className={css.play ?? ""} onPress={() => player.toggle()} aria-label={player.playing ? t("pause") : t("player.play")}>
        {player.playing ? <Pause size={17} fill="currentColor" strokeWidth={0} aria-hidden /> : <Play size={17} fill="currentColor" strokeWidth={0} aria-hidden />}
      </AriaButton>
      <time ref={time} className={css.clock}>0:00</time>
      <Waveform handle={wave} label={t("player.seek")} duration={duration} peaks={peaks ?? null} strip={strip === null || item.filmstrip === null ? null : { src: strip, count: item.filmstrip.count, width: item.filmstrip.width, height: item.filmstrip.height }} clock={clock} onSeek={(to) => player.seek(to)} />
      <time className={css.clock}>{clock(duration)}</time>
      <Choice hideLabel label={t("player.speed")} options={RATES.map((rate) => ({ id: String(rate), label: `${new Intl.NumberFormat(language).format(rate)}×` }))} value={String(player.rate)} onChange={(rate) => player.setRate(Number(rate))} />
    </div>
  );
}
