// Vercel's AI SDK: `streamText()`, with its provider for OpenAI and the one for whatever is compatible.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, streamText, tool } from "ai";
import { getPrompt, listFunctions, run, textOf } from "./consuming.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const [, , way] = process.argv;
const makeModel = {
  chat: (options, model) => createOpenAI(options).chat(model),
  compatible: (options, model) =>
    createOpenAICompatible({ ...options, name: "mock", includeUsage: true })(model),
  responses: (options, model) => createOpenAI(options).responses(model),
}[way];

const hear = {
  "text-delta": (part, outcome) => (outcome.text += part.text),
  "reasoning-delta": (part, outcome) => (outcome.reasoning = (outcome.reasoning ?? "") + part.text),
  "tool-call": (part, outcome) => {
    const text = textOf(part.input);
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

await run(async (task, outcome) => {
  const { request, timeout } = task;
  const { fullStream } = streamText({
    model: makeModel({ baseURL: task.base_url, apiKey: task.api_key }, request.model),
    prompt: getPrompt(request),
    tools: Object.fromEntries(
      listFunctions(request).map((one) => [
        one.name,
        tool({ inputSchema: jsonSchema({ ...one.parameters, additionalProperties: true }) }),
      ]),
    ),
    timeout: { chunkMs: 1000 * timeout, totalMs: 6000 * timeout }, // the former begins with the first chunk
    onError: () => {}, // it comes as a part, too
  });
  Object.assign(outcome, { text: "", tool_calls: [], parsed: [], finish_reason: null, usage: null });
  if (way === "compatible") outcome.reasoning = "";
  for await (const part of fullStream) hear[part.type]?.(part, outcome);
});
