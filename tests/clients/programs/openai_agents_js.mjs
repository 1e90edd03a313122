// OpenAI's Agents SDK for JavaScript, on either endpoint.

import {
  Agent,
  run as runAgent,
  setOpenAIAPI,
  setTracingDisabled,
  tool as makeTool,
} from "@openai/agents";
import { z } from "zod";
import { WEATHER, run } from "./scenarios.mjs";

const model = "gpt-4o-mini";
setTracingDisabled(true);
setOpenAIAPI({ chat: "chat_completions", responses: "responses" }[process.argv[2]]);
const agent = new Agent({ name: "Assistant", model });

async function* stream(prompt) {
  const abort = new AbortController();
  try {
    const result = await runAgent(agent, prompt, { stream: true, signal: abort.signal });
    for await (const piece of result.toTextStream()) yield piece;
  } finally {
    abort.abort();
  }
}

async function whole(agent, prompt) {
  const result = await runAgent(agent, prompt, { stream: true });
  let text = "";
  for await (const piece of result.toTextStream()) text += piece;
  await result.completed;
  return { result, text };
}

async function tool(prompt) {
  const calls = [];
  const get_weather = makeTool({
    name: "get_weather",
    description: "The weather in a city",
    parameters: z.object({ city: z.string() }),
    execute: (input) => {
      calls.push({ name: "get_weather", arguments: input });
      return WEATHER;
    },
  });
  const { text } = await whole(new Agent({ name: "Forecaster", model, tools: [get_weather] }), prompt);
  return { calls, text };
}

async function usage(prompt) {
  const { result } = await whole(agent, prompt);
  const { usage } = result.runContext;
  return { input: usage.inputTokens, output: usage.outputTokens };
}

async function structured(prompt) {
  const outputType = z.object({ city: z.string(), celsius: z.number() });
  const { result } = await whole(new Agent({ name: "Reader", model, outputType }), prompt);
  return result.finalOutput;
}

await run(stream, { tool, usage, structured });
