// Jobs and webhooks, on a real server and with a real receiver.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "vitest";

import type { MockOpenAI } from "openai-mockserver";
import { test } from "openai-mockserver/vitest";

interface Event {
  type: string;
  data: { id: string };
}

/** Run a receiver that answers with these statuses in turn, and then with 204. */
async function receive(...statuses: number[]) {
  const events: Event[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    events.push(JSON.parse(body));
    response.writeHead(statuses.shift() ?? 204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, events, [Symbol.dispose]: () => server.close() };
}

async function respond(mock: MockOpenAI): Promise<{ id: string; status: string }> {
  const response = await fetch(`${mock.baseURL}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-5", input: "Hi", background: true }),
  });
  return (await response.json()) as { id: string; status: string };
}

test("a job takes time, ends, and sends a webhook", async ({ mockOpenAI }) => {
  using receiver = await receive();
  await mockOpenAI.set({ job_seconds: 3600 });
  await mockOpenAI.reply("Hello");
  const endpoint = await mockOpenAI.webhooks.to(receiver.url, { types: ["response.completed"] });
  expect(endpoint.secret).toMatch(/^whsec_/);
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => respond(mockOpenAI)));
  expect(first!.status).toBe("queued");
  expect((await mockOpenAI.jobs.finish(first!.id)).state).toBe("finished");
  await mockOpenAI.jobs.fail(second!.id, { code: "rate_limit_exceeded" });
  await expect.poll(() => receiver.events.map((one) => one.data.id)).toEqual([first!.id]);
  await mockOpenAI.jobs.advance(3600);
  await expect.poll(() => receiver.events.length).toBe(2);
  expect(receiver.events[1]!.data.id).toBe(third!.id);
  const states = (await mockOpenAI.jobs.list()).map((job) => job.state);
  expect(states.sort()).toEqual(["failed", "finished", "finished"]);
  await expect(mockOpenAI.jobs.finish(first!.id)).rejects.toThrow("has ended already");
});

test("an event is sent, and sent again", async ({ mockOpenAI }) => {
  using receiver = await receive(503);
  const endpoint = await mockOpenAI.webhooks.to(receiver.url);
  const [delivery] = await mockOpenAI.webhooks.send("batch.failed", { id: "batch_1" });
  expect(delivery!.attempts.map((one) => one.status)).toEqual([503]);
  await mockOpenAI.jobs.advance(10);
  await expect.poll(async () => (await mockOpenAI.webhooks.deliveries())[0]!.state).toBe("delivered");
  expect(receiver.events.map((one) => one.type)).toEqual(["batch.failed", "batch.failed"]);
  await mockOpenAI.webhooks.remove(endpoint);
  expect(await mockOpenAI.webhooks.endpoints()).toEqual([]);
  await expect(mockOpenAI.webhooks.send("batch.failed")).rejects.toThrow("no webhook endpoint");
});
