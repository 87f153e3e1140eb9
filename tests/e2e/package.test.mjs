// The package as a user gets it: unpacked into a root of its own, both programs run from there.
// Run by hand after `make build`: node --test tests/e2e/package.test.mjs; the package is the newest below
// target/release/bundle/deb, or $BOBINA_PACKAGE. The window's part needs a display and says so where there is none.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startDriver, until } from "./webdriver.mjs";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

async function newest() {
  const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release/bundle/deb");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".deb"));
  const dated = await Promise.all(names.map(async (name) => ({ path: join(folder, name), at: (await stat(join(folder, name))).mtimeMs })));
  return dated.sort((a, b) => b.at - a.at)[0]?.path;
}

let folder, installed, environment;
const packed = process.env.BOBINA_PACKAGE ?? (await newest());
const skip = packed === undefined ? "there is no package: make build makes it" : false;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "bobina-package-"));
  installed = join(folder, "root");
  await mkdir(installed);
  await run("dpkg-deb", ["-x", packed, installed]);
  environment = { ...process.env, HOME: join(folder, "home"), XDG_DATA_HOME: join(folder, "home/data"), BOBINA_DATA_DIR: join(folder, "data"), LANG: "en_US.UTF-8", LANGUAGE: "en" };
  await mkdir(environment.HOME);
  await mkdir(environment.BOBINA_DATA_DIR);
  await writeFile(join(environment.BOBINA_DATA_DIR, "settings.json"), JSON.stringify({ on_close: "quit" }));
});
after(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 300 });
});

test("it names what it needs", { skip }, async () => {
  const { stdout } = await run("dpkg-deb", ["-f", packed, "Depends"]);
  for (const name of ["ffmpeg", "gstreamer1.0-libav", "pocketsphinx", "pocketsphinx-en-us"]) assert.ok(stdout.split(/,\s*/).some((entry) => entry.split(" ")[0] === name), `${name} in ${stdout}`);
});

test("its desktop entry opens media and bobina:// links", { skip }, async () => {
  const applications = join(installed, "usr/share/applications");
  const [name] = await readdir(applications);
  const entry = await readFile(join(applications, name), "utf8");
  assert.match(entry, /^Exec=bobina-desktop %U$/m);
  assert.match(entry, /^MimeType=.*x-scheme-handler\/bobina;.*video\/mp4;/m);
  assert.match(entry, /^Icon=bobina-desktop$/m);
});

test("its command line hears the sample", { skip, timeout: 600_000 }, async () => {
  const bobina = join(installed, "usr/bin/bobina");
  const { stdout: version } = await run(bobina, ["--version"]);
  assert.match(version, /^bobina \d+\.\d+\.\d+/);
  const { stdout } = await run(bobina, ["add", "--wait", "--json", "--language", "en", join(root, "assets/samples/welcome.mp4")], { env: environment });
  assert.equal(JSON.parse(stdout).tasks[0].status, "completed");
});

test("its window opens on the same library", { skip: skip || (process.env.DISPLAY ? false : "there is no display") , timeout: 300_000 }, async () => {
  const driver = await startDriver(environment);
  const page = await driver.open(join(installed, "usr/bin/bobina-desktop"), []);
  try {
    await page.wait("[data-task]");
    await until("the sample's transcript", () => page.run("return document.querySelector('[data-task] a[href*=\"/library/\"]') !== null"), 60);
  } finally {
    await page.close().catch(() => undefined);
    await driver.stop();
  }
});
