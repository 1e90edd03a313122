// OpenAI's own SDK for Node: what its `.stream()` accumulates, bare chunks, and Responses.

import OpenAI from "openai";
import { readEvent, run } from "./consuming.mjs";

const connect = ({ base_url, api_key, timeout }) =>
  new OpenAI({ baseURL: base_url, apiKey: api_key, timeout: 1000 * timeout });

async function chat(task, outcome) {
  const { stream: _, ...request } = task.request;
  const stream = connect(task).chat.completions.stream(request);
  stream.on("chunk", (chunk, snapshot) => Object.assign(outcome, describe(snapshot)));
  Object.assign(outcome, describe(await stream.finalChatCompletion()));
}

async function create(task, outcome) {
  outcome.events = [];
  const chunks = await connect(task).chat.completions.create(task.request);
  for await (const chunk of chunks) outcome.events.push(JSON.stringify(chunk));
}

async function responses(task, outcome) {
  const { stream: _, ...request } = task.request;
  for await (const event of connect(task).responses.stream(request)) readEvent(event, outcome);
}

function describe(completion) {
  const choice = completion?.choices.find((choice) => choice.index === 0);
  const message = choice?.message;
  return {
    text: message?.content ?? null,
    reasoning: message?.reasoning_content ?? message?.reasoning ?? null,
    refusal: message?.refusal ?? null,
    tool_calls: (message?.tool_calls ?? []).filter(Boolean).map((call) => ({
      id: call.id ?? null,
      name: call.function?.name ?? "",
      arguments: call.function?.arguments ?? "",
    })),
    function_call: message?.function_call ?? null,
    finish_reason: choice?.finish_reason ?? null,
    usage: completion?.usage ?? null,
  };
}

await run({ chat, create, responses }[process.argv[2]]);
