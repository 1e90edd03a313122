import { test } from "openai-mockserver/vitest";
import { expect } from "vitest";

import { answer } from "../../ask.js";

test("passes", async ({ mockOpenAI }) => {
  await mockOpenAI.reply("Hello");
  expect(await answer(mockOpenAI, "Hi")).toBe("Hello");
});

test("fails at its end", async ({ mockOpenAI }) => {
  await answer(mockOpenAI, "Good morning");
});

test("does not use it", () => {
  expect(process.env["OPENAI_BASE_URL"]).toBe("earlier");
});
