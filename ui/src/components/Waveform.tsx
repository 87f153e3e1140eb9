/**
 * A sound's shape as a slider through time. Two canvases, the played one clipped, so that a moving time costs one
 * style change and no drawing. Without peaks it is a plain bar.
 */
import { type PointerEvent, useEffect, useImperativeHandle, useRef, useState, type Ref } from "react";
import css from "./Waveform.module.css";

export type WaveformHandle = { setTime: (time: number) => void };
export type Strip = { src: string; count: number; width: number; height: number };

type Props = {
  label: string;
  duration: number;
  /** 0 to 255, evenly spread over the duration. */
  peaks: readonly number[] | null;
  strip: Strip | null;
  clock: (seconds: number) => string;
  onSeek: (seconds: number) => void;
  handle: Ref<WaveformHandle>;
  tall?: boolean;
};

const BAR = 2;
const STEP = 4;

function draw(canvas: HTMLCanvasElement, peaks: readonly number[] | null, colour: string) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.scale(ratio, ratio);
  context.fillStyle = colour;
  if (peaks === null || peaks.length === 0) {
    context.beginPath();
    context.roundRect(0, height / 2 - 2, width, 4, 2);
    context.fill();
    return;
  }
  const bars = Math.max(1, Math.floor(width / STEP));
  let loudest = 1;
  for (const peak of peaks) if (peak > loudest) loudest = peak;
  context.beginPath();
  for (let bar = 0; bar < bars; bar++) {
    const from = Math.floor((bar / bars) * peaks.length);
    const to = Math.max(from + 1, Math.floor(((bar + 1) / bars) * peaks.length));
    let top = 0;
    for (let index = from; index < to; index++) top = Math.max(top, peaks[index] ?? 0);
    const size = Math.max(2, (top / loudest) * height);
    context.roundRect(bar * STEP, (height - size) / 2, BAR, size, 1);
  }
  context.fill();
}

export function Waveform({ label, duration, peaks, strip, clock, onSeek, handle, tall }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const rest = useRef<HTMLCanvasElement>(null);
  const played = useRef<HTMLCanvasElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const said = useRef(-1);
  const now = useRef(0);
  const [hover, setHover] = useState<number | null>(null);

  useEffect(() => {
    const paint = () => {
      const style = getComputedStyle(document.documentElement);
      if (rest.current !== null) draw(rest.current, peaks, style.getPropertyValue("--line-strong"));
      if (played.current !== null) draw(played.current, peaks, style.getPropertyValue("--accent"));
    };
    paint();
    const sizes = new ResizeObserver(paint);
    if (box.current !== null) sizes.observe(box.current);
    const themes = new MutationObserver(paint);
    themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
    };
  }, [peaks]);

  useImperativeHandle(
    handle,
    () => ({
      setTime(time) {
        now.current = time;
        const share = duration > 0 ? Math.min(1, Math.max(0, time / duration)) : 0;
        if (played.current !== null) played.current.style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`;
        if (head.current !== null) head.current.style.left = `${share * 100}%`;
        const whole = Math.floor(time);
        if (whole !== said.current) {
          said.current = whole;
          box.current?.setAttribute("aria-valuenow", String(whole));
          box.current?.setAttribute("aria-valuetext", clock(time));
        }
      },
    }),
    [duration, clock],
  );

  const at = (event: PointerEvent) => {
    const area = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - area.left) / area.width)) * duration;
  };
  const frame = strip !== null && hover !== null && duration > 0 ? Math.min(strip.count - 1, Math.floor((hover / duration) * strip.count)) : null;
  const share = hover === null || duration <= 0 ? 0 : hover / duration;
  return (
    <div
      ref={box}
      className={`${css.wave} ${tall ? css.tall : ""}`}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.floor(duration)}
      aria-valuenow={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        onSeek(at(event));
      }}
      onPointerMove={(event) => {
        setHover(at(event));
        if (event.buttons === 1) onSeek(at(event));
      }}
      onPointerLeave={() => setHover(null)}
      onKeyDown={(event) => {
        const to = { ArrowLeft: now.current - 5, ArrowRight: now.current + 5, PageDown: now.current - 30, PageUp: now.current + 30, Home: 0, End: duration }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        onSeek(Math.min(duration, Math.max(0, to)));
      }}
    >
      <canvas ref={rest} className={css.canvas} />
      <canvas ref={played} className={css.canvas} />
      <div ref={head} className={css.head} />
      {hover !== null && (
        <div className={css.hover} style={{ left: `clamp(${strip === null ? 24 : Math.round(strip.width / 2)}px, ${share * 100}%, calc(100% - ${strip === null ? 24 : Math.round(strip.width / 2)}px))` }}>
          {strip !== null && frame !== null && <div className={css.frame} style={{ width: strip.width, height: strip.height, backgroundImage: `url("${strip.src}")`, backgroundPosition: `${-frame * strip.width}px 0`, backgroundSize: `${strip.count * strip.width}px ${strip.height}px` }} />}
          <span>{clock(hover)}</span>
        </div>
      )}
    </div>
  );
}
