// Ask the Realtime API over a WebSocket, which this SDK opens with TLS only.

import { once } from "node:events";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const client = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY, as in production

const realtime = new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);
await once(realtime.socket, "open");
const done = once(realtime, "response.done");
realtime.on("response.output_text.delta", (event) => process.stdout.write(event.delta));
realtime.send({ type: "session.update", session: { type: "realtime", output_modalities: ["text"] } });
realtime.send({
  type: "conversation.item.create",
  item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hello!" }] },
});
realtime.send({ type: "response.create" });
const [last] = await done;
console.log(`\n${last.response.status}`);
realtime.close();
