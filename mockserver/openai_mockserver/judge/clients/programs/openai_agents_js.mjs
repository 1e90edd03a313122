// OpenAI's Agents SDK for JavaScript: a streamed run that stops at its first tools.

import {
  Agent,
  ModelRefusalError,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  run as runAgent,
  setTracingDisabled,
  tool,
} from "@openai/agents";
import OpenAI from "openai";
import { getPrompt, listFunctions, run } from "./consuming.mjs";

setTracingDisabled(true);
const Model = { chat: OpenAIChatCompletionsModel, responses: OpenAIResponsesModel }[process.argv[2]];

await run(async (task, outcome) => {
  const { request } = task;
  Object.assign(outcome, { text: "", tool_calls: [], parsed: [], usage: null });
  const client = new OpenAI({
    baseURL: task.base_url,
    apiKey: task.api_key,
    timeout: 1000 * task.timeout,
  });
  const tools = listFunctions(request).map((one) =>
    tool({
      name: one.name,
      description: "A tool.",
      parameters: { required: [], ...one.parameters, additionalProperties: true },
      strict: false,
      execute: (input) => {
        outcome.parsed.push(JSON.stringify(input));
        return "done";
      },
    }),
  );
  const agent = new Agent({
    name: "Assistant",
    model: new Model(client, request.model),
    tools,
    toolUseBehavior: "stop_on_first_tool",
  });
  const result = await runAgent(agent, getPrompt(request), { stream: true });
  try {
    for await (const event of result) {
      if (event.type === "raw_model_stream_event") read(event.data, outcome);
    }
    await result.completed;
  } catch (error) {
    if (!(error instanceof ModelRefusalError)) throw error; // which is how a refusal is reported
  }
});

function read(event, outcome) {
  if (event.type === "output_text_delta") outcome.text += event.delta;
  if (event.type === "response_done") {
    const { output, usage } = event.response;
    const parts = output.filter((item) => item.type === "message").flatMap((item) => item.content);
    const join = (type, member) =>
      parts.filter((part) => part.type === type).map((part) => part[member]).join("");
    outcome.text = join("output_text", "text");
    outcome.refusal = join("refusal", "refusal");
    outcome.tool_calls = output
      .filter((item) => item.type === "function_call")
      .map(({ name, arguments: json, callId }) => ({ name, arguments: json, id: callId }));
    outcome.usage = { prompt_tokens: usage.inputTokens, completion_tokens: usage.outputTokens };
  }
}
