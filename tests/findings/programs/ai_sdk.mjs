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
  "text-delta": (part, outcome) => (outcome.text += part.text),
  "reasoning-delta": (part, outcome) => (outcome.reasoning = (outcome.reasoning ?? "") + part.text),
  "tool-call": (part, outcome) => {
    const text = typeof part.input === "string" ? part.input : JSON.stringify(part.input);
    outcome.tool_calls.push({ id: part.toolCallId, name: part.toolName, arguments: text });
    if (!part.invalid) outcome.parsed.push(text);
  },
  finish: (part, outcome) => {
    outcome.finish_reason = part.finishReason;
    outcome.usage = {
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

await run(async (request, outcome) => {
  const { fullStream } = streamText({
    model,
    prompt: PROMPT,
    tools: Object.fromEntries(request.tools.map((name) => [name, takesAnything])),
    maxRetries: 0,
    timeout: { chunkMs: PATIENCE, totalMs: 2 * PATIENCE }, // the former begins with the first chunk
    onError: () => {}, // it comes as a part, too
  });
  Object.assign(outcome, { text: "", tool_calls: [], parsed: [], finish_reason: null, usage: null });
  if (way === "compatible") outcome.reasoning = "";
  for await (const part of fullStream) hear[part.type]?.(part, outcome);
});
