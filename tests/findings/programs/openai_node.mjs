// OpenAI's own SDK for Node: what its `.stream()` accumulates.

import OpenAI from "openai";
import { API_KEY, BASE_URL, MODEL, PROMPT, functions, run, silence } from "./consuming.mjs";

const client = new OpenAI({ baseURL: BASE_URL, apiKey: API_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: PROMPT }];

await run(async (request, outcome) => {
  const more = request.tools.length ? { tools: functions(request) } : {};
  const { signal, wake, end } = silence(); // the client's own `timeout` is for the head alone
  const stream = client.chat.completions.stream(
    { model: MODEL, messages, n: request.n, stream_options: { include_usage: true }, ...more },
    { signal },
  );
  stream.on("chunk", (chunk, snapshot) => {
    wake();
    Object.assign(outcome, describe(snapshot));
  });
  try {
    Object.assign(outcome, describe(await stream.finalChatCompletion()));
  } finally {
    end();
  }
});

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
