// Vercel's AI SDK, with its provider for OpenAI and the one for whatever is compatible.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, stepCountIs, streamText, tool as makeTool } from "ai";
import { z } from "zod";
import { WEATHER, run } from "./scenarios.mjs";

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const compatible = createOpenAICompatible({
  name: "mock",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = {
  chat: openai.chat("gpt-4o-mini"),
  responses: openai("gpt-4o-mini"),
  compatible: compatible("gpt-4o-mini"),
}[process.argv[2]];

async function* stream(prompt) {
  const abort = new AbortController();
  try {
    const { fullStream } = streamText({
      model,
      prompt,
      abortSignal: abort.signal,
      onError: () => {}, // it comes as a part, too
    });
    for await (const part of fullStream) {
      if (part.type === "text-delta") yield part.text;
      if (part.type === "error") throw part.error;
    }
  } finally {
    abort.abort();
  }
}

async function tool(prompt) {
  const calls = [];
  const get_weather = makeTool({
    description: "The weather in a city",
    inputSchema: z.object({ city: z.string() }),
    execute: (input) => {
      calls.push({ name: "get_weather", arguments: input });
      return WEATHER;
    },
  });
  const result = streamText({ model, prompt, tools: { get_weather }, stopWhen: stepCountIs(3) });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  return { calls, text };
}

async function usage(prompt) {
  const totals = await streamText({ model, prompt }).usage;
  return {
    input: totals.inputTokens,
    output: totals.outputTokens,
    cached: totals.inputTokenDetails.cacheReadTokens,
    reasoning: totals.outputTokenDetails.reasoningTokens,
  };
}

async function structured(prompt) {
  const schema = z.object({ city: z.string(), celsius: z.number() });
  return streamText({ model, prompt, output: Output.object({ schema }) }).output;
}

await run(stream, { tool, usage, structured });
