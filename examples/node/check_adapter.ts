// Shows each case of `openai-mockserver check` to the OpenAI SDK, and reports what came of it.
// Run it with: openai-mockserver check -- node --import tsx check_adapter.ts

import OpenAI from "openai";
import { createInterface } from "node:readline";

type Outcome = { text?: string; finish_reason?: string | null; error?: string; unsupported?: string };

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  const outcome: Outcome = { text: "", finish_reason: null };
  try {
    if (task.endpoint !== "chat") throw new TypeError("only chat completions");
    const client = new OpenAI({ baseURL: task.base_url, apiKey: task.api_key });
    const signal = AbortSignal.timeout(1000 * task.timeout); // `timeout` ends at the head
    const request: OpenAI.ChatCompletionCreateParamsStreaming = task.request;
    for await (const chunk of await client.chat.completions.create(request, { signal })) {
      const choice = chunk.choices[0];
      outcome.text += choice?.delta.content ?? "";
      outcome.finish_reason = choice?.finish_reason ?? outcome.finish_reason;
    }
    if (outcome.finish_reason === null) outcome.error = "the stream ended early";
  } catch (error) {
    if (task.endpoint !== "chat") outcome.unsupported = String(error);
    else outcome.error = String(error);
  }
  console.log(JSON.stringify(outcome));
}
