// Sends requests to a control API, and turns what goes wrong into one kind of error.

import { MockServerError } from "./errors.js";

/** What a request has besides its path. */
export interface RequestOptions {
  method?: string;
  body?: unknown;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** A way to the control API of a server or of one of its sandboxes. */
export class Connection {
  /** Scheme, host and, behind a proxy, the path before the server's own. */
  readonly root: string;
  /** The path of a sandbox, `/s/ID`; empty for the server itself. */
  readonly sandbox: string;
  readonly token: string | undefined;
  readonly #explain: () => string | undefined;

  /**
   * @param root - the server's URL, without a slash at the end.
   * @param explain - says why the server cannot be reached, if that is known.
   */
  constructor(
    root: string,
    sandbox: string,
    token: string | undefined,
    explain: () => string | undefined = () => undefined,
  ) {
    this.root = root;
    this.sandbox = sandbox;
    this.token = token;
    this.#explain = explain;
  }

  /** Return a way to the server at a URL, which may be a base URL for clients, or a sandbox's. */
  static to(url: string, token?: string, explain?: () => string | undefined): Connection {
    let parsed: URL;
    try {
      parsed = new URL(url);
    } catch {
      throw new MockServerError(`${JSON.stringify(url)} is not a URL`, {
        advice: "Pass the server's address, such as http://127.0.0.1:8000.",
      });
    }
    const path = parsed.pathname.replace(/\/+$/, "").replace(/\/v1$/, "");
    const [, before = "", sandbox = ""] = /^(.*?)(\/s\/[\w-]+)?$/.exec(path) ?? [];
    return new Connection(parsed.origin + before, sandbox, token, explain);
  }

  get url(): string {
    return this.root + this.sandbox;
  }

  /** Return a way to another sandbox of the server, or to the server itself. */
  at(sandbox: string): Connection {
    return new Connection(this.root, sandbox, this.token, this.#explain);
  }

  /** Return the JSON of the answer; undefined if it has none. */
  async ask<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const text = await this.read(path, options);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Return the text of the answer. */
  async read(path: string, options: RequestOptions = {}): Promise<string> {
    const response = await this.fetch(path, options);
    try {
      return await response.text();
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  /** Return the response. Throws MockServerError for a problem. */
  async fetch(path: string, options: RequestOptions = {}): Promise<Response> {
    const { method = "GET", body, query = {}, headers = {}, signal } = options;
    const url = new URL(`${this.url}/_mock${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const request: RequestInit = { method, headers: { ...headers } };
    const sent = request.headers as Record<string, string>;
    if (this.token !== undefined) sent["authorization"] = `Bearer ${this.token}`;
    if (body !== undefined) {
      sent["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    if (signal !== undefined) request.signal = signal;
    let response: Response;
    try {
      response = await fetch(url, request);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw this.#unreachable(error);
    }
    if (!response.ok) throw await readProblem(response, this);
    return response;
  }

  #unreachable(error: unknown): MockServerError {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new MockServerError(`cannot reach ${this.url}: ${reason}`, {
      advice: this.#explain() ?? "Is openai-mockserver running there?",
      cause: error,
    });
  }
}

async function readProblem(response: Response, { url, sandbox }: Connection) {
  const { status } = response;
  const text = await response.text().catch(() => "");
  let problem: { detail?: string; place?: string } = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // It is not from our control API.
  }
  if (typeof problem.detail !== "string") {
    return new MockServerError(`${url} has no control API: it answers ${status}`, {
      status,
      advice:
        "Start `openai-mockserver serve` without --no-control, or MockOpenAI(control=True) in Python.",
    });
  }
  return new MockServerError(problem.detail, {
    status,
    place: problem.place,
    advice: findAdvice(status, problem.detail, sandbox !== ""),
  });
}

function findAdvice(status: number, detail: string, isSandbox: boolean): string | undefined {
  if (status === 401) {
    return "Pass its token, startMockOpenAI({ token }), or set OPENAI_MOCKSERVER_CONTROL_TOKEN.";
  }
  if (status === 404 && isSandbox && detail.startsWith("there is no sandbox")) {
    return "It was deleted, or was idle for too long: `openai-mockserver serve --sandbox-idle 0`.";
  }
  if (status === 422) {
    return "Rules and replies are those of scenario files; see the page about scenario files.";
  }
  return undefined;
}
