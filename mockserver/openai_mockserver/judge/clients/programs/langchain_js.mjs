// LangChain for JavaScript: the chunks of `ChatOpenAI.stream()`, added up.

import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { getPrompt, more, run } from "./consuming.mjs";

const [, , way] = process.argv;

await run(async (task, outcome) => {
  const { request } = task;
  const llm = new ChatOpenAI({
    model: request.model,
    apiKey: task.api_key,
    timeout: 1000 * task.timeout,
    configuration: { baseURL: task.base_url },
    useResponsesApi: way === "responses",
  });
  const { tools, ...options } = more(request);
  const model = tools ? llm.bindTools(tools) : llm;
  let whole;
  for await (const chunk of await model.stream([new HumanMessage(getPrompt(request))], options)) {
    whole = whole?.concat(chunk) ?? chunk;
    Object.assign(outcome, describe(whole));
  }
});

function describe(message) {
  const { response_metadata: metadata, usage_metadata: usage, additional_kwargs: extra } = message;
  return {
    text: message.text,
    reasoning: extra.reasoning_content ?? undefined,
    tool_calls: (message.tool_call_chunks ?? []).map(({ id, name, args }) => ({
      id: id ?? null,
      name: name ?? "",
      arguments: args ?? "",
    })),
    function_call: extra.function_call ?? null,
    parsed: (message.tool_calls ?? []).map(({ args }) => JSON.stringify(args)),
    finish_reason: way === "responses" ? undefined : (metadata.finish_reason ?? null),
    usage: usage
      ? { prompt_tokens: usage.input_tokens, completion_tokens: usage.output_tokens }
      : null,
  };
}
