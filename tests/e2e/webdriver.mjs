// A WebDriver client of the few commands the window test needs, over fetch, and the drivers it talks to.
// https://www.w3.org/TR/webdriver2/ ; tauri-driver stands before WebKitWebDriver and starts the program it is told.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** A port nobody listens on just now. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Asks until the answer is neither null, undefined nor false; says what was waited for when time is up. */
export async function until(what, ask, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(150);
  }
  throw new Error(`${what}: not within ${seconds} s`, { cause: last });
}

async function command(base, method, path, body) {
  const answer = await fetch(`${base}${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(60_000) });
  const text = await answer.text();
  const { value } = text === "" ? { value: null } : JSON.parse(text);
  if (!answer.ok) throw new Error(`WebDriver ${method} ${path}: ${value?.error ?? answer.status}: ${value?.message ?? ""}`);
  return value;
}

/** Starts the drivers; `environment` is the program's too. */
export async function startDriver(environment) {
  const [port, native] = [await freePort(), await freePort()];
  const driver = spawn("tauri-driver", ["--port", String(port), "--native-port", String(native)], { env: environment, stdio: ["ignore", "inherit", "inherit"] });
  const failed = new Promise((_, reject) => driver.once("error", reject));
  const base = `http://127.0.0.1:${port}`;
  await Promise.race([failed, until("the WebDriver server", () => command(base, "GET", "/status"))]);
  return {
    /** Opens the program and gives its one page. */
    async open(application, args) {
      const session = await command(base, "POST", "/session", { capabilities: { alwaysMatch: { "tauri:options": { application, args } } } });
      return page(`${base}/session/${session.sessionId}`);
    },
    async stop() {
      const ended = new Promise((resolve) => driver.once("exit", resolve));
      driver.kill("SIGTERM");
      await ended;
    },
  };
}

function page(session) {
  const find = async (selector) => {
    const found = await command(session, "POST", "/elements", { using: "css selector", value: selector });
    return found[0]?.[ELEMENT];
  };
  const run = (script, ...args) => command(session, "POST", "/execute/sync", { script, args });
  return {
    run,
    /** The first element of the selector, once it is there. */
    wait: (selector, seconds) => until(selector, () => find(selector), seconds),
    /** Clicks the first element of the selector as a pointer would. */
    async click(selector) {
      await until(`a click on ${selector}`, async () => {
        const id = await find(selector);
        if (id === undefined) return false;
        await command(session, "POST", `/element/${id}/click`, {});
        return true;
      });
    },
    text: (selector) => run("return document.querySelector(arguments[0])?.textContent ?? null", selector),
    async screenshot(path) {
      await writeFile(path, Buffer.from(await command(session, "GET", "/screenshot"), "base64"));
    },
    close: () => command(session, "DELETE", ""),
  };
}
