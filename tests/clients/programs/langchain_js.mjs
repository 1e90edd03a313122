// LangChain for JavaScript: ChatOpenAI on either endpoint.

import { tool as makeTool } from "@langchain/core/tools";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { WEATHER, run } from "./scenarios.mjs";

const llm = new ChatOpenAI({
  model: "gpt-4o-mini",
  useResponsesApi: process.argv[2] === "responses",
});

async function* stream(prompt) {
  for await (const chunk of await llm.stream(prompt)) yield chunk.text;
}

async function whole(model, messages) {
  let message;
  for await (const chunk of await model.stream(messages)) message = message?.concat(chunk) ?? chunk;
  return message;
}

async function tool(prompt) {
  const calls = [];
  const getWeather = makeTool(
    (input) => {
      calls.push({ name: "get_weather", arguments: input });
      return WEATHER;
    },
    {
      name: "get_weather",
      description: "The weather in a city",
      schema: z.object({ city: z.string() }),
    },
  );
  const model = llm.bindTools([getWeather]);
  const messages = [new HumanMessage(prompt)];
  const firstAnswer = await whole(model, messages);
  messages.push(firstAnswer);
  for (const call of firstAnswer.tool_calls) messages.push(await getWeather.invoke(call));
  const answer = await whole(model, messages);
  return { calls, text: answer.text };
}

async function usage(prompt) {
  const { usage_metadata: totals } = await whole(llm, prompt);
  return {
    input: totals.input_tokens,
    output: totals.output_tokens,
    cached: totals.input_token_details.cache_read,
    reasoning: totals.output_token_details.reasoning,
  };
}

async function structured(prompt) {
  const schema = z.object({ city: z.string(), celsius: z.number() });
  return llm.withStructuredOutput(schema, { name: "Reading" }).invoke(prompt);
}

await run(stream, { tool, usage, structured });
