// A parser as people write it, with one mistake: `new TextDecoder().decode(read)` for each read.
// Run as `node parser.mjs right`, it decodes as it should.

import { createInterface } from "node:readline";

const right = process.argv[2] === "right";

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  const outcome = { text: "" };
  if (task.endpoint !== "chat") {
    console.log(JSON.stringify({ unsupported: "only chat" }));
    continue;
  }
  try {
    const response = await fetch(task.base_url + task.path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(task.request),
      signal: AbortSignal.timeout(1000 * task.timeout),
    });
    if (!response.ok) throw new Error(await response.text());
    const decoder = new TextDecoder();
    let rest = "";
    for await (const read of response.body) {
      rest += right ? decoder.decode(read, { stream: true }) : new TextDecoder().decode(read);
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const data of lines.filter((line) => line.startsWith("data:"))) {
        if (data.trim() === "data: [DONE]") break;
        const chunk = JSON.parse(data.slice(5));
        if (chunk.error) throw new Error(chunk.error.message);
        outcome.text += chunk.choices?.[0]?.delta?.content ?? "";
      }
    }
  } catch (error) {
    outcome.error = String(error);
  }
  console.log(JSON.stringify(outcome));
}
