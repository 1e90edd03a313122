// Servers that are found, and servers that are started and end.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type MockOpenAI, startMockOpenAI } from "openai-mockserver";

import { answer, ask } from "./ask.js";

const SHARED = process.env["OPENAI_MOCKSERVER_URL"]!;

beforeEach(() => {
  vi.stubEnv("OPENAI_MOCKSERVER_URL", "");
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Wait until nothing listens at a URL. */
async function waitForEnd(url: string): Promise<void> {
  const ask = () => fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) });
  await vi.waitFor(() => expect(ask()).rejects.toThrow("fetch failed"), { timeout: 20_000 });
}

describe("a server that is started", () => {
  test("answers without pauses, refuses what no rule matches, and stops", async () => {
    let url: string;
    {
      await using mock = await startMockOpenAI();
      url = mock.url;
      expect(await mock.settings()).toMatchObject({ pace: "none" });
      await mock.on({ user: "Hi" }).reply("Hello");
      expect(await answer(mock, "Hi")).toBe("Hello");
      expect((await ask(mock, "Good morning")).status).toBe(400);
      await mock.reply("Hello", { faults: ["hold"] });
      await ask(mock, "Hi", { stream: true }); // it never ends
    }
    await waitForEnd(url);
  });

  test("takes arguments, a token and a command", async () => {
    const program = execFileSync("sh", ["-c", "command -v openai-mockserver"]).toString().trim();
    await using mock = await startMockOpenAI({
      command: [program],
      args: ["--dialect", "azure"],
      token: "secret",
      generate: true,
    });
    expect(await mock.settings()).toMatchObject({ dialect: "azure" });
    expect(await answer(mock, "Good morning")).not.toBe("");
    const stranger = startMockOpenAI({ url: mock.url });
    await expect(stranger).rejects.toThrow(/needs its token[^]*OPENAI_MOCKSERVER_CONTROL_TOKEN/);
    vi.stubEnv("OPENAI_MOCKSERVER_CONTROL_TOKEN", "secret");
    expect((await startMockOpenAI({ url: mock.url })).baseURL).toBe(mock.baseURL);
  });

  test("is looked for on the PATH, and uvx is the second choice", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "path-"));
    vi.stubEnv("PATH", folder);
    await expect(startMockOpenAI()).rejects.toThrow(/nor uvx is on the PATH\nInstall one of them/);
    writeFileSync(path.join(folder, "uvx"), '#!/bin/sh\necho "called with $*"\nexit 3\n');
    chmodSync(path.join(folder, "uvx"), 0o755);
    symlinkSync("/bin/sh", path.join(folder, "sh"));
    await expect(startMockOpenAI()).rejects.toThrow(
      /`uvx openai-mockserver serve .*` has ended; its output:\ncalled with openai-mockserver serve/,
    );
    rmSync(folder, { recursive: true });
  });

  test("that does not become ready is an error with its output", async () => {
    const failing = startMockOpenAI({ args: ["--dialect", "nobody"], token: "secret" });
    await expect(failing).rejects.toThrow(/-token … .*has ended; its output:\n[^]*nobody/);
    const command = [process.execPath, "-e", "console.log('busy'); setInterval(() => {}, 1000)"];
    await expect(startMockOpenAI({ command, timeout: 3000 })).rejects.toThrow(
      /was not ready after 3 s; its output:\nbusy/,
    );
    const missing = startMockOpenAI({ command: "/no/such/program" });
    await expect(missing).rejects.toThrow("spawn /no/such/program ENOENT");
  });

  test("explains calls after its end", async () => {
    const mock = await startMockOpenAI();
    await mock.stop();
    await expect(mock.calls()).rejects.toThrow(/cannot reach .*\n`openai-mockserver serve .* has/);
  });
});

const PROGRAM = `
  import { startMockOpenAI } from "openai-mockserver";
  const mock = await startMockOpenAI();
  console.log(mock.url);
`;

describe.concurrent("a server that nobody stops ends when node", () => {
  test.each([
    ["returns", "", "SIGCONT", 0, null],
    ["exits", "process.exit(4);", "SIGCONT", 4, null],
    ["fails", "await mock.reply({ no: 1 });", "SIGCONT", 1, null],
    ["is interrupted", "setInterval(() => {}, 1000);", "SIGINT", null, "SIGINT"],
    ["is killed", "setInterval(() => {}, 1000);", "SIGKILL", null, "SIGKILL"],
  ] as const)("%s", async (_, rest, signal, code, ending) => {
    const program = spawn("node", ["--input-type=module", "--eval", PROGRAM + rest], {
      cwd: import.meta.dirname,
      env: { ...process.env, OPENAI_MOCKSERVER_URL: "" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(program, "exit");
    const [url] = (await once(createInterface(program.stdout), "line")) as [string];
    program.kill(signal);
    expect(await ended).toEqual([code, ending]);
    await waitForEnd(url);
  });
});

describe("a server that is found", () => {
  test("by OPENAI_MOCKSERVER_URL is not stopped", async () => {
    vi.stubEnv("OPENAI_MOCKSERVER_URL", `${SHARED}/v1/`);
    const mock = await startMockOpenAI();
    expect(mock.url).toBe(SHARED);
    await mock.stop();
    expect((await fetch(`${SHARED}/health`)).status).toBe(200);
  });

  test("must be one", async () => {
    const server: Server = createServer((_, response) => response.end("[]")).listen(0);
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(startMockOpenAI({ url })).rejects.toThrow("is not an openai-mockserver");
    server.close();
    server.closeAllConnections();
    await waitForEnd(url);
    await expect(startMockOpenAI({ url })).rejects.toThrow(/^cannot reach .*\nIs openai-mocks/);
    await expect(startMockOpenAI({ url: "localhost" })).rejects.toThrow('"localhost" is not a URL');
    const off: MockOpenAI = await startMockOpenAI({ args: ["--no-control"] });
    await expect(off.rules()).rejects.toThrow(/has no control API[^]*without --no-control/);
    await off.stop();
  });
});
