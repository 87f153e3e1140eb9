// Edits a transcript in the browser by the keyboard: node tests/e2e/editing.mjs <bobina> [folder for pictures]
// Needs seed_library beside the program (cargo build --workspace --bins).
import assert from "node:assert/strict";
import { ask, axeClean, open, served, step } from "./served.mjs";

const [program = "target/debug/bobina", pictures] = process.argv.slice(2);

await served(program, 40, pictures, async (page) => {
  const line = (index) => page.locator(`[data-segment="${index}"] p`);
  const area = page.locator("[data-editing] textarea");
  const shown = async () => (await ask(page, "transcripts.get", { id: "m0" })).segments.map((segment) => segment.text);
  const saved = async (index, text) => page.waitForFunction(([index, text]) => document.querySelector(`[data-segment="${index}"] p`)?.textContent === text, [index, text]);
  let heard;

  await step("a press in the text places the caret, and what is typed is stored as a version of its own", async () => {
    await open(page, "/library/m0");
    await line(0).waitFor();
    heard = await ask(page, "transcripts.get", { id: "m0" });
    await axeClean(page, "transcript", pictures);
    await line(1).click();
    await area.waitFor();
    await page.keyboard.press("End");
    await page.keyboard.type(" indeed");
    await axeClean(page, "editing", pictures);
    await page.keyboard.press("Enter");
    await saved(1, `${heard.segments[1].text} indeed`);
    const edited = await ask(page, "transcripts.get", { id: "m0" });
    assert.equal(edited.parent, heard.transcript_id);
    assert.deepEqual(edited.segments[1].words.slice(0, 3), heard.segments[1].words.slice(0, 3), "words keep their times");
    assert.deepEqual((await ask(page, "transcripts.get", { id: heard.transcript_id })).segments, heard.segments, "what was heard stays");
  });

  await step("Enter at the end went to the next line; Enter within it splits it, Backspace at its start joins it again", async () => {
    await area.waitFor();
    const text = heard.segments[2].text;
    await page.keyboard.press("Home");
    for (let at = 0; at < text.indexOf(" ") + 1; at++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await saved(2, text.slice(0, text.indexOf(" ")));
    assert.equal((await shown())[3], text.slice(text.indexOf(" ") + 1));
    await page.waitForFunction((rest) => document.activeElement?.value === rest, text.slice(text.indexOf(" ") + 1));
    await page.keyboard.press("Home");
    await page.keyboard.press("Backspace");
    await page.waitForFunction((text) => document.activeElement?.value === text, text);
    assert.equal((await shown())[2], text);
    await page.keyboard.press("Escape");
  });

  await step("undo and redo go step by step", async () => {
    await page.keyboard.press("Control+z");
    await page.waitForFunction((count) => document.querySelectorAll("[data-segment]").length > 0 && document.querySelector('[data-segment="2"] p')?.textContent === count, heard.segments[2].text.split(" ")[0]);
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    await saved(1, heard.segments[1].text);
    await page.keyboard.press("Control+y");
    await saved(1, `${heard.segments[1].text} indeed`);
  });

  await step("times and speaker of a line are typed", async () => {
    await page.locator('[data-segment="4"] button').first().focus();
    await page.keyboard.press("F2");
    await area.waitFor();
    await page.getByRole("textbox", { name: "Start" }).fill("0:12.100");
    await page.getByRole("combobox", { name: "Speaker" }).fill("Ana");
    await page.getByRole("combobox", { name: "Speaker" }).press("Enter");
    await page.waitForFunction(() => document.querySelector('[aria-label="Start"]')?.value === "0:12.100");
    await page.keyboard.press("Escape");
    await page.locator('[data-segment="4"]', { hasText: "Ana" }).waitFor();
    const { segments } = await ask(page, "transcripts.get", { id: "m0" });
    assert.deepEqual([segments[4].start, segments[4].speaker], [12.1, "Ana"]);
  });

  await step("a speaker is renamed everywhere", async () => {
    await page.getByRole("button", { name: "More for this transcript" }).click();
    await page.getByRole("menuitem", { name: "Speakers" }).click();
    await axeClean(page, "speakers", pictures);
    await page.getByRole("textbox", { name: "Name of Ana" }).fill("Beatriz");
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: "Name of Beatriz" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.locator('[data-segment="4"]', { hasText: "Beatriz" }).waitFor();
  });

  await step("find and replace: one, then all", async () => {
    await page.keyboard.press("Control+h");
    await page.keyboard.type("YELLOW");
    await page.getByRole("checkbox", { name: "Whole words" }).check();
    await page.getByText(/^1 of \d+$/).waitFor();
    const count = (await shown()).join(" ").split("yellow").length - 1;
    await page.getByRole("textbox", { name: "Replace with" }).fill("orange");
    await axeClean(page, "replace", pictures);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: `Replace all ${count - 1}` }).click();
    await page.getByText(`${count - 1} places were changed`).waitFor();
    const text = (await shown()).join(" ");
    assert.deepEqual([text.split("orange").length - 1, text.includes("yellow")], [count, false]);
    assert.equal((await ask(page, "library.search", { query: "orange", media_id: "m0" })).total > 0, true, "the index follows");
    await page.getByRole("textbox", { name: "Replace with" }).press("Escape");
  });

  await step("versions are compared word by word", async () => {
    await page.getByRole("button", { name: "More for this transcript" }).click();
    await page.getByRole("menuitem", { name: "Compare with whisper:base" }).click();
    await page.locator("del", { hasText: "yellow" }).first().waitFor();
    await page.locator("ins", { hasText: "orange" }).first().waitFor();
    await axeClean(page, "compare", pictures);
    await page.getByRole("radio", { name: /Only differences/ }).click();
    await page.waitForFunction(() => [...document.querySelectorAll("[data-different]")].every((row) => row.dataset.different === "true"));
    await page.getByRole("button", { name: "More for this transcript" }).click();
    await page.getByRole("menuitem", { name: "Stop comparing" }).click();
  });

  await step("doubtful words are marked and the marks can be put away", async () => {
    await page.getByText(/the engine was not sure of/).waitFor();
    await page.locator('[class*="unsure"][data-word]').first().waitFor();
    await page.getByRole("button", { name: "More for this transcript" }).click();
    await page.getByRole("menuitem", { name: "Do not mark doubtful words" }).click();
    await page.waitForFunction(() => document.querySelector('[class*="unsure"]') === null);
  });

  await step("the text is copied with times and without", async () => {
    for (const [name, sign] of [["Copy the text with times", /^\[0:00\] /], ["Copy the text", /^please/]]) {
      await page.getByRole("button", { name: "More for this transcript" }).click();
      await page.getByRole("menuitem", { name, exact: true }).click();
      await page.getByText("Copied").last().waitFor();
      await page.waitForFunction(async (sign) => new RegExp(sign).test(await navigator.clipboard.readText()), sign.source);
    }
  });

  await step("a line is repeated until told otherwise", async () => {
    await page.locator('[data-segment="1"] button').first().click();
    await page.waitForFunction(() => !document.querySelector("video").paused);
    await page.keyboard.press("r");
    await page.waitForFunction(() => document.querySelector("video").currentTime > 5.6, undefined, { timeout: 30_000, polling: 20 });
    await page.waitForFunction(() => document.querySelector("video").currentTime < 4, undefined, { timeout: 30_000, polling: 20 });
    await page.keyboard.press("r");
    await page.keyboard.press("k");
  });

  await step("an edit made elsewhere is not lost", async () => {
    const now = await ask(page, "transcripts.get", { id: "m0" });
    await page.evaluate(() => window.dispatchEvent(new Event("offline")));
    await line(3).click();
    await area.waitFor();
    await page.keyboard.press("End");
    await page.keyboard.type(" mine");
    await ask(page, "transcripts.edit", { id: now.transcript_id, revision: now.revision, edits: [{ edit: "text", segment: 0, text: "theirs" }] });
    await saved(0, "theirs");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector('[data-segment="3"] p')?.textContent.endsWith("mine"));
    const texts = await shown();
    assert.equal(texts[0], "theirs");
    assert(texts[3].endsWith(" mine"), texts[3]);
    await page.keyboard.press("Escape");
  });
}, { film: true });
