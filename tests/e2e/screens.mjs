// Takes pictures of every screen of the real program: node tests/e2e/screens.mjs <bobina> <folder>
// Real data: the sample and clips that ffmpeg makes, transcribed by the engine at hand; both themes, 1400 and 800 px wide.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ffmpeg, launch, serve } from "./serve.mjs";

const [program = "target/debug/bobina", pictures = "target/screens"] = process.argv.slice(2);
assert(existsSync(program), `there is no ${program}: build it first (cargo build -p cli)`);
mkdirSync(pictures, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "bobina-screens-"));

/** A clip with a picture of its own and somebody talking. */
function clip(name, source, words) {
  const path = join(folder, name);
  const said = words === "" ? ["-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono:d=6"] : ["-f", "lavfi", "-i", `flite=text='${words}':voice=slt`];
  ffmpeg(...said, "-f", "lavfi", "-i", source, "-shortest", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", path);
  return path;
}

const clips = [
  clip("The 7-second morning ritual.mp4", "mandelbrot=size=960x540:rate=25:start_scale=0.4", "there is a guarantee of sixty days. if you are not happy you get every cent back. call us tomorrow morning"),
  clip("Interview with a beekeeper, uncut, second camera, take four.mov", "life=size=640x360:rate=25:mold=10:ratio=0.2:death_color=#302010:life_color=#ffb454", "the bees come back in the spring. the yellow train leaves the station at seven"),
  clip("Keto switch.mp4", "gradients=size=854x480:rate=25:c0=#244b4a:c1=#d79a6c:speed=0.02", "every morning i drink a glass of water. this is the mistake that most people make before breakfast"),
  clip("Ad 3, vertical.mp4", "gradients=size=540x960:rate=25:c0=#4c3a6b:c1=#d08bb0:speed=0.02", "order now and get two bottles for free"),
  clip("Rain on the roof.mp4", "cellauto=size=640x360:rate=25:rule=18", ""),
];
const sound = join(folder, "podcast-ep-142.mp3");
ffmpeg("-f", "lavfi", "-i", "flite=text='welcome back to the show. today we talk about the price of honey':voice=kal", "-c:a", "libmp3lame", sound);
const broken = join(folder, "cut-off.mp4");
writeFileSync(broken, Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypmp42"), Buffer.alloc(12), Buffer.alloc(4000, 7)]));
const later = join(folder, "lecture-11.mp4");
copyFileSync(clips[2], later);

const server = await serve(program, join(folder, "data"));
const browser = await launch();
const SIZES = [{ width: 1400, height: 860 }, { width: 800, height: 700 }];

/** One screen in both themes and sizes; `prepare` leaves the page as it shall be seen. */
async function picture(name, path, prepare = async () => {}) {
  for (const theme of ["dark", "light"]) {
    for (const viewport of SIZES) {
      const page = await browser.newPage({ viewport, locale: "en-US", colorScheme: theme, deviceScaleFactor: 1 });
      await page.goto(`${server.origin}${path}#token=${server.token}`);
      await page.waitForSelector("#content");
      await page.waitForTimeout(700);
      await prepare(page);
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(pictures, `${name}-${theme}-${viewport.width}.png`) });
      await page.close();
    }
  }
  console.log(`ok  ${name}`);
}

try {
  await picture("first", "/activity");
  await picture("library-empty", "/library");
  await server.call("tasks.add_sample", {});
  await server.call("tasks.add", { sources: [...clips, sound, broken], language: "en" });
  await server.settled(600_000);
  await server.call("tasks.pause", {});
  await server.call("tasks.add", { sources: [later], recipe: "vsl", priority: "high", language: "en", again: true });
  await server.call("tasks.add", { sources: [clips[3]], recipe: "vsl", language: "en", again: true, not_before: new Date(Date.now() + 3 * 3_600_000).toISOString() });

  const row = (text) => `[role="row"][aria-level="1"]:has-text("${text}")`;
  await picture("activity", "/activity", async (page) => {
    await page.locator(row("Keto switch")).first().focus();
    await page.keyboard.press("Enter");
  });
  await picture("activity-chosen", "/activity", async (page) => {
    await page.locator('[data-row="1"]').focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
  });
  await picture("activity-failed", "/activity?status=failed", async (page) => {
    await page.locator('[data-row="0"]').focus();
    await page.keyboard.press("Enter");
  });
  await picture("add", "/activity", (page) => page.keyboard.press("Control+o"));
  await picture("palette", "/activity", async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("m");
  });
  await picture("keys", "/activity", (page) => page.keyboard.press("?"));
  await picture("library", "/library");
  await picture("search", "/library?q=morning");
  const { items } = await server.call("library.list", { text: "ritual" });
  await picture("transcript", `/library/${items[0].media_id}?t=2`);
  for (const part of await server.parts()) await picture(`settings-${part}`, `/settings?part=${part}`);
} finally {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
