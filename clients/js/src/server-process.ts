// A server that this process starts, and that ends with it.

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { MockServerError } from "./errors.js";

const MOST_OUTPUT = 20_000; // characters that are kept
const READY = /answers on (http\S+)/;

/** What to start, and how. */
export interface ProcessOptions {
  /** The program with its first arguments, by default `openai-mockserver` or `uvx openai-mockserver`. */
  command?: string | string[] | undefined;
  /** More arguments of `serve`, such as `["scenario.yaml", "--dialect", "azure"]`. */
  args?: string[] | undefined;
  /** Whether requests that no rule matches get generated text; by default they fail. */
  generate?: boolean | undefined;
  /** The token that the control API will require. */
  token?: string | undefined;
  /** Environment variables of the server, besides those of this process. */
  env?: Record<string, string> | undefined;
  /** Milliseconds to wait until the server is ready. */
  timeout?: number | undefined;
}

/** A running server. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #line: string;
  readonly #ended: Promise<void>;
  #output = "";
  #url = "";

  private constructor(command: string[], env: Record<string, string>, token?: string) {
    this.#line = command.map((word) => (word === token ? "…" : word)).join(" ");
    const guardian = fileURLToPath(new URL("./guardian.js", import.meta.url));
    this.#child = spawn(process.execPath, [guardian, ...command], {
      stdio: ["pipe", "pipe", "pipe"],
      detached: process.platform !== "win32", // so that Ctrl-C reaches only this process
      windowsHide: true,
      // Options of this process, such as those of a debugger, are not meant for the guardian.
      env: { ...process.env, NODE_OPTIONS: "", PYTHONUNBUFFERED: "1", ...env },
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.#child.stdin?.on("error", () => {}); // the guardian is gone already
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-MOST_OUTPUT);
      });
    }
  }

  /** Start a server, and wait until it answers. */
  static async start(options: ProcessOptions): Promise<ServerProcess> {
    const { timeout = 60_000, token, args = [], generate = false, env = {} } = options;
    const program = findCommand(options.command);
    const command = [...program, "serve", "--port", "0", "--pace", "none", "--quiet"];
    if (token !== undefined) command.push("--control-token", token);
    // Generated text answers requests only if the server has no files.
    if (!generate) command.push(fileURLToPath(new URL("../no-rules.json", import.meta.url)));
    const server = new ServerProcess([...command, ...args], env, token);
    await server.#waitUntilReady(timeout);
    return server;
  }

  /** Its URL, without `/v1`. */
  get url(): string {
    return this.#url;
  }

  /** Say why it cannot be reached, if it has ended. */
  explain(): string | undefined {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return undefined;
    return `\`${this.#line}\` has ended${this.#quoteOutput()}`;
  }

  /** End it. */
  async stop(): Promise<void> {
    this.#child.ref();
    this.#child.stdin?.end();
    await this.#ended;
  }

  async #waitUntilReady(timeout: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const found = new Promise<"ready">((resolve) => {
      const search = () => {
        const url = READY.exec(this.#output)?.[1];
        if (url === undefined) return;
        this.#url = url.replace(/\/v1$/, "");
        resolve("ready");
      };
      this.#child.stdout?.on("data", search);
    });
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), timeout);
    });
    const ended = this.#ended.then(() => "ended" as const);
    const outcome = await Promise.race([found, ended, late]);
    clearTimeout(timer);
    if (outcome !== "ready") {
      await this.stop();
      const what = outcome === "late" ? `was not ready after ${timeout / 1000} s` : "has ended";
      throw new MockServerError(`\`${this.#line}\` ${what}${this.#quoteOutput()}`);
    }
    this.#unref();
  }

  /** Let this process end although the server runs. */
  #unref(): void {
    this.#child.unref();
    for (const pipe of this.#child.stdio) (pipe as { unref?: () => void } | null)?.unref?.();
  }

  #quoteOutput(): string {
    const output = this.#output.trim();
    return output === "" ? " without any output" : `; its output:\n${output}`;
  }
}

function findCommand(command: string | string[] | undefined): string[] {
  if (command !== undefined) return typeof command === "string" ? [command] : command;
  if (isProgram("openai-mockserver")) return ["openai-mockserver"];
  if (isProgram("uvx")) return ["uvx", "openai-mockserver"];
  throw new MockServerError("neither openai-mockserver nor uvx is on the PATH", {
    advice:
      "Install one of them (`pip install openai-mockserver`), pass its path, " +
      "startMockOpenAI({ command }), or name a running server in OPENAI_MOCKSERVER_URL.",
  });
}

function isProgram(name: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter(Boolean);
  const suffixes = process.platform === "win32" ? [".exe", ".cmd", ".bat"] : [""];
  return folders.some((folder) =>
    suffixes.some((end) => isExecutable(path.join(folder, name + end))),
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
