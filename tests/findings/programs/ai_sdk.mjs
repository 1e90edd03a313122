// Vercel's AI SDK: `streamText()`, with its provider for OpenAI and the one for whatever is compatible.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, streamText, tool } from "ai";
import { API_KEY, BASE_URL, MODEL, PARAMETERS, PATIENCE, PROMPT, run } from "./consuming.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const [, , way] = process.argv;
const options = { baseURL: BASE_URL, apiKey: API_KEY };
const model = {
  chat: () => createOpenAI(options).chat(MODEL),
  compatible: () => createOpenAICompatible({ ...options, name: "mock", includeUsage: true })(MODEL),
}[way]();
const takesAnything = tool({ inputSchema: jsonSchema(PARAMETERS) });

const hear = {
  "text-delta": (part, told) => (told.text += part.text),
  "reasoning-delta": (part, told) => (told.reasoning = (told.reasoning ?? "") + part.text),
  "tool-call": (part, told) => {
    const text = typeof part.input === "string" ? part.input : JSON.stringify(part.input);
    told.calls.push({ id: part.toolCallId, name: part.toolName, arguments: text });
    if (!part.invalid) told.parsed.push(text);
  },
  finish: (part, told) => {
    told.finish_reason = part.finishReason;
    told.usage = {
      prompt_tokens: part.totalUsage.inputTokens ?? null,
      completion_tokens: part.totalUsage.outputTokens ?? null,
    };
  },
  abort: () => {
    throw new DOMException("The stream was aborted", "AbortError");
  },
  error: (part) => {
    throw part.error;
  },
};

await run(async (asked, told) => {
  const { fullStream } = streamText({
    model,
    prompt: PROMPT,
    tools: Object.fromEntries(asked.tools.map((name) => [name, takesAnything])),
    maxRetries: 0,
    timeout: { chunkMs: PATIENCE, totalMs: 2 * PATIENCE }, // the former begins with the first chunk
    onError: () => {}, // it comes as a part, too
  });
  Object.assign(told, { text: "", calls: [], parsed: [], finish_reason: null, usage: null });
  if (way === "compatible") told.reasoning = "";
  for await (const part of fullStream) hear[part.type]?.(part, told);
});
