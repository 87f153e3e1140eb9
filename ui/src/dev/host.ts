/**
 * A host without an engine, for screenshots of many rows and for measuring (`vite --mode demo`). Never in a build:
 * main.tsx reaches it only in that mode.
 */
import type { Event } from "../api/generated/Event";
import type { Job } from "../api/generated/Job";
import type { MediaItem } from "../api/generated/MediaItem";
import type { Settings } from "../api/generated/Settings";
import type { Task } from "../api/generated/Task";
import type { TaskStatus } from "../api/generated/TaskStatus";
import type { Transcript } from "../api/generated/Transcript";
import { CallError, type Host, type HostSignal } from "../api/host";

const query = new URLSearchParams(location.search);
const COUNT = Number(query.get("tasks") ?? 400);
const RUNNING = Number(query.get("running") ?? 6);
const SEGMENTS = Number(query.get("segments") ?? 12_000);
const STEPS = ["fetch", "probe", "poster", "filmstrip", "waveform", "transcribe", "categorize"];
const TITLES = ["The 7-second morning ritual — full VSL", "interview-marta-silva.mov", "Keto switch, long form", "ad-cut-vertical-03.mp4", "lecture-11.mp4", "Curso de violão — VSL", "podcast-ep-142.mp3", "Dog trainer webinar replay with a name that goes on for very much longer than any column will ever be", "product-demo.webm", "Hair serum advertorial cut"];
const WORDS = "E foi aí que eu percebi que não era falta de disciplina era o café da manhã errado todos os dias durante anos por isso eu dou a minha garantia pessoal de sessenta dias inteiros".split(" ");
const iso = (ago: number) => new Date(Date.now() - ago * 1000).toISOString();

function statusOf(index: number): TaskStatus {
  if (index < RUNNING) return "processing";
  if (index < RUNNING + 12) return "queued";
  return index % 17 === 0 ? "failed" : index % 41 === 0 ? "cancelled" : "completed";
}

function makeTask(index: number): Task {
  const status = statusOf(index);
  const title = TITLES[index % TITLES.length] ?? "";
  const url = index % 3 === 0;
  const code = index % 2 === 0 ? "NO_VIDEO_ON_PAGE" : "HOST_BLOCKED";
  return {
    task_id: `t${index}`, kind: "media_processing", status, paused: index === RUNNING + 3, priority: index % 9 === 0 ? "high" : "medium",
    progress: status === "completed" ? 100 : status === "processing" ? (index * 13) % 90 : 0,
    current_step: status === "processing" ? (STEPS[(index % 2) * 5] ?? null) : status === "failed" ? "fetch" : null,
    waiting: status !== "queued" ? null : index === RUNNING ? { reason: "for", code: "MODEL_MISSING", time: null } : index === RUNNING + 1 ? { reason: "until", time: iso(-900), attempt: 1 } : { reason: "lane", lane: "model", ahead: index - RUNNING },
    title: status === "failed" ? "https://offers.example/keto" : title,
    input: { source: url ? { type: "url", url: "https://www.converteai.net/vsl/7" } : { type: "file", path: `/home/ana/Videos/${title}` }, recipe: "vsl", language: "auto", engine: index % 2 ? "auto" : "whisper:small" },
    media_id: status === "completed" || index === 0 ? `m${index % 40}` : null, transcript_id: status === "completed" ? "x1" : null, note: index % 23 === 0 ? "no_speech" : null, cached: index % 11 === 0,
    error: status === "failed" ? { code, message: "no <video>, Open Graph or player was found", cure: code === "HOST_BLOCKED" ? "allow_host" : "give_direct_link" } : null,
    batch_id: null, not_before: null, created_at: iso(index * 60), updated_at: iso(index), started_at: iso(100), finished_at: status === "completed" ? iso(index * 30) : null,
    estimated_completion: status === "processing" ? iso(-120 - index * 60) : null, duration: 1458 + index, size: 41_000_000 * (index + 1),
  };
}

const tasks = Array.from({ length: COUNT }, (_, index) => makeTask(index));

function jobsOf(task: Task): Job[] {
  const at = task.current_step === null ? (task.status === "completed" ? STEPS.length : -1) : STEPS.indexOf(task.current_step);
  return STEPS.map((step, index): Job => {
    const done = index < at;
    const here = index === at;
    const failed = here && task.status === "failed";
    return {
      job_id: Number(task.task_id.slice(1)) * 10 + index, task_id: task.task_id, step, kind: step as Job["kind"], lane: "cpu",
      state: done ? "succeeded" : failed ? "dead" : here ? "running" : at < 0 && index === 0 ? "ready" : "blocked",
      progress: here ? 62 : 0, detail: step === "transcribe" && here ? "window 9 of 14" : step === "fetch" && done ? "214 segments" : null, attempts: done || here ? (failed ? 2 : 1) : 0, max_attempts: 4, run_at: null,
      engine: step === "transcribe" ? "whisper:small" : done ? "ffmpeg 5.1.9" : null, cached: false, error: failed ? task.error : null, started_at: done || here ? iso(60) : null, finished_at: done ? iso(49) : null,
      history: failed ? [1, 2].map((lease) => ({ lease, engine: null, outcome: "failed" as const, error: task.error, started_at: iso(90), finished_at: iso(80) })) : [],
    };
  });
}

const items: MediaItem[] = Array.from({ length: 40 }, (_, index) => ({
  media_id: `m${index}`, title: TITLES[index % TITLES.length] ?? "", source: index % 2 ? "/home/ana/Videos/a.mp4" : "https://offers.example/keto", kind: index % 7 === 6 ? "audio" : "video", duration: 41 + index * 333, size: 41_000_000 * (index + 1),
  width: 1920, height: 1080, transcript_id: "x1", language: ["pt", "en", "es"][index % 3] ?? "pt", engine: "whisper:small", tags: index % 5 ? [] : ["swipe file"], labels: index % 2 ? ["guarantee", "health"] : ["education"], added_at: iso(index * 40_000), missing: index === 9,
  poster: index % 7 === 6 ? null : `poster${index % 6}.jpg`, filmstrip: { path: "strip.jpg", count: 20, width: 160, height: 90 }, waveform: "wave.json", file: "clip.mp4",
}));

let transcript: Transcript | null = null;
function makeTranscript(): Transcript {
  const segments = Array.from({ length: SEGMENTS }, (_, index) => {
    const words = Array.from({ length: 8 + (index % 9) }, (_, word) => ({ start: index * 3 + word * 0.18, end: index * 3 + word * 0.18 + 0.15, text: WORDS[(index * 5 + word) % WORDS.length] ?? "", confidence: word === 5 && index % 3 === 0 ? 0.2 : 0.9 }));
    return { start: index * 3, end: index * 3 + 2.9, text: words.map((word) => word.text).join(" "), words };
  });
  return { transcript_id: "x1", media_id: "m0", language: "pt", engine: "whisper:small", duration: SEGMENTS * 3, text: "", segments, gaps: [{ start: 30, end: 36, reason: "the engine gave up there" }], complete: true, revision: 0, created_at: iso(60) };
}

let settings: Settings = {
  recipe: "vsl", ui_language: query.get("lang") ?? "en", theme: query.get("theme") ?? "dark", density: query.get("density") ?? "comfortable", allow_hosts: [], max_retries: 3, net_limit: 4, cpu_limit: 2, model_limit: 1, max_download_bytes: 0, max_live_seconds: 0, model_mirror: "", task_days: 7,
  ffmpeg: "", ffprobe: "", pocketsphinx: "", yt_dlp: "", port: 4782, local_only: false,
  night_only: false, night_from: "22:00", night_to: "07:00", mains_only: false, keep_awake: true, notify: true, on_close: "ask", shortcuts: {}, api_enabled: false, api_folders: [], api_rate: 3000,
};

function page<Item>(all: Item[], input: { limit?: number | null; offset?: number | null }) {
  const limit = input.limit ?? 20;
  const offset = input.offset ?? 0;
  return { total: all.length, limit, offset, items: all.slice(offset, offset + limit) };
}

const status = () => {
  const count = (wanted: TaskStatus) => tasks.filter((task) => task.status === wanted).length;
  return { paused: false, paused_until: null, held: null, held_until: null, queued: count("queued"), processing: count("processing"), completed: count("completed"), failed: count("failed"), cancelled: count("cancelled"), dead_letters: count("failed"), lanes: [] };
};

type Input = { task_id: string; task_ids: string[]; status?: TaskStatus; text?: string; limit?: number; offset?: number; media_id: string; query: string; kind?: string };
const answers: Record<string, (input: Input) => unknown> = {
  "tasks.list": (input) => page(tasks.filter((task) => (input.status == null || task.status === input.status) && (input.text == null || task.title.toLowerCase().includes(input.text.toLowerCase()))), input),
  "tasks.get": (input) => {
    const task = tasks[Number(input.task_id.slice(1))];
    return task === undefined ? null : { task, jobs: jobsOf(task) };
  },
  "queue.status": status,
  "settings.problems": () => ({ problems: query.has("problems") ? ["\"theme\" in settings.json is ignored: theme is \"purple\", which is not one of: system, dark, light."] : [] }),
  "storage.usage": () => ({ free: 120e9, parts: [["models", 488e6], ["media", 311e6], ["artifacts", 42e6], ["database", 9e6]].map(([name, bytes]) => ({ name, bytes, path: `/home/ana/.local/share/bobina/${name}` })) }),
  "support.bundle": () => ({ file_name: "bobina-report.json", mime: "application/json", content: "{}" }),
  "tasks.add_sample": () => ({ tasks: [tasks[0]], refused: [] }),
  "tasks.bulk": (input) => ({ done: input.task_ids.length, refused: [] }),
  "dead_letters.list": (input) => page(tasks.filter((task) => task.status === "failed").map((task) => ({ job_id: 1, task_id: task.task_id, title: task.title, step: "fetch", attempts: 2, error: task.error, died_at: iso(10) })), input),
  "library.list": (input) => page(COUNT === 0 ? [] : items.filter((item) => (input.kind == null || item.kind === input.kind) && (input.text == null || item.title.toLowerCase().includes(input.text.toLowerCase()))), input),
  "library.facets": () => ({ tags: [{ value: "swipe file", count: 8 }], languages: [{ value: "pt", count: 14 }, { value: "en", count: 13 }], engines: [{ value: "whisper:small", count: 40 }], categories: [{ value: "niche:health", count: 20 }] }),
  "searches.list": () => page([], { limit: 9 }),
  "library.get": (input) => ({
    item: items[Number(input.media_id.slice(1))] ?? items[0],
    info: { kind: "video", format: "mp4", duration: 1458, size: 1, bit_rate: 1, streams: [{ codec: "h264" }, { codec: "aac" }], width: 1920, height: 1080, frame_rate: 25, has_audio: true, loudness: -14.2, true_peak: -1, title: null },
    sources: [], transcripts: [{ transcript_id: "x1", language: "pt", engine: "whisper:small", complete: true, segments: 10, words: 100, parent: null, revision: 0, created_at: iso(60) }],
    categories: [["hook", "mistake", "café da manhã errado", 4], ["offer", "guarantee", "garantia pessoal", 702], ["niche", "health", "disciplina", 391]].map(([axis, label, phrase, first_at]) => ({ axis, label, score: 2, engine: "rules", evidence: [{ phrase, count: 3, first_at }] })),
  }),
  "library.search": (input) => page(items.slice(0, 6).flatMap((item, index) => [0, 1].slice(index % 2).map((hit) => ({ media_id: item.media_id, transcript_id: "x1", title: item.title, start: 702 + hit * 90 + index, end: 705, snippet: `por isso eu dou a minha \u0002${input.query}\u0003 pessoal de sessenta dias, e se você não gostar …` }))), { limit: 200 }),
  "transcripts.get": () => (transcript ??= makeTranscript()),
  "transcripts.export": () => ({ file_name: "ritual.srt", mime: "application/x-subrip", content: "1\n00:00:00,000 --> 00:00:02,900\nE foi aí que eu percebi\n" }),
  "recipes.list": () => page([["download", "Download"], ["transcribe", "Transcribe"], ["vsl", "Sales video"]].map(([name, title]) => ({ recipe: { name, title, description: "What it does", steps: STEPS.map((step) => ({ name: step, kind: step, after: [], options: {} })) }, built_in: true, error: null, file: null })), { limit: 9 }),
  "models.list": () => page([["tiny", 78e6, 390e6], ["base", 148e6, 500e6], ["small", 488e6, 1e9], ["medium", 1.5e9, 2.6e9]].map(([name, size, memory], index) => ({ name, size, memory, languages: "multilingual", installed: index === 1 && COUNT > 0, downloading: index === 2 && COUNT > 0 ? 0.42 : null, imported: false, suggested: index === 1, error: null })), { limit: 9 }),
  "watch.list": () => page([{ watch_id: "w", path: "/home/ana/Videos/incoming", recipe: "transcribe", subfolders: true, taken: 12, error: null, created_at: iso(1) }], { limit: 9 }),
  "doctor.run": () => ({ version: "0.1.0", data_dir: "/home/ana/.local/share/bobina", healthy: true, checks: [{ name: "ffmpeg", state: "warning", version: "5.1.9", path: "/usr/bin/ffmpeg", message: "An old version with back-ported fixes; it works.", cure: null }, { name: "yt-dlp", state: "missing", version: null, path: null, message: "Sites that need it cannot be read.", cure: "apt install yt-dlp" }] }),
  "settings.get": () => settings,
  "settings.set": (input) => (settings = input as unknown as Settings),
  "server.address": () => ({ media_url: "/.demo" }),
  "tasks.add": () => ({ tasks: [tasks[0]], refused: [] }),
};

export function demoHost(): Host {
  return {
    kind: "browser",
    localFiles: query.has("window"),
    call(command, input) {
      const answer = answers[command];
      if (answer === undefined) return Promise.reject(new CallError({ code: "COMMAND_UNKNOWN", message: command, cure: "fix_input" }));
      return new Promise((resolve) => setTimeout(() => resolve(structuredClone(answer(input as Input))), 5));
    },
    subscribe(listener: (signal: HostSignal) => void) {
      listener({ type: "connected" });
      const send = (event: Event) => listener({ type: "event", event });
      const timer = setInterval(() => {
        tasks.slice(0, RUNNING).forEach((task, index) => {
          const next = { ...task, progress: (task.progress + 0.3) % 100 };
          tasks[index] = next;
          send({ type: "task_changed", task: next });
        });
      }, 100);
      return () => clearInterval(timer);
    },
    pickFiles: () => Promise.resolve([]),
    pickFolder: () => Promise.resolve([]),
    onDrop: () => () => undefined,
    onOpen: () => () => undefined,
    saveText: () => Promise.resolve(true),
  };
}
