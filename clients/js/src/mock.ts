/// <reference lib="esnext.disposable" preserve="true" />
// The mock: what tests hold.

import type { Connection } from "./connection.js";
import { MockServerError, VerificationError } from "./errors.js";
import { follow, type FollowOptions } from "./follow.js";
import { encodeRule } from "./patterns.js";
import { Jobs, Webhooks } from "./jobs.js";
import { addResponse } from "./responses.js";
import { Rule, RuleBuilder } from "./rules.js";
import type {
  Call,
  CallFilter,
  CallSummary,
  CallWithResponse,
  Conditions,
  Engine,
  EngineState,
  FollowEvent,
  RecordingList,
  Reply,
  ReplyOptions,
  RuleDefinition,
  RuleSummary,
  Settings,
  SettingsChange,
  Verdict,
} from "./types.js";

const PAGE = 100; // calls that are read at once
const API_KEY = "sk-mockserver";

/** A server that answers as OpenAI does, or one of its sandboxes. */
export class MockOpenAI implements AsyncDisposable {
  /** The responses of another server, which this one records. */
  readonly recordings: Recordings;
  /** The jobs that take time, with the setting `job_seconds`. */
  readonly jobs: Jobs;
  /** The webhooks that it sends. */
  readonly webhooks: Webhooks;
  readonly #connection: Connection;
  readonly #end: () => Promise<void>;

  /** @internal */
  constructor(connection: Connection, end: () => Promise<void> = async () => {}) {
    this.#connection = connection;
    this.#end = end;
    this.recordings = new Recordings(connection);
    this.jobs = new Jobs(connection);
    this.webhooks = new Webhooks(connection);
  }

  /** The URL, without `/v1`. */
  get url(): string {
    return this.#connection.url;
  }

  /** The base URL for OpenAI clients. */
  get baseURL(): string {
    return `${this.url}/v1`;
  }

  /** The environment variables with which an application uses this mock instead of OpenAI. */
  get env(): { OPENAI_BASE_URL: string; OPENAI_API_KEY: string } {
    return { OPENAI_BASE_URL: this.baseURL, OPENAI_API_KEY: API_KEY };
  }

  // Rules

  /** Answer every request with this reply. */
  reply(reply: Reply, options: ReplyOptions = {}): Promise<Rule> {
    return this.on({}).reply(reply, options);
  }

  /** Answer requests with these replies in turn, and then with the last again and again. */
  replies(replies: Reply[], options: ReplyOptions = {}): Promise<Rule> {
    return this.on({}).replies(replies, options);
  }

  /** Begin a rule for the requests that match; the newest matching rule answers. */
  on(conditions: Conditions): RuleBuilder {
    return new RuleBuilder(this.#connection, conditions);
  }

  /** Return the rules, the oldest first. */
  async rules(): Promise<RuleSummary[]> {
    return (await this.#connection.ask<{ rules: RuleSummary[] }>("/rules")).rules;
  }

  /** Replace all rules at once; also those that the server was started with. */
  async replaceRules(rules: RuleDefinition[]): Promise<Rule[]> {
    const options = { method: "PUT", body: rules.map(encodeRule) };
    const list = await this.#connection.ask<{ rules: RuleSummary[] }>("/rules", options);
    return list.rules.map((one) => new Rule(this.#connection, one));
  }

  // Calls

  /** Return the calls with their requests, the oldest first. */
  async calls(filter: CallFilter = {}): Promise<Call[]> {
    const calls: Call[] = [];
    for (let after: number | null = 0; after !== null;) {
      const query = { ...filter, include: "request", limit: PAGE, after };
      const page: { calls: Call[]; next: number | null } = await this.#connection.ask("/calls", {
        query,
      });
      calls.push(...page.calls.map(addMessages));
      after = page.next;
    }
    return calls;
  }

  /** Return a call with its request, and what was delivered of its response. */
  async call(number: number): Promise<CallWithResponse> {
    const call = addMessages(await this.#connection.ask<Call>(`/calls/${number}`));
    if (call.status === null) return { ...call, response: { events: [] } };
    return addResponse(call, await this.response(number));
  }

  /** Return the response to a call as a stream file; that of a call in progress is complete. */
  response(number: number): Promise<string> {
    return this.#connection.read(`/calls/${number}/response`);
  }

  /** Return calls as a HAR file. */
  har(filter: CallFilter & { limit?: number } = {}): Promise<{ log: Record<string, unknown> }> {
    return this.#connection.ask("/calls/har", { query: { ...filter } });
  }

  /** Return the calls that could not be answered or recorded. */
  problems(): Promise<CallSummary[]> {
    return this.#connection.ask("/problems");
  }

  /** Follow the calls while they happen; a connection that is cut is replaced. */
  follow(options: FollowOptions = {}): AsyncIterableIterator<FollowEvent, void, undefined> {
    return follow(this.#connection, options);
  }

  /**
   * Throw a VerificationError if a request was answered by no rule, or a response not recorded.
   *
   * @param options - `unused`: whether rules and replies that were never used count too.
   */
  async verify({ unused = false }: { unused?: boolean } = {}): Promise<void> {
    const verdict = await this.#connection.ask<Verdict>("/verify", { query: { unused } });
    if (!verdict.passed) throw new VerificationError(verdict);
  }

  /**
   * Forget rules, calls, created objects and webhooks; what the server was started with begins again.
   */
  async reset(
    what: { rules?: boolean; calls?: boolean; objects?: boolean; webhooks?: boolean } = {},
  ): Promise<void> {
    await this.#connection.ask("/reset", { method: "POST", body: what });
  }

  // Settings

  /** Return the settings. */
  settings(): Promise<Settings> {
    return this.#connection.ask("/settings");
  }

  /** Change some settings at once, and return all. */
  set(changes: SettingsChange): Promise<Settings> {
    return this.#connection.ask("/settings", { method: "PATCH", body: changes });
  }

  /** Return the state of the engine: slots, requests that run and wait, limits and others. */
  engine(): Promise<EngineState> {
    return this.#connection.ask("/engine");
  }

  /**
   * Begin with another engine, such as `"h100-8b"`; null for unlimited capacity.
   */
  setEngine(engine: Engine | null): Promise<EngineState> {
    return this.#connection.ask("/engine", { method: "PUT", body: { engine } });
  }

  // Sandboxes

  /**
   * Create a sandbox: a mock with rules, calls, objects and settings of its own at a part of the
   * server's address. `stop()` and `await using` remove it.
   *
   * @param options - `id`: the part of the address, random by default; `rules`: its first rules.
   */
  async sandbox(options: { id?: string; rules?: RuleDefinition[] } = {}): Promise<MockOpenAI> {
    const { id, rules = [] } = options;
    const server = this.#connection.at("");
    const body = { ...(id !== undefined && { id }), rules: rules.map(encodeRule) };
    const created = await server.ask<{ id: string }>("/sandboxes", { method: "POST", body });
    return new MockOpenAI(this.#connection.at(`/s/${created.id}`), () =>
      removeSandbox(server, created.id),
    );
  }

  /** End a server that was started, or remove a sandbox that was created; otherwise do nothing. */
  stop(): Promise<void> {
    return this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function removeSandbox(server: Connection, id: string): Promise<void> {
  try {
    await server.ask(`/sandboxes/${id}`, { method: "DELETE" });
  } catch (error) {
    // It is gone already, or the whole server is.
    const isGone = error instanceof MockServerError && [404, undefined].includes(error.status);
    if (!isGone) throw error;
  }
}

function addMessages(call: Call): Call {
  const messages: unknown = call.request.json?.messages;
  return { ...call, messages: Array.isArray(messages) ? messages : [] };
}

/** The responses of another server to requests that no rule answers, recorded as stream files. */
export class Recordings {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Record the server at a URL, such as `https://api.openai.com/v1`. */
  start(upstream: string): Promise<RecordingList> {
    return this.#connection.ask("/recordings/start", { method: "POST", body: { upstream } });
  }

  /** Stop recording; the recordings stay. */
  stop(): Promise<RecordingList> {
    return this.#connection.ask("/recordings/stop", { method: "POST" });
  }

  list(): Promise<RecordingList> {
    return this.#connection.ask("/recordings");
  }

  /** Return a recording, which is a stream file. */
  read(name: string): Promise<string> {
    return this.#connection.read(`/recordings/${encodeURIComponent(name)}`);
  }
}
