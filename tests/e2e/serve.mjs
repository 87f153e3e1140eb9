// What the browser's tests and measurements share: `bobina serve` on a data folder of its own, and a browser.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");
const need = createRequire(join(root, "ui/package.json"));
const { chromium } = need("playwright-core");

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] });
export const ffmpeg = (...args) => execFileSync("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", ...args]);

/** A port nobody listens on just now. */
export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Starts `bobina serve`; what it answers is waited for, and a start that fails is told. */
export async function serve(program, dataDir) {
  const served = spawn(program, ["--data-dir", dataDir, "--json", "serve", "--port", String(await freePort())], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: served.stdout });
  let text = "";
  const address = new URL(
    await new Promise((resolve, reject) => {
      served.once("exit", (code) => reject(new Error(`serve ended with ${code}`)));
      lines.on("line", (line) => {
        text += `${line}\n`;
        try {
          resolve(JSON.parse(text).address);
        } catch {
          // The document goes on.
        }
      });
    }),
  );
  const token = new URLSearchParams(address.hash.slice(1)).get("token");
  const call = async (name, input) => {
    const answer = await fetch(`${address.origin}/rpc/${name}`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` }, body: JSON.stringify(input) });
    if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
    return answer.json();
  };
  return {
    address: address.href,
    origin: address.origin,
    token,
    call,
    /** Waits until nothing is queued or running. */
    async settled(milliseconds) {
      const end = Date.now() + milliseconds;
      while (Date.now() < end) {
        const status = await call("queue.status", {});
        if (status.queued + status.processing === 0) return;
        await sleep(300);
      }
      throw new Error("the queue did not come to rest");
    },
    /** The parts of the settings page, as its source names them. */
    parts: () => [...readFileSync(join(root, "ui/src/features/settings/SettingsPage.tsx"), "utf8").matchAll(/\{ id: "(\w+)", title:/g)].map((match) => match[1]),
    async stop() {
      const ended = new Promise((resolve) => served.once("exit", resolve));
      served.kill("SIGTERM");
      await ended;
    },
  };
}
