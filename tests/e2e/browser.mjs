// Drives the browser's UI against the real program: node tests/e2e/browser.mjs <bobina> [folder for pictures]
// Starts `bobina serve` on a data folder of its own, adds a generated clip through the screens, sees it transcribed,
// plays, seeks, searches, exports, changes settings, and runs axe on every page in both themes.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const need = createRequire(new URL("../../ui/package.json", import.meta.url));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const [program = "target/debug/bobina", pictures] = process.argv.slice(2);
assert(existsSync(program), `there is no ${program}: build it first (cargo build -p cli)`);
if (pictures !== undefined) mkdirSync(pictures, { recursive: true });

const folder = mkdtempSync(join(tmpdir(), "bobina-browser-"));
const clip = join(folder, "Morning talk.mp4");
const silent = join(folder, "silent.mp4");
const notMedia = join(folder, "notes.txt");
const words = "please call me tomorrow morning. the yellow train leaves the station at seven. there is a guarantee of sixty days";
const ffmpeg = (...args) => execFileSync("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", ...args]);
ffmpeg("-f", "lavfi", "-i", `flite=text='${words}':voice=slt`, "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-shortest", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", clip);
ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=2", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", silent);
writeFileSync(notMedia, "not a film\n");

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

let served;
let browser;
const step = async (name, run) => {
  const began = Date.now();
  await run();
  console.log(`ok  ${name} (${Date.now() - began} ms)`);
};

async function start() {
  served = spawn(program, ["--data-dir", join(folder, "data"), "--json", "serve", "--port", String(await freePort())], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: served.stdout });
  let text = "";
  const address = await new Promise((resolve, reject) => {
    served.once("exit", (code) => reject(new Error(`serve ended with ${code}`)));
    lines.on("line", (line) => {
      text += `${line}\n`;
      try {
        resolve(JSON.parse(text).address);
      } catch {
        // The document goes on.
      }
    });
  });
  return address;
}

async function axeClean(page, name) {
  for (const theme of ["dark", "light"]) {
    await page.evaluate((value) => (document.documentElement.dataset.theme = value), theme);
    await page.waitForTimeout(250);
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}-${theme}.png`) });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
    assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`), [], `axe on ${name}, ${theme}`);
  }
}

async function addByDialog(page, sources) {
  await page.getByRole("button", { name: "Add media" }).first().click();
  await page.getByRole("dialog").getByRole("textbox").first().fill(sources.join("\n"));
  await page.getByRole("button", { name: "Start" }).click();
}

async function main() {
  const address = await start();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", acceptDownloads: true, bypassCSP: false });
  const page = await context.newPage();
  const broken = [];
  page.on("pageerror", (error) => broken.push(error.message));

  await step("the token leaves the address bar, the first run explains itself", async () => {
    await page.goto(address);
    await page.getByText("Give a link or the path of a file").waitFor();
    assert(!page.url().includes("token"), page.url());
    assert.equal(new URL(page.url()).pathname, "/activity");
    await axeClean(page, "first");
  });

  await step("a stranger without the token gets nothing", async () => {
    const stranger = await (await browser.newContext()).newPage();
    await stranger.goto(new URL(address).origin);
    await stranger.getByText("This page is not signed in").waitFor();
    await stranger.close();
  });

  await step("what is no media is refused by name", async () => {
    await addByDialog(page, [notMedia, join(folder, "nowhere.mp4")]);
    await page.getByText("notes.txt was not added").waitFor();
    await page.getByText("nowhere.mp4 was not added").waitFor();
    assert.match(await page.getByRole("dialog").getByRole("textbox").first().inputValue(), /notes\.txt/);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  await step("a clip is added and completes before the user's eyes", async () => {
    await addByDialog(page, [clip, silent]);
    const row = page.locator('[role="row"][aria-level="1"]', { hasText: "Morning talk" });
    await row.waitFor();
    await row.getByText("Transcript ready").waitFor({ timeout: 400_000 });
    await page.locator('[role="row"][aria-level="1"]', { hasText: "silent" }).getByText("There is no sound in it").waitFor({ timeout: 60_000 });
    await row.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("listitem").filter({ hasText: "Transcribe" }).getByText("basic").first().waitFor();
    await axeClean(page, "activity");
  });

  await step("the transcript opens; the film plays and its words light up", async () => {
    await page.getByRole("link", { name: /^Open Morning talk/ }).click();
    await page.locator("[data-segment]").first().waitFor();
    const time = () => page.evaluate(() => document.querySelector("video").currentTime);
    await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2);
    await page.locator("[data-segment]").first().waitFor();
    await page.keyboard.press("k");
    await page.waitForFunction(() => document.querySelector("video").currentTime > 1.2);
    await page.waitForFunction(() => document.querySelector('[data-word][class*="spoken"]') !== null);
    await page.keyboard.press("k");
    const stopped = await time();
    await page.waitForTimeout(300);
    assert.equal(await time(), stopped, "paused");
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction((from) => Math.abs(document.querySelector("video").currentTime - from - 1) < 0.1, stopped);
    const last = page.locator("[data-segment] button").last();
    const label = await last.getAttribute("aria-label");
    const [, minutes, seconds] = /(\d+):(\d+)$/.exec(label);
    await last.click();
    await page.waitForFunction((at) => document.querySelector("video").currentTime >= at, Number(minutes) * 60 + Number(seconds));
    await page.waitForFunction(() => !document.querySelector("video").paused);
    await page.keyboard.press("k");
    await axeClean(page, "transcript");
  });

  await step("a word is found in the text", async () => {
    await page.keyboard.press("Control+f");
    await page.keyboard.type("THE");
    await page.getByText(/^1 of \d+$/).waitFor();
    await page.keyboard.press("Escape");
  });

  for (const [format, sign] of [["srt", / --> /], ["vtt", /^WEBVTT/], ["json", /"segments"/], ["txt", /\w/]]) {
    await step(`it is exported as ${format}`, async () => {
      await page.keyboard.press("Control+e");
      await page.getByRole("radio", { name: format, exact: true }).click();
      await page.waitForFunction((ending) => document.querySelector('[role="dialog"] code')?.textContent.endsWith(ending), `.${format}`);
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save…" }).click()]);
      assert(download.suggestedFilename().endsWith(`.${format}`), download.suggestedFilename());
      assert.match(readFileSync(await download.path(), "utf8"), sign);
      await page.getByRole("dialog").waitFor({ state: "detached" });
    });
  }

  await step("the library shows it, and a search opens it at the second", async () => {
    await page.keyboard.press("Control+2");
    await page.locator("[data-media]").nth(1).waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll("[data-media] img")].some((image) => image.naturalWidth > 0));
    await axeClean(page, "library");
    const said = await page.evaluate(async () => {
      const token = sessionStorage.getItem("bobina.token");
      const ask = async (name, input) => (await fetch(`/rpc/${name}`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` }, body: JSON.stringify(input) })).json();
      const list = await ask("library.list", { text: "Morning" });
      const transcript = await ask("transcripts.get", { id: list.items[0].media_id });
      return transcript.segments.flatMap((segment) => segment.words).filter((word) => word.text.length > 4).map((word) => ({ text: word.text, start: word.start }));
    });
    const wanted = said.at(-1);
    await page.getByRole("searchbox").fill(wanted.text);
    await page.locator("mark").first().waitFor();
    await axeClean(page, "search");
    await page.getByRole("searchbox").press("ArrowDown");
    await page.getByRole("searchbox").press("Enter");
    await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2);
    const second = Number(new URL(page.url()).searchParams.get("t"));
    await page.waitForFunction((at) => Math.abs(document.querySelector("video").currentTime - at) < 0.3, second);
    assert(said.some((word) => Math.abs(word.start - 0.2 - second) < 0.3 || second === 0), `a word begins at ${second}`);
  });

  await step("settings last: theme, language, density", async () => {
    await page.keyboard.press("Control+,");
    await page.getByRole("button", { name: /Theme/ }).click();
    await page.getByRole("option", { name: "Light" }).click();
    await page.waitForFunction(() => document.documentElement.dataset.theme === "light");
    await page.getByText("ffmpeg", { exact: true }).first().waitFor({ timeout: 30_000 });
    await axeClean(page, "settings");
    await page.getByRole("button", { name: /Language of the screens/ }).click();
    await page.getByRole("option", { name: "Português (Brasil)" }).click();
    await page.getByRole("link", { name: "Biblioteca" }).waitFor();
    await page.reload();
    await page.getByRole("link", { name: "Biblioteca" }).waitFor();
    assert.equal(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme].join()), "pt-BR,light");
  });

  await step("a lost server is said, not hidden", async () => {
    served.kill("SIGTERM");
    await page.getByText("O Bobina não responde").waitFor({ timeout: 20_000 });
  });

  assert.deepEqual(broken, [], "no script broke");
}

let failed = false;
try {
  await main();
} catch (error) {
  failed = true;
  console.error(error);
  const page = browser?.contexts()[0]?.pages()[0];
  if (page !== undefined && pictures !== undefined) await page.screenshot({ path: join(pictures, "failed.png") }).catch(() => {});
} finally {
  await browser?.close();
  served?.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
process.exit(failed ? 1 : 0);
