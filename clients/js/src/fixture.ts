// What the fixtures of all test frameworks have in common: a sandbox for each test.

import type { MockOpenAI } from "./mock.js";

type Environment = Record<string, string | undefined>;

/** A sandbox, to which the environment variables of OpenAI's clients point. */
export class TestSandbox {
  readonly mock: MockOpenAI;
  readonly #environment: Environment;
  readonly #earlier: Environment;

  private constructor(mock: MockOpenAI, environment: Environment) {
    this.mock = mock;
    this.#environment = environment;
    this.#earlier = Object.fromEntries(
      Object.keys(mock.env).map((name) => [name, environment[name]]),
    );
    Object.assign(environment, mock.env);
  }

  static async open(server: MockOpenAI, environment: Environment = process.env) {
    return new TestSandbox(await server.sandbox(), environment);
  }

  /** Remove the sandbox. Throws VerificationError if a request was answered by no rule. */
  async close(): Promise<void> {
    for (const [name, value] of Object.entries(this.#earlier)) {
      if (value === undefined) delete this.#environment[name];
      else this.#environment[name] = value;
    }
    try {
      await this.mock.verify();
    } finally {
      await this.mock.stop();
    }
  }
}
