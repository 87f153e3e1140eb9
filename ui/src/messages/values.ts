/** Times, sizes and dates as people read them. */

/** `0:07`, `24:18`, `1:12:40`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = String(whole % 60).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** Decimal units, as file managers show them. */
export function bytes(language: string, size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return new Intl.NumberFormat(language, { style: "unit", unit: UNITS[unit], unitDisplay: "short", maximumFractionDigits: value < 10 && unit > 1 ? 1 : 0 }).format(value);
}

/** A length of time in its largest fitting unit: `40 sec`, `2 min`, `3.5 hr`. */
export function span(language: string, seconds: number): string {
  const [value, unit] = seconds < 60 ? [Math.max(1, Math.round(seconds)), "second"] : seconds < 5400 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 360) / 10, "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit: unit, unitDisplay: "short", maximumFractionDigits: 1 }).format(value);
}

/** A run's length, to the tenth of a second when short. */
export function took(language: string, from: string | null, to: string | null): string {
  if (from === null || to === null) return "";
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  if (seconds < 10) return new Intl.NumberFormat(language, { style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: 1 }).format(Math.max(0, seconds));
  return clock(seconds);
}

/** Today: the time; this year: day and month; else the date. */
export function moment(language: string, time: string, now: Date = new Date()): string {
  const date = new Date(time);
  if (date.toDateString() === now.toDateString()) return date.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  if (date.getFullYear() === now.getFullYear()) return date.toLocaleDateString(language, { day: "numeric", month: "short" });
  return date.toLocaleDateString(language, { day: "numeric", month: "short", year: "numeric" });
}

/** The language's own name in the user's tongue; the code where there is none. */
export function languageName(language: string, code: string): string {
  if (code === "und" || code === "") return "—";
  try {
    return new Intl.DisplayNames(language, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** What a path or an address is called: its last part, or the host. */
export function sourceName(source: string): string {
  const url = /^https?:\/\/([^/?#]+)/.exec(source);
  if (url?.[1] !== undefined) return url[1].replace(/^www\./, "");
  return source.split(/[\\/]/).filter(Boolean).pop() ?? source;
}
