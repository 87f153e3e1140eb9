/**
 * The commands that keys, the palette and the settings name: their titles and their keys, the user's own before the
 * usual ones. Invariant: a chord is written one way only (`Ctrl+Alt+Shift+Key`), so that equal chords are equal texts.
 */
import type { Settings } from "../api/generated/Settings";
import type { Key } from "../messages";

export type CommandId =
  | "add" | "sample" | "palette" | "sheet" | "activity" | "library" | "search" | "settings" | "pause" | "retry_failed" | "show_failed"
  | "theme" | "density" | "models" | "shortcuts" | "doctor";

export type Described = { id: CommandId; title: Key; keys: string };

export const COMMANDS: readonly Described[] = [
  { id: "add", title: "command.add", keys: "Ctrl+O" },
  { id: "palette", title: "command.palette", keys: "Ctrl+K" },
  { id: "activity", title: "command.activity", keys: "Ctrl+1" },
  { id: "library", title: "command.library", keys: "Ctrl+2" },
  { id: "search", title: "command.search", keys: "Ctrl+Shift+F" },
  { id: "pause", title: "command.pause", keys: "Ctrl+Shift+P" },
  { id: "retry_failed", title: "command.retry_failed", keys: "" },
  { id: "show_failed", title: "command.show_failed", keys: "" },
  { id: "settings", title: "command.settings", keys: "Ctrl+," },
  { id: "models", title: "command.models", keys: "" },
  { id: "doctor", title: "command.doctor", keys: "" },
  { id: "shortcuts", title: "command.shortcuts", keys: "" },
  { id: "theme", title: "command.theme", keys: "" },
  { id: "density", title: "command.density", keys: "" },
  { id: "sample", title: "command.sample", keys: "" },
  { id: "sheet", title: "command.sheet", keys: "?" },
];

/** Keys that belong to a page and are always the same. */
export const FIXED: readonly { keys: string; title: Key }[] = [
  { keys: "Ctrl+V", title: "keys.paste" },
  { keys: "Up · Down · Enter", title: "keys.rows" },
  { keys: "Space · Ctrl+A", title: "keys.select" },
  { keys: "Alt+Up · Alt+Down", title: "keys.move" },
  { keys: "Delete", title: "keys.cancel" },
  { keys: "Space · K", title: "keys.play" },
  { keys: "J · L", title: "keys.speed" },
  { keys: "Left · Right", title: "keys.second" },
  { keys: "Alt+Left · Alt+Right", title: "keys.half" },
  { keys: ", · .", title: "keys.frame" },
  { keys: "Ctrl+F · F3", title: "keys.find" },
  { keys: "Ctrl+G", title: "keys.now" },
  { keys: "Ctrl+H", title: "keys.replace" },
  { keys: "F2 · Ctrl+Z · Ctrl+Y", title: "keys.edit" },
  { keys: "I · O", title: "keys.edges" },
  { keys: "R", title: "keys.repeat" },
  { keys: "Ctrl+E", title: "keys.export" },
];

/** Keys of the pages that a command may not take, since the page would hear both. */
const TAKEN = new Set(["Ctrl+V", "Ctrl+C", "Ctrl+X", "Ctrl+A", "Ctrl+Z", "Ctrl+F", "Ctrl+G", "Ctrl+E", "Ctrl+H", "Ctrl+Y", "Ctrl+Shift+Z", "F2", "F3", "I", "O", "R", "Space", "Enter", "Escape", "Tab", "K", "J", "L", ",", ".", "Delete"]);

/** Each command's keys as they hold now; empty for none. */
export function keysOf(own: Settings["shortcuts"]): Map<CommandId, string> {
  return new Map(COMMANDS.map(({ id, keys }) => [id, own[id] ?? keys]));
}

/** What else a chord is used for: a command, or a page. */
export function conflictsOf(keys: Map<CommandId, string>, id: CommandId): CommandId[] | "page" {
  const chord = keys.get(id) ?? "";
  if (chord === "") return [];
  if (TAKEN.has(chord)) return "page";
  return [...keys].filter(([other, theirs]) => other !== id && theirs === chord).map(([other]) => other);
}

const NAMES: Record<string, string> = { " ": "Space", ArrowUp: "Up", ArrowDown: "Down", ArrowLeft: "Left", ArrowRight: "Right" };

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** The chord a key press makes; null while only modifiers are held. */
export function chordOf(event: Pressed): string | null {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph", "Dead", "Process", "Unidentified"].includes(event.key)) return null;
  const letter = event.key.length === 1 && event.key.toLowerCase() !== event.key.toUpperCase();
  const name = NAMES[event.key] ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  // Of a sign such as "?" Shift is a part, on some keyboards and not on others.
  const shift = event.shiftKey && (letter || event.key.length > 1 || event.key === " ");
  return [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : "", shift ? "Shift" : "", name].filter(Boolean).join("+");
}

/** Whether a chord may be heard while the user types a text: only with Ctrl or Alt, or a function key. */
export const heardWhileTyping = (chord: string): boolean => /^(Ctrl|Alt)\+/.test(chord) || /^(Shift\+)?F\d+$/.test(chord);
