// What the browser tests of single screens share: a seeded library, the program that serves it, a page, axe, steps.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const need = createRequire(new URL("../../ui/package.json", import.meta.url));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Runs `work` on a page over a library of `segments` segments; ends the process with 1 when it fails. */
export async function served(program, segments, pictures, work, { film = false, environment = {} } = {}) {
  assert(existsSync(program), `there is no ${program}: build it first`);
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "bobina-screen-"));
  const data = join(folder, "data");
  const clip = join(folder, "Morning talk.mp4");
  if (film) execFileSync("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "sine=frequency=330:duration=60", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=60", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", clip]);
  execFileSync(join(dirname(program), "seed_library"), [data, String(segments), ...(film ? [clip] : [])]);
  let child;
  let browser;
  let failed = false;
  try {
    child = spawn(program, ["--data-dir", data, "--json", "serve", "--port", String(await freePort())], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...environment } });
    let text = "";
    const address = await new Promise((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`serve ended with ${code}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        text += `${line}\n`;
        try {
          resolve(JSON.parse(text).address);
        } catch {
          // The document goes on.
        }
      });
    });
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] });
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", acceptDownloads: true });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    const broken = [];
    page.on("pageerror", (error) => broken.push(error.message));
    await page.goto(address);
    await page.getByRole("link", { name: "Library" }).waitFor();
    await work(page, { folder, data, clip, context, pictures });
    assert.deepEqual(broken, [], "no script broke");
  } catch (error) {
    failed = true;
    console.error(error);
    const page = browser?.contexts()[0]?.pages()[0];
    if (page !== undefined && pictures !== undefined) await page.screenshot({ path: join(pictures, "failed.png") }).catch(() => {});
  } finally {
    await browser?.close();
    child?.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  process.exit(failed ? 1 : 0);
}

/** Says how long a step took. */
export async function step(name, run) {
  const began = Date.now();
  await run();
  console.log(`ok  ${name} (${Date.now() - began} ms)`);
}

/** A command of the table, asked from the page itself. */
export const ask = (page, name, input) =>
  page.evaluate(
    async ([name, input]) => {
      const token = sessionStorage.getItem("bobina.token");
      return (await fetch(`/rpc/${name}`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` }, body: JSON.stringify(input) })).json();
    },
    [name, input],
  );

/** Follows a link inside the page, as the application does: nothing is loaded again. */
export const open = (page, path) =>
  page.evaluate((path) => {
    history.pushState({}, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);

/** Pictures of the page in both themes, and axe on each. */
export async function axeClean(page, name, pictures) {
  for (const theme of ["dark", "light"]) {
    await page.evaluate((value) => (document.documentElement.dataset.theme = value), theme);
    await page.waitForTimeout(250);
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}-${theme}.png`) });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
    assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`), [], `axe on ${name}, ${theme}`);
  }
}
