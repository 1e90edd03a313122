// eventsource-parser: the data of the events that its stream makes of a response's body.

import { EventSourceParserStream } from "eventsource-parser/stream";
import { run } from "./consuming.mjs";

/** Return a signal that aborts after silence; call `wake` whenever something arrives. */
function watchSilence(seconds) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("silence")), 1000 * seconds);
  return { signal: abort.signal, wake: () => timer.refresh(), end: () => clearTimeout(timer) };
}

await run(async (task, outcome) => {
  const { signal, wake, end } = watchSilence(task.timeout);
  outcome.events = [];
  try {
    const response = await fetch(task.base_url + task.path, {
      method: "POST",
      headers: { authorization: `Bearer ${task.api_key}`, "content-type": "application/json" },
      body: JSON.stringify(task.request),
      signal,
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const events = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const event of events) {
      outcome.events.push(event.data);
      wake();
    }
  } finally {
    end();
  }
});
