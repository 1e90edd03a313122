// Rules, calls, settings, sandboxes and recordings, on a real server.

import { describe, expect } from "vitest";

import { MockServerError, startMockOpenAI, VerificationError } from "openai-mockserver";
import { test } from "openai-mockserver/vitest";

import { answer, ask } from "./ask.js";

describe("rules", () => {
  test("the newest rule that matches answers", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("Hello");
    const rule = await mockOpenAI.on({ user: { contains: "weather" } }).reply("Sunny");
    expect(await answer(mockOpenAI, "The weather?")).toBe("Sunny");
    expect(await answer(mockOpenAI, "Hi")).toBe("Hello");
    expect(await rule.useCount()).toBe(1);
    await rule.delete();
    expect(await answer(mockOpenAI, "The weather?")).toBe("Hello");
  });

  test("replies come in turn, with faults and a number of times", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("at last");
    await mockOpenAI.replies(["one", { error: { status: 503 } }], { times: 2 });
    expect(await answer(mockOpenAI, "Hi")).toBe("one");
    expect((await ask(mockOpenAI, "Hi")).status).toBe(503);
    expect(await answer(mockOpenAI, "Hi")).toBe("at last");
    await mockOpenAI.reply("Hello, world", { faults: ["drop_done", { reset: { after: 2 } }] });
    const response = await ask(mockOpenAI, "Hi", { stream: true });
    await expect(response.text()).rejects.toThrow();
  });

  test("regular expressions become Python's", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("no");
    await mockOpenAI.on({ user: /^(?<first>H)i\/\k<first>\(?<$/i }).reply("yes");
    expect(await answer(mockOpenAI, "hI/h<")).toBe("yes");
    expect(await answer(mockOpenAI, "Ho")).toBe("no");
    const sticky = mockOpenAI.on({ user: /x/y }).reply("no");
    await expect(sticky).rejects.toThrow("the flag y cannot be sent");
  });

  test("patterns compose, also of regular expressions", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("no");
    const user = { all_of: [/story/i, { not: { any_of: ["a sad story", /long/] } }] };
    const json = { "messages[0].role": "user", temperature: { not: { gt: 1 } } };
    await mockOpenAI.on({ user, json, turn: { lt: 1 } }).reply("yes");
    expect(await answer(mockOpenAI, "a Story")).toBe("yes");
    expect(await answer(mockOpenAI, "a sad story")).toBe("no");
    expect(await answer(mockOpenAI, "a long story")).toBe("no");
  });

  test("a reply quotes the request, and comes by chance", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("{{ request.user }}?", { template: true });
    await mockOpenAI.reply("never", { chance: 0 });
    expect(await answer(mockOpenAI, "Hi")).toBe("Hi?");
  });

  test("all rules are replaced at once", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("earlier");
    const [rule] = await mockOpenAI.replaceRules([
      { user: "Hi", headers: { authorization: /key$/ }, reply: "now" },
    ]);
    expect(await mockOpenAI.rules()).toMatchObject([
      { number: rule?.number, use_count: 0, rule: { user: "Hi", reply: "now" } },
    ]);
    expect(await answer(mockOpenAI, "Hi")).toBe("now");
  });

  test("a mistake is an error that says where it is", async ({ mockOpenAI }) => {
    const reply = { text: "Hello", finsh_reason: "stop" } as object;
    const error = await mockOpenAI.reply(reply).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(MockServerError);
    expect(error).toMatchObject({ status: 422, place: "reply.finsh_reason" });
    expect((error as Error).message).toMatch(/^reply\.finsh_reason: there is no such key/);
  });
});

describe("calls", () => {
  test("they have their requests, and can be filtered", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("Hello");
    await ask(mockOpenAI, "first");
    await ask(mockOpenAI, "second", { model: "gpt-4o-mini" });
    const calls = await mockOpenAI.calls();
    expect(calls.map((call) => call.messages.at(-1).content)).toEqual(["first", "second"]);
    expect(await mockOpenAI.calls({ model: "gpt-4o-mini" })).toMatchObject([{ user: "second" }]);
    expect(await mockOpenAI.calls({ problem: true })).toEqual([]);
    expect((await mockOpenAI.har()).log["entries"]).toHaveLength(2);
  });

  test("there may be more than a page of them", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("Hello");
    for (let count = 0; count < 105; count++) await (await ask(mockOpenAI, `${count}`)).text();
    const users = (await mockOpenAI.calls()).map((call) => call.user);
    expect(users).toEqual(Array.from({ length: 105 }, (_, number) => `${number}`));
  });

  test("a call has the events that were delivered, and when", async ({ mockOpenAI }) => {
    await mockOpenAI.reply({ text: ["Hel", "lo"] }, { faults: [{ truncate: { after: 2 } }] });
    const response = await ask(mockOpenAI, "Hi", { stream: true });
    await expect(response.text()).rejects.toThrow();
    const { number } = (await mockOpenAI.calls())[0]!;
    const { request, delivered, response: received } = await mockOpenAI.call(number);
    expect(request.json.stream).toBe(true);
    expect(delivered).toMatchObject({ events: 2, exact: true });
    expect(received.events.map((one) => one.json.choices[0].delta.content)).toEqual(["", "Hel"]);
    expect(received.events[1]!.at).toBeGreaterThanOrEqual(received.events[0]!.at!);
    expect(await mockOpenAI.response(number)).toContain('"end":"truncate"');
  });

  test("the response to any other call is its body", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("Hello");
    const text = await (await ask(mockOpenAI, "Hi")).text();
    expect((await mockOpenAI.call(1)).response).toEqual({ events: [], body: text });
  });

  test("events that are sent as raw bytes are decoded too", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("Hello", { faults: [{ multi_line: {} }] });
    const response = await ask(mockOpenAI, "Hi", { stream: true });
    const count = (await response.text()).split("\n\n").length - 1;
    const { events } = (await mockOpenAI.call(1)).response;
    expect(events).toHaveLength(count);
    expect(events.at(-1)!.data).toBe("[DONE]");
  });

  test("a request that no rule matches fails the verification", async ({ mockOpenAIServer }) => {
    await using mock = await mockOpenAIServer.sandbox();
    await mock.on({ user: "Hi" }).reply("Hello");
    await mock.verify();
    const unused = mock.verify({ unused: true });
    await expect(unused).rejects.toThrow("on(user='Hi') answered no request");
    expect(await answer(mock, "Good morning")).toContain("no rule matches");
    const error = await mock.verify().catch((one: unknown) => one);
    expect(error).toBeInstanceOf(VerificationError);
    expect((error as VerificationError).verdict.problems).toHaveLength(1);
    expect((error as Error).message).toContain("user is 'Good morning'");
    expect(await mock.problems()).toMatchObject([{ user: "Good morning" }]);
    await mock.reset();
    await mock.verify();
    expect(await mock.rules()).toEqual([]);
  });
});

test("settings are changed at once", async ({ mockOpenAI }) => {
  const settings = await mockOpenAI.set({ dialect: "azure", pace: { ttft: 0.01 } });
  expect(settings).toMatchObject({ dialect: "azure", fail_on_unused: false });
  expect(await mockOpenAI.settings()).toEqual(settings);
  const change = mockOpenAI.set({ dialect: "nobody" });
  await expect(change).rejects.toMatchObject({ status: 422, place: "dialect" });
});

test("an engine is set, and shows what it does", async ({ mockOpenAI }) => {
  expect(await mockOpenAI.engine()).toMatchObject({ engine: null, running: 0 });
  const state = await mockOpenAI.setEngine({ slots: 4, limits: { rpm: 60 } });
  expect(state).toMatchObject({ slots: 4, waiting: 0, limits: [] });
  expect((await mockOpenAI.set({ engine: "h100-8b" })).engine).toBe("h100-8b");
  await expect(mockOpenAI.setEngine("h200")).rejects.toMatchObject({ status: 422, place: "engine" });
});

describe("sandboxes", () => {
  test("they are apart, also if they are created in one another", async ({ mockOpenAI }) => {
    const other = await mockOpenAI.sandbox({ rules: [{ user: /^H/, reply: "from the other" }] });
    await mockOpenAI.reply("from the first");
    expect(await answer(other, "Hi")).toBe("from the other");
    expect(await answer(mockOpenAI, "Hi")).toBe("from the first");
    expect(await other.calls()).toHaveLength(1);
    await other.stop();
    await other.stop();
    await expect(other.calls()).rejects.toThrow(/there is no sandbox .*\nIt was deleted/);
  });

  test("one is found again by its base URL", async ({ mockOpenAI }) => {
    await mockOpenAI.reply("Hello");
    const again = await startMockOpenAI({ url: mockOpenAI.baseURL });
    expect(again.baseURL).toBe(mockOpenAI.baseURL);
    expect(await again.rules()).toHaveLength(1);
  });

  test("the environment leads to that of the test", async ({ mockOpenAI }) => {
    expect(process.env["OPENAI_BASE_URL"]).toBe(mockOpenAI.baseURL);
    expect(process.env["OPENAI_API_KEY"]).toBe("sk-mockserver");
  });
});

test("an upstream is recorded", async ({ mockOpenAI, mockOpenAIServer }) => {
  await mockOpenAI.reply("from upstream");
  await using recorder = await mockOpenAIServer.sandbox();
  await recorder.recordings.start(mockOpenAI.baseURL);
  expect(await answer(recorder, "Hi")).toBe("from upstream");
  const { upstream, recordings } = await recorder.recordings.stop();
  expect(upstream).toBeNull();
  expect(recordings).toHaveLength(1);
  expect(await recorder.recordings.read(recordings[0]!.name)).toContain("from upstream");
});
