// Finds a server, or starts one.

import { Connection } from "./connection.js";
import { MockServerError } from "./errors.js";
import { MockOpenAI } from "./mock.js";
import { type ProcessOptions, ServerProcess } from "./server-process.js";

/** Which server to use, or how to start one. */
export interface StartOptions extends ProcessOptions {
  /** The URL of a running server or of a sandbox; by default OPENAI_MOCKSERVER_URL, if it is set. */
  url?: string | undefined;
  /** The token of the control API; by default OPENAI_MOCKSERVER_CONTROL_TOKEN, if it is set. */
  token?: string | undefined;
}

/**
 * Return the mock of a running server, or of one that is started: with `url`, or if
 * OPENAI_MOCKSERVER_URL is set, the former.
 *
 * A server that is started ends with `stop()`, and at the latest with this process, even if that is
 * killed. It answers without pauses, and what no rule matches is refused.
 */
export async function startMockOpenAI(options: StartOptions = {}): Promise<MockOpenAI> {
  const url = options.url ?? (process.env["OPENAI_MOCKSERVER_URL"] || undefined);
  const token = options.token ?? (process.env["OPENAI_MOCKSERVER_CONTROL_TOKEN"] || undefined);
  if (url !== undefined) {
    const connection = Connection.to(url, token);
    await checkServer(connection);
    return new MockOpenAI(connection);
  }
  const server = await ServerProcess.start({ ...options, token });
  const connection = Connection.to(server.url, token, () => server.explain());
  return new MockOpenAI(connection, () => server.stop());
}

async function checkServer(connection: Connection): Promise<void> {
  const settings = await connection.ask<unknown>("/settings").catch((error: unknown) => {
    if (error instanceof SyntaxError) return undefined; // it answers, but not with JSON
    throw error;
  });
  if (typeof settings !== "object" || settings === null || !("fail_on_unmatched" in settings)) {
    throw new MockServerError(`${connection.url} is not an openai-mockserver`);
  }
}
