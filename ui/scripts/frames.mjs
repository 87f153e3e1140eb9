// Measures scrolling through many live rows: node scripts/frames.mjs [address of the demo]. Prints script + style +
// layout time per frame (p50, p95, worst) and tasks over 50 ms, from a trace of the page's own thread.
// Without an address it builds the demo as the UI is built for use, and serves that.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

async function serveBuilt() {
  const root = join(import.meta.dirname, "..");
  const outDir = await mkdtemp(join(root, "node_modules/.frames-"));
  await build({ root, mode: "demo", logLevel: "error", build: { outDir, emptyOutDir: true } });
  const server = await preview({ root, mode: "demo", logLevel: "error", build: { outDir }, preview: { port: 0, host: "127.0.0.1" } });
  const close = async () => {
    await server.close();
    await rm(outDir, { recursive: true });
  };
  return { base: server.resolvedUrls.local[0].replace(/\/$/, ""), close };
}

const given = process.argv[2];
const { base, close } = given === undefined ? await serveBuilt() : { base: given, close: async () => undefined };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function measure(name, path, selector) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const began = Date.now();
  await page.goto(`${base}${path}`);
  await page.waitForSelector(selector);
  console.log(`${name}: first row after ${Date.now() - began} ms`);
  await page.waitForTimeout(1500);
  const client = await page.context().newCDPSession(page);
  const events = [];
  client.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await client.send("Tracing.start", { categories: "devtools.timeline,disabled-by-default-devtools.timeline", transferMode: "ReportEvents" });
  await page.mouse.move(700, 500);
  for (let step = 0; step < 200; step++) {
    await page.mouse.wheel(0, step % 50 === 49 ? 20_000 : 240);
    await page.waitForTimeout(16);
  }
  const done = new Promise((resolve) => client.once("Tracing.tracingComplete", resolve));
  await client.send("Tracing.end");
  await done;
  const main = events.find((event) => event.name === "thread_name" && event.args.name === "CrRendererMain")?.tid ?? events.find((event) => event.name === "UpdateLayoutTree")?.tid;
  const tasks = events.filter((event) => event.ph === "X" && event.tid === main && /RunTask$/.test(event.name)).map((event) => (event.tdur ?? event.dur) / 1000);
  const frames = events.filter((event) => event.tid === main && event.name === "Commit").map((event) => event.ts).sort((a, b) => a - b);
  const work = events.filter((event) => event.ph === "X" && event.tid === main && ["FunctionCall", "FireAnimationFrame", "UpdateLayoutTree", "Layout", "TimerFire", "EventDispatch", "RunMicrotasks"].includes(event.name));
  // Events nest: only those that no other one holds are summed.
  const outer = work.sort((a, b) => a.ts - b.ts || b.dur - a.dur).reduce((kept, event) => {
    const last = kept.at(-1);
    if (last === undefined || event.ts >= last.ts + last.dur) kept.push(event);
    return kept;
  }, []);
  const sums = frames.slice(1).map((end, index) => outer.filter((event) => event.ts >= frames[index] && event.ts < end).reduce((sum, event) => sum + (event.tdur ?? event.dur) / 1000, 0)).sort((a, b) => a - b);
  const at = (share) => (sums[Math.floor(sums.length * share)] ?? 0).toFixed(1);
  console.log(`${name}: ${sums.length} frames; work per frame p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(0.999)} ms; tasks over 50 ms: ${tasks.filter((task) => task > 50).length}`);
  await page.close();
}

await measure("10,000 tasks, 50 running", "/activity?tasks=10000&running=50", '[data-row="0"]');
await measure("12,000 segments", "/library/m0?segments=12000", "[data-segment]");
await browser.close();
await close();
