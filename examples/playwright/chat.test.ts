import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test as base } from "openai-mockserver/playwright";

import { createApp } from "./app.ts";

// Each test has its own application, which uses the mock of the test: while the test runs,
// OPENAI_BASE_URL points there.
const test = base.extend<{ appURL: string }>({
  appURL: async ({ mockOpenAI }, use) => {
    const app = createApp().listen(0, "127.0.0.1");
    await once(app, "listening");
    await use(`http://127.0.0.1:${(app.address() as AddressInfo).port}/`);
    app.closeAllConnections();
    app.close();
  },
});

test.beforeEach(async ({ page, appURL }) => {
  await page.goto(appURL);
  await page.getByLabel("Question").fill("Who is there?");
});

test("the page shows the whole answer", async ({ page, mockOpenAI }) => {
  await mockOpenAI.reply("Hello, world");
  await page.getByRole("button").click();
  await expect(page.getByRole("status")).toHaveText("done");
  await expect(page.getByLabel("Answer")).toHaveText("Hello, world");
  const [call] = await mockOpenAI.calls();
  expect(call?.messages).toEqual([{ role: "user", content: "Who is there?" }]);
});

test("the first piece is shown before the rest arrives", async ({ page, mockOpenAI }) => {
  await mockOpenAI.reply({ text: ["Hel", "lo"] }, { faults: [{ stall: { after: 2 } }] });
  await page.getByRole("button").click();
  await expect(page.getByLabel("Answer")).toHaveText("Hel");
  await expect(page.getByRole("status")).toHaveText("streaming");
  const [call] = await mockOpenAI.calls();
  expect(call).toMatchObject({ state: "in progress", delivered: { events: 2 } });
});

test("the page says when an answer breaks off", async ({ page, mockOpenAI }) => {
  await mockOpenAI.reply({ text: ["Hel", "lo"] }, { faults: [{ reset: { after: 2 } }] });
  await page.getByRole("button").click();
  await expect(page.getByRole("status")).toHaveText("the answer broke off");
});

test("all workers use one server, and each test a part of it", async ({ mockOpenAI }) => {
  expect(mockOpenAI.url).toMatch(/\/s\/[\w-]+$/);
  expect(new URL(mockOpenAI.url).origin).toBe(process.env.OPENAI_MOCKSERVER_URL);
  expect(await mockOpenAI.calls()).toEqual([]);
});
