// Takes pictures of every screen and runs axe on it: node scripts/shots.mjs <base address> <folder> [dark|light]…
// The base is a demo server (npm run demo). Prints what axe finds; ends with 1 when it finds anything.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [base = "http://127.0.0.1:5173", folder = "shots", ...only] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let faults = 0;

const settle = (page) => page.waitForTimeout(700);
const screens = {
  activity: { path: "/activity", act: async (page) => { await page.locator('[data-row="0"]').click(); } },
  failed: { path: "/activity?status=failed", act: async (page) => { await page.locator('[data-row="0"]').click(); } },
  first: { path: "/activity", query: "tasks=0", act: async () => {} },
  add: { path: "/activity", act: async (page) => { await page.getByRole("button", { name: "Add media" }).first().click(); } },
  library: { path: "/library", act: async () => {} },
  list: { path: "/library", act: async (page) => { await page.getByRole("radio", { name: "List" }).click(); } },
  search: { path: "/library", act: async (page) => { await page.getByRole("searchbox").fill("garantia"); await page.waitForTimeout(300); await page.keyboard.press("ArrowDown"); } },
  transcript: { path: "/library/m0", act: async (page) => { await page.waitForTimeout(500); await page.getByRole("button", { name: /^Play from 0:09/ }).click(); await page.waitForTimeout(900); await page.keyboard.press("k"); } },
  find: { path: "/library/m0", act: async (page) => { await page.waitForSelector("[data-segment]"); await page.waitForTimeout(300); await page.keyboard.press("Control+f"); await page.keyboard.type("manha"); await page.waitForTimeout(500); await page.keyboard.press("Enter"); } },
  export: { path: "/library/m0", act: async (page) => { await page.keyboard.press("Control+e"); } },
  settings: { path: "/settings", act: async () => {} },
};

for (const theme of ["dark", "light"]) {
  if (only.some((one) => one === "dark" || one === "light") && !only.includes(theme)) continue;
  for (const [name, screen] of Object.entries(screens)) {
    const wanted = only.filter((one) => one !== "dark" && one !== "light" && !/^\d+x\d+$/.test(one));
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const [width, height] = (only.find((one) => /^\d+x\d+$/.test(one)) ?? "1280x800").split("x").map(Number);
    const page = await browser.newPage({ viewport: { width, height } });
    page.on("pageerror", (error) => { faults++; console.log(`${theme} ${name}: ${error.message}`); });
    page.on("console", (line) => { if (line.type() === "error") console.log(`${theme} ${name}: console: ${line.text().slice(0, 300)}`); });
    const query = new URLSearchParams(screen.query);
    query.set("theme", theme);
    const [path, own] = screen.path.split("?");
    for (const [key, value] of new URLSearchParams(own)) query.set(key, value);
    await page.goto(`${base}${path}?${query}`);
    await settle(page);
    try { await screen.act(page); } catch (error) { faults++; console.log(`${theme} ${name}: ${error.message.split("\n")[0]}`); }
    await settle(page);
    await page.screenshot({ path: `${folder}/${name}-${theme}-${width}.png` });
    await page.evaluate(axe);
    const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
    for (const violation of result.violations) {
      faults++;
      console.log(`${theme} ${name}: ${violation.id} (${violation.impact}): ${violation.help}`);
      for (const node of violation.nodes.slice(0, 3)) console.log(`    ${node.html.slice(0, 160)}\n      ${node.any.map((check) => check.message).join("; ").slice(0, 200)}`);
    }
    await page.close();
  }
}
await browser.close();
console.log(`${faults} faults`);
process.exit(faults > 0 ? 1 : 0);
