// eventsource-parser: the data of the events that its stream makes of a response's body.

import { EventSourceParserStream } from "eventsource-parser/stream";
import { API_KEY, BASE_URL, MODEL, PROMPT, functions, run, silence } from "./consuming.mjs";

await run(async (request, outcome) => {
  const more = request.tools.length ? { tools: functions(request) } : {};
  const { signal, wake, end } = silence();
  const response = await fetch(`${BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: MODEL,
      messages: [{ role: "user", content: PROMPT }],
      stream: true,
      n: request.n,
      ...more,
    }),
    signal,
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  outcome.events = [];
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  try {
    for await (const event of events) {
      outcome.events.push(event.data);
      wake();
    }
  } finally {
    end();
  }
});
