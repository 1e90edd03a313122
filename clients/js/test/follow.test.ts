// Following calls over a connection that is cut again and again.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, expect } from "vitest";

import { type FollowEvent, startMockOpenAI } from "openai-mockserver";
import { test } from "openai-mockserver/vitest";

import { ask } from "./ask.js";

/** A way to a server on which each event stream is cut after some bytes. */
class CuttingProxy {
  cuts = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(target: string, bytes: (cuts: number) => number) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((client) => {
      const server = connect(Number(port), hostname);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", () => {}).on("close", () => (client.destroy(), server.destroy()));
      }
      let left = Infinity;
      client.on("data", (data) => {
        if (data.includes("/calls/follow")) left = bytes(this.cuts);
        server.write(data);
      });
      server.on("data", (data) => {
        if (left <= 0) return;
        client.write(data.subarray(0, left));
        left -= data.length;
        if (left > 0) return;
        this.cuts += 1;
        client.end();
      });
    }).listen(0, "127.0.0.1");
  }

  async open(url: string): Promise<string> {
    if (!this.#server.listening) await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return url.replace(/:\d+/, `:${port}`);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const proxies: CuttingProxy[] = [];
afterEach(() => {
  for (const proxy of proxies.splice(0)) proxy.close();
});

function openProxy(target: string, bytes: (cuts: number) => number): CuttingProxy {
  const proxy = new CuttingProxy(target, bytes);
  proxies.push(proxy);
  return proxy;
}

/** Take events until a number of calls has ended; return the type and the call's number of each. */
async function take(events: AsyncIterable<FollowEvent>, ended: number): Promise<string[]> {
  const seen = [];
  for await (const event of events) {
    if (event.type === "start" || event.type === "end") {
      seen.push(`${event.type} ${event.call.number}`);
    }
    if (event.type === "end" && --ended === 0) break;
  }
  return seen;
}

const ALL = [1, 2, 3, 4, 5, 6].flatMap((number) => [`start ${number}`, `end ${number}`]).sort();

test("each event comes once, however often the connection is cut", async ({ mockOpenAI }) => {
  await mockOpenAI.reply("Hello");
  // Within the head of the response, within an event, and at all other places.
  const proxy = openProxy(mockOpenAI.url, (cuts) => [10, 700, 1500][cuts] ?? 997 + 131 * cuts);
  const behind = await startMockOpenAI({ url: await proxy.open(mockOpenAI.url) });
  const taken = Promise.all([take(behind.follow(), 6), take(mockOpenAI.follow(), 6)]);
  for (let count = 0; count < 6; count++) await (await ask(mockOpenAI, "Hi")).text();
  const [cut, whole] = await taken;
  expect(cut).toEqual(whole);
  expect(cut.sort()).toEqual(ALL);
  expect(proxy.cuts).toBeGreaterThan(3);
});

test("it begins with the next call, also if it is cut at once", async ({ mockOpenAI }) => {
  await mockOpenAI.reply("Hello");
  await (await ask(mockOpenAI, "Hi")).text();
  const proxy = openProxy(mockOpenAI.url, (cuts) => (cuts === 0 ? 10 : Infinity));
  const behind = await startMockOpenAI({ url: await proxy.open(mockOpenAI.url) });
  const events = behind.follow({ begin: "now" });
  const first = events.next();
  await expect.poll(() => proxy.cuts).toBe(1);
  await (await ask(mockOpenAI, "Hi")).text();
  const started = (await first).value as FollowEvent & { id: string };
  expect(started).toMatchObject({ type: "start", call: { number: 2 } });
  await events.return?.();
  const again = behind.follow({ after: started.id });
  expect(await take(again, 1)).toEqual(["end 2"]);
});

test("progress and resets are told, and a signal ends it", async ({ mockOpenAI }) => {
  await mockOpenAI.reply("Hello", { faults: [{ stall: { after: 2 } }] });
  const controller = new AbortController();
  await ask(mockOpenAI, "Hi", { stream: true });
  const types: string[] = [];
  for await (const event of mockOpenAI.follow({ signal: controller.signal })) {
    if (!types.includes(event.type)) types.push(event.type);
    if (event.type === "progress") {
      expect(event.calls).toMatchObject([{ number: 1, events: 2 }]);
      await mockOpenAI.reset();
    }
    if (event.type === "reset") controller.abort();
  }
  expect(types).toEqual(["start", "progress", "reset"]);
});

test("a server that is gone is an error after a while", async ({ mockOpenAI }) => {
  const proxy = openProxy(mockOpenAI.url, () => 100);
  const behind = await startMockOpenAI({ url: await proxy.open(mockOpenAI.url) });
  proxy.close();
  const next = behind.follow({ patience: 100 }).next();
  await expect(next).rejects.toThrow("cannot reach");
  const other = await mockOpenAI.sandbox();
  await other.stop();
  await expect(other.follow().next()).rejects.toMatchObject({ status: 404 });
});
