// Openai-agents for JavaScript in a Realtime session: a question, a function call, and the answer.

import { tool } from "@openai/agents";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "@openai/agents/realtime";
import { z } from "zod";

const getWeather = tool({
  name: "get_weather",
  description: "Return the weather in a city.",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => {
    console.log(`get_weather(${city})`);
    return "sunny";
  },
});

const agent = new RealtimeAgent({ name: "Guide", instructions: "Be brief.", tools: [getWeather] });
const transport = new OpenAIRealtimeWebSocket({ useInsecureApiKey: true });
const session = new RealtimeSession(agent, {
  transport,
  model: "gpt-realtime",
  config: { outputModalities: ["text"] },
});
session.on("error", (error) => {
  throw new Error(JSON.stringify(error));
});

let text = "";
let turns = 0;
transport.on("*", (event) => {
  if (event.type === "response.output_text.delta") text += event.delta;
  if (event.type === "response.done" && ++turns === 2) {
    console.log(text);
    session.close();
  }
});

const url = process.env.OPENAI_BASE_URL.replace("http", "ws") + "/realtime?model=gpt-realtime";
await session.connect({ apiKey: process.env.OPENAI_API_KEY, url });
session.sendMessage("Weather in Paris?");
