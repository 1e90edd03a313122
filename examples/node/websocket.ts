// Ask the Responses API over a WebSocket.

import { once } from "node:events";
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";

const client = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY, as in production

const responses = new ResponsesWS(client);
const completed = once(responses, "response.completed");
responses.on("response.output_text.delta", (event) => process.stdout.write(event.delta));
responses.send({ type: "response.create", model: "gpt-5", input: "Greet the world." });
const [{ response }] = await completed;
console.log(`\n${response.status}, ${response.usage?.total_tokens} tokens`);
responses.close();
