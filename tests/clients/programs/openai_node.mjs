// OpenAI's own SDK for Node: its streams, its tool runner, its parse().

import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { WEATHER, run } from "./scenarios.mjs";

const client = new OpenAI();
const model = "gpt-4o-mini";
const Reading = z.object({ city: z.string(), celsius: z.number() });
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const makeMessages = (prompt) => [{ role: "user", content: prompt }];

async function chat() {
  async function* stream(prompt) {
    const chunks = await client.chat.completions.create({
      model,
      messages: makeMessages(prompt),
      stream: true,
    });
    for await (const chunk of chunks) yield chunk.choices[0].delta.content;
  }

  async function tool(prompt) {
    const calls = [];
    const get_weather = (input) => {
      calls.push({ name: "get_weather", arguments: input });
      return WEATHER;
    };
    const runner = client.chat.completions.runTools({
      model,
      messages: makeMessages(prompt),
      stream: true,
      tools: [
        {
          type: "function",
          function: { name: "get_weather", parameters, parse: JSON.parse, function: get_weather },
        },
      ],
    });
    return { text: await runner.finalContent(), calls };
  }

  async function usage(prompt) {
    const stream = client.chat.completions.stream({
      model,
      messages: makeMessages(prompt),
      stream_options: { include_usage: true },
    });
    const totals = await stream.totalUsage();
    const { usage } = await stream.finalChatCompletion();
    return {
      input: totals.prompt_tokens,
      output: totals.completion_tokens,
      cached: usage.prompt_tokens_details.cached_tokens,
      reasoning: usage.completion_tokens_details.reasoning_tokens,
    };
  }

  async function structured(prompt) {
    const completion = await client.chat.completions.parse({
      model,
      messages: makeMessages(prompt),
      response_format: zodResponseFormat(Reading, "reading"),
    });
    return completion.choices[0].message.parsed;
  }

  await run(stream, { tool, usage, structured });
}

async function responses() {
  async function* stream(prompt) {
    const events = await client.responses.create({ model, input: prompt, stream: true });
    for await (const event of events) {
      if (event.type === "response.output_text.delta") yield event.delta;
    }
  }

  async function tool(prompt) {
    const tools = [{ type: "function", name: "get_weather", parameters, strict: true }];
    const input = makeMessages(prompt);
    const first = await client.responses.stream({ model, input, tools }).finalResponse();
    const calls = first.output.filter((item) => item.type === "function_call");
    for (const { call_id, name, arguments: json } of calls) {
      input.push({ type: "function_call", call_id, name, arguments: json });
      input.push({ type: "function_call_output", call_id, output: WEATHER });
    }
    const second = await client.responses.stream({ model, input, tools }).finalResponse();
    return {
      calls: calls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) })),
      text: second.output_text,
    };
  }

  async function usage(prompt) {
    const { usage } = await client.responses.stream({ model, input: prompt }).finalResponse();
    return {
      input: usage.input_tokens,
      output: usage.output_tokens,
      cached: usage.input_tokens_details.cached_tokens,
      reasoning: usage.output_tokens_details.reasoning_tokens,
    };
  }

  async function structured(prompt) {
    const response = await client.responses.parse({
      model,
      input: prompt,
      text: { format: zodTextFormat(Reading, "reading") },
    });
    return response.output_parsed;
  }

  await run(stream, { tool, usage, structured });
}

await { chat, responses }[process.argv[2]]();
