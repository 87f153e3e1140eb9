// The real window under a display of its own: add a file through the system's dialog, see it complete, open the
// transcript, play, seek. Run by scripts/e2e.sh, which gives the programs, the display and the session bus.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startDriver, until } from "./webdriver.mjs";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const programs = process.env.BOBINA_PROGRAMS ?? join(root, "target/debug");
const messages = JSON.parse(await readFile(join(root, "ui/src/messages/en.json"), "utf8"));
const says = (key) => messages[key];

let folder, environment, driver, page;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "bobina-window-"));
  await copyFile(join(root, "assets/samples/welcome.mp4"), join(folder, "clip for the window.mp4"));
  // At the end there may still be work; the question whether to go on in the tray would wait for ever.
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "data", "settings.json"), JSON.stringify({ on_close: "quit" }));
  const home = join(folder, "home");
  await mkdir(home);
  environment = {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_CACHE_HOME: join(home, "cache"),
    XDG_DATA_HOME: join(home, "data"),
    BOBINA_DATA_DIR: join(folder, "data"),
    LANG: "en_US.UTF-8",
    LANGUAGE: "en",
  };
  driver = await startDriver(environment);
  page = await driver.open(join(programs, "bobina-desktop"), []);
});

after(async () => {
  await page?.close().catch(() => undefined);
  await driver?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 300 });
});

/** What `bobina --json` says about the window's own data folder. */
async function bobina(...args) {
  const { stdout } = await run(join(programs, "bobina"), [...args, "--json"], { env: environment });
  return JSON.parse(stdout);
}

/** Chooses a file in GTK's dialog, as its title says, by keys alone. */
async function chooseFile(title, path) {
  const shown = async () => {
    const { stdout } = await run("xdotool", ["search", "--onlyvisible", "--name", title]).catch(() => ({ stdout: "" }));
    return stdout.trim().split("\n").at(-1);
  };
  const dialog = await until(`the dialog ${title}`, async () => (await shown()) || null);
  await run("xdotool", ["windowfocus", "--sync", dialog]);
  // On a busy machine the dialog's completion may write into what is typed; then the path is typed once more.
  await until("the dialog has closed", async () => {
    await run("xdotool", ["key", "ctrl+l", "ctrl+a"]);
    await run("xdotool", ["type", "--delay", "60", path]);
    for (let presses = 0; presses < 4; presses += 1) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      if (!(await shown())) return true;
      await run("xdotool", ["key", "Return"]);
    }
    return false;
  }, 90);
}

test("a file chosen in the dialog becomes a transcript that plays", async () => {
  await page.wait("#content");
  await page.run("window.dispatchEvent(new KeyboardEvent('keydown', { key: 'o', ctrlKey: true, bubbles: true }))");
  await page.wait("#add-media");
  await page.run("[...document.querySelectorAll('#add-media button')].find((b) => b.textContent === arguments[0]).click()", says("add.files"));
  await chooseFile("^Open File$", join(folder, "clip for the window.mp4"));
  await until("the chosen path in the form", () => page.run("return document.querySelector('#add-media textarea').value.includes('clip for the window.mp4')"));
  await page.click("button[type=submit][form=add-media]");

  await page.wait("[data-task]");
  const link = "[data-task] a[href*='/library/']";
  await page.wait(link, 400);
  const { items } = await bobina("tasks", "--status", "completed");
  assert.equal(items.length, 1, "one task, and the command line sees it completed");

  await page.click(link);
  await page.wait("video");
  await page.wait("[data-segment]");
  await until("the film's length", () => page.run("return document.querySelector('video').duration > 1"));

  const now = () => page.run("return document.querySelector('video').currentTime");
  await page.click(`button[aria-label="${says("player.play")}"]`);
  const first = await until("the film moves", async () => { const time = await now(); return time > 0.2 && time; });
  await until("the film goes on", async () => (await now()) > first + 0.5);
  await page.click(`button[aria-label="${says("pause")}"]`);
  await until("the film rests", () => page.run("return document.querySelector('video').paused"));

  // A click on a segment's time seeks to the second it was said.
  const transcript = await bobina("transcript", items[0].transcript_id, "--format", "json");
  const segment = transcript.segments.length - 1;
  const said = transcript.segments[segment].start;
  assert.ok(said > 1, "the last segment is said well after the start");
  await page.click(`[data-segment="${segment}"] button`);
  const time = await until("the film at the segment", async () => { const at = await now(); return at >= said - 0.3 && at; });
  assert.ok(time < said + 5, `at ${time} s, the segment is said at ${said} s`);
  await page.wait(`[data-segment="${segment}"] [data-word]`);
  if (process.env.BOBINA_SCREENSHOTS) await page.screenshot(join(process.env.BOBINA_SCREENSHOTS, "window.png"));
});

test("a second start hands its files to the first window and ends", async () => {
  const other = join(folder, "clip of the second start.mp4");
  await copyFile(join(root, "assets/samples/welcome.mp4"), other);
  const second = spawn(join(programs, "bobina-desktop"), ["clip of the second start.mp4"], { env: environment, cwd: folder, stdio: "inherit" });
  const code = await new Promise((resolve, reject) => {
    second.once("exit", resolve);
    second.once("error", reject);
  });
  assert.equal(code, 0);
  const task = await until("the second clip's task", async () => {
    const { items } = await bobina("tasks");
    return items.find((item) => JSON.stringify(item).includes("clip of the second start.mp4"));
  });
  await until("the second clip is known already", async () => (await bobina("task", task.task_id)).status !== "failed");
});

test("the page may not leave, open a window or write a file of its choice", async () => {
  const before = await page.run("return location.href");
  await page.run("window.open('https://example.org/'); location.href = 'https://example.org/'");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(await page.run("return location.href"), before);
  const refused = await page.run(
    "return window.__TAURI_INTERNALS__.invoke('plugin:dialog|save', { options: {} }).then(() => null, (error) => String(error))",
  );
  assert.match(refused, /not allowed/);
});
