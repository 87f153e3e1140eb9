// Sorts, tags and removes media in the browser: node tests/e2e/library.mjs <bobina> [folder for pictures]
// Needs seed_library beside the program (cargo build --workspace --bins).
import assert from "node:assert/strict";
import { ask, axeClean, open, served, step } from "./served.mjs";

const [program = "target/debug/bobina", pictures] = process.argv.slice(2);

await served(program, 40, pictures, async (page) => {
  const cards = page.locator("[data-media]");
  const choose = async (name, option) => {
    await page.getByRole("button", { name: new RegExp(`^${name}`) }).or(page.getByRole("button", { name: new RegExp(` ${name}$`) })).first().click();
    await page.getByRole("option", { name: option }).click();
  };
  const count = (wanted) => page.waitForFunction((wanted) => document.querySelectorAll("[data-media]").length === wanted, wanted);

  await step("a tag is put on beside the transcript", async () => {
    await open(page, "/library/m1");
    await page.getByRole("textbox", { name: "Add a tag" }).fill("Swipe file");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Take off Swipe file" }).waitFor();
    await axeClean(page, "tags", pictures);
  });

  await step("the library is narrowed by language, tag and length", async () => {
    await open(page, "/library");
    await cards.first().waitFor();
    await count(12);
    await axeClean(page, "library", pictures);
    await choose("Tag", /^Swipe file/);
    await count(1);
    assert.equal(await cards.first().getAttribute("data-media"), "m1");
    await axeClean(page, "filtered", pictures);
    await page.getByRole("button", { name: "Saved searches" }).click();
    await page.getByRole("menuitem", { name: "Save this search…" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Swipes");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Clear filters" }).click();
    await count(12);
    await page.getByRole("button", { name: "Saved searches" }).click();
    await page.getByRole("menuitem", { name: "Swipes", exact: true }).click();
    await count(1);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await choose("Language", /^Spanish/);
    await count(1);
    await page.getByRole("button", { name: "Clear filters" }).click();
  });

  await step("a media is removed, and undo brings it back", async () => {
    await open(page, "/library/m2");
    await page.getByRole("button", { name: "Remove from the library" }).click();
    await page.getByText("Interview with Ana was removed").waitFor();
    await count(11);
    assert.equal((await ask(page, "library.list", {})).total, 11);
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await count(12);
  });
});
