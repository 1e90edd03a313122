import { expect, test } from "openai-mockserver/playwright";

import { answer } from "../../ask.js";

test.use({ mockOpenAIOptions: { args: ["--dialect", "azure"] } });

test("passes", async ({ mockOpenAI }) => {
  await mockOpenAI.reply("Hello");
  expect(await answer(mockOpenAI, "Hi")).toBe("Hello");
  expect(await mockOpenAI.settings()).toMatchObject({ dialect: "azure" });
});

test("fails at its end", async ({ mockOpenAI }) => {
  await answer(mockOpenAI, "Good morning");
});
