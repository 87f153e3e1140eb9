/**
 * The one media element of the page and its clock. Listeners are called once a frame while it plays and after every
 * seek, outside of React: what follows the time changes the page by hand and renders nothing.
 */
import { useEffect, useState, useSyncExternalStore } from "react";

const RATE = "bobina.rate";
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

export class Player {
  private element: HTMLMediaElement | null = null;
  private readonly clocks = new Set<(time: number) => void>();
  private readonly watchers = new Set<() => void>();
  private frame = 0;
  private wanted: { time: number; play: boolean } | null = null;
  rate = Number(localStorage.getItem(RATE) ?? 1) || 1;
  playing = false;
  failed = false;
  duration = 0;
  /** A stretch in seconds that is played again and again. */
  loop: { start: number; end: number } | null = null;

  /** A ref for the media element. */
  readonly attach = (element: HTMLMediaElement | null): (() => void) | undefined => {
    if (element === null) return undefined;
    this.element = element;
    this.failed = false;
    const stop = new AbortController();
    const on = (name: string, run: () => void) => element.addEventListener(name, run, { signal: stop.signal });
    on("play", () => this.setPlaying(true));
    on("pause", () => this.setPlaying(false));
    on("ended", () => this.setPlaying(false));
    on("seeked", () => this.tick());
    on("timeupdate", () => this.tick());
    on("loadedmetadata", () => {
      element.playbackRate = this.rate;
      if (Number.isFinite(element.duration)) this.duration = element.duration;
      const wanted = this.wanted;
      this.wanted = null;
      if (wanted !== null) this.seek(wanted.time, wanted.play);
      this.changed();
    });
    on("error", () => {
      this.failed = true;
      this.changed();
    });
    return () => {
      stop.abort();
      cancelAnimationFrame(this.frame);
      this.playing = false;
      this.element = null;
    };
  };

  get time(): number {
    return this.wanted?.time ?? this.element?.currentTime ?? 0;
  }

  /** Goes to a second; before the media is known it is remembered. */
  seek(time: number, play = false): void {
    const element = this.element;
    if (element === null || element.readyState === 0) {
      this.wanted = { time, play };
      this.tick();
      return;
    }
    element.currentTime = Math.max(0, Math.min(time, this.duration || time));
    if (play) this.play();
    this.tick();
  }

  play(): void {
    // Refused without a gesture, or when the media cannot be played: the button then still shows "play".
    this.element?.play().catch(() => this.setPlaying(false));
  }

  toggle(): void {
    if (this.element === null) return;
    if (this.element.paused) this.play();
    else this.element.pause();
  }

  step(seconds: number): void {
    this.seek(this.time + seconds);
  }

  faster(direction: 1 | -1): void {
    const at = RATES.findIndex((rate) => rate >= this.rate);
    this.setRate(RATES[Math.max(0, Math.min(RATES.length - 1, (at < 0 ? 2 : at) + direction))] ?? 1);
  }

  setRate(rate: number): void {
    this.rate = rate;
    localStorage.setItem(RATE, String(rate));
    if (this.element !== null) this.element.playbackRate = rate;
    this.changed();
  }

  /** Plays a stretch again and again, until null or another one. */
  setLoop(loop: { start: number; end: number } | null): void {
    this.loop = loop;
    if (loop !== null && (this.time < loop.start || this.time >= loop.end)) this.seek(loop.start);
    this.changed();
  }

  onTime(clock: (time: number) => void): () => void {
    this.clocks.add(clock);
    clock(this.time);
    return () => void this.clocks.delete(clock);
  }

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => void this.watchers.delete(watcher);
  };

  private version = 0;
  readonly snapshot = (): number => this.version;

  private changed(): void {
    this.version++;
    this.watchers.forEach((watcher) => watcher());
  }

  private setPlaying(playing: boolean): void {
    this.playing = playing;
    cancelAnimationFrame(this.frame);
    if (playing) this.run();
    this.changed();
    this.tick();
  }

  private readonly run = (): void => {
    this.tick();
    if (this.playing) this.frame = requestAnimationFrame(this.run);
  };

  private tick(): void {
    const { loop } = this;
    if (loop !== null && this.playing && this.element !== null && this.element.currentTime >= loop.end) this.element.currentTime = loop.start;
    const now = this.time;
    this.clocks.forEach((clock) => clock(now));
  }
}

/** A player for this page; the component renders again when it starts, stops, fails or changes its speed. */
export function usePlayer(): Player {
  const [player] = useState(() => new Player());
  useSyncExternalStore(player.watch, player.snapshot);
  return player;
}

export { RATES };

/** Whether keys belong to a text the user is typing, or to a control that has them for itself. */
function taken(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  return event.key === " " && target.closest("button, a, [role=button], [role=option]") !== null;
}

export function usePlayerKeys(player: Player, frame: number, more: (event: KeyboardEvent) => boolean): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector('[role="dialog"]') !== null) return;
      if (more(event)) {
        event.preventDefault();
        return;
      }
      if (taken(event) || event.ctrlKey || event.metaKey) return;
      const small = event.altKey ? 0.5 : 1;
      const slider = event.target instanceof HTMLElement && event.target.getAttribute("role") === "slider";
      const keys: Record<string, () => void> = {
        " ": () => player.toggle(),
        k: () => player.toggle(),
        j: () => player.faster(-1),
        l: () => player.faster(1),
        ",": () => player.step(-frame),
        ".": () => player.step(frame),
        ...(slider ? {} : { ArrowLeft: () => player.step(-small), ArrowRight: () => player.step(small) }),
      };
      const run = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (run === undefined) return;
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [player, frame, more]);
}
