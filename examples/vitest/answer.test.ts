import { test } from "openai-mockserver/vitest";
import { expect } from "vitest";

import { answer } from "./answer.ts";

test("pieces are shown, and put together", async ({ mockOpenAI }) => {
  await mockOpenAI.reply({ text: ["Hello", ", ", "world"] });
  const pieces: string[] = [];
  expect(await answer("Greet the world.", (piece) => pieces.push(piece))).toBe("Hello, world");
  expect(pieces).toEqual(["Hello", ", ", "world"]);
  const [call] = await mockOpenAI.calls();
  expect(call?.messages).toEqual([{ role: "user", content: "Greet the world." }]);
});

test("an overloaded server is asked again", async ({ mockOpenAI }) => {
  const busy = { error: { status: 503, headers: { "retry-after-ms": "1" } } };
  await mockOpenAI.replies([busy, "Hello, world"]);
  expect(await answer("Hi", () => {})).toBe("Hello, world");
  expect((await mockOpenAI.calls()).map((call) => call.status)).toEqual([503, 200]);
});

test("an answer that breaks off is an error", async ({ mockOpenAI }) => {
  const pieces: string[] = [];
  await mockOpenAI.reply({ text: ["Hel", "lo"] }, { faults: [{ truncate: { after: 2 } }] });
  await expect(answer("Hi", (piece) => pieces.push(piece))).rejects.toThrow();
  expect(pieces).toEqual(["Hel"]);
  const { delivered, response } = await mockOpenAI.call(1);
  expect(delivered.events).toBe(2);
  expect(response.events[1]?.json.choices[0].delta).toEqual({ content: "Hel" });
});

test("an answer that is cut short is an error", async ({ mockOpenAI }) => {
  await mockOpenAI.reply({ text: "Hel", finish_reason: "length" });
  await expect(answer("Hi", () => {})).rejects.toThrow("the answer is incomplete");
});
