// The window's figures: from the start of its process to the first useful paint, and its resident memory when idle.
// Run by scripts/e2e.sh window-figures. The driver's own start is not in the figure: the clock is the process's age.

import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDriver, until } from "./webdriver.mjs";

const programs = process.env.BOBINA_PROGRAMS;
const program = join(programs, "bobina-desktop");
const folder = await mkdtemp(join(tmpdir(), "bobina-figures-"));
const home = join(folder, "home");
await mkdir(home);
const environment = { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, "config"), XDG_CACHE_HOME: join(home, "cache"), XDG_DATA_HOME: join(home, "data"), BOBINA_DATA_DIR: join(folder, "data"), LANG: "en_US.UTF-8" };

/** The process ids of that program. */
function processes() {
  return readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/exe`) === program;
    } catch {
      return false; // It is another user's, or it has ended.
    }
  });
}

/** When a process began, in milliseconds of Unix time: ticks since boot, proc(5), field 22. */
function beganAt(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  const hertz = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  return Date.now() - (uptime - Number(fields[19]) / hertz) * 1000;
}

const kilobytes = (pid, name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]);

// A library with one transcript in it, as a user would have.
await copyFile(join(import.meta.dirname, "../../assets/samples/welcome.mp4"), join(folder, "welcome.mp4"));
execFileSync(join(programs, "bobina"), ["add", join(folder, "welcome.mp4"), "--engine", "basic", "--wait"], { env: environment, stdio: ["ignore", "ignore", "inherit"] });

const driver = await startDriver(environment);
const starts = [];
let memory;
for (let round = 0; round < 5; round += 1) {
  const page = await driver.open(program, []);
  const painted = await until("the first useful paint", () => page.run("const mark = performance.getEntriesByName('useful-paint')[0]; return mark ? performance.timeOrigin + mark.startTime : null"));
  const [pid] = processes();
  starts.push(painted - beganAt(pid));
  if (round === 4) {
    await sleep(10_000);
    memory = { resident: kilobytes(pid, "Rss"), own: kilobytes(pid, "Pss") };
  }
  await page.close();
  await until("the window's end", () => processes().length === 0);
}
await driver.stop();
await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 300 });
const [first, ...later] = starts;
later.sort((a, b) => a - b);
const whole = (value) => value.toFixed(0);
console.log(`start to first useful paint: first ${whole(first)} ms, then median ${whole(later[Math.floor(later.length / 2)])} ms of ${later.length} (goal 1000 ms)`);
console.log(`our process, idle for 10 s: ${whole(memory.resident / 1024)} MB resident, ${whole(memory.own / 1024)} MB with shared pages shared out (goal 150 MB)`);
