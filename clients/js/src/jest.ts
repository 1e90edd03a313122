// A test environment for Jest, in which each test has the global `mockOpenAI`.
//
//   testEnvironment: "openai-mockserver/jest"
//
// A test gets a sandbox, to which OPENAI_BASE_URL points while it runs, and fails at its end if a
// request was answered by no rule. Hooks of `beforeEach` have it too.

import type { EnvironmentContext, JestEnvironment, JestEnvironmentConfig } from "@jest/environment";
import { TestEnvironment } from "jest-environment-node";

import { TestSandbox } from "./fixture.js";
import type { MockOpenAI } from "./mock.js";
import { startMockOpenAI } from "./start.js";

type Environment = new (
  config: JestEnvironmentConfig,
  context: EnvironmentContext,
) => JestEnvironment;

/** Return an environment, such as that of jsdom, with the global `mockOpenAI` added. */
export function withMockOpenAI(base: Environment): Environment {
  return class extends base {
    #server: MockOpenAI | undefined;
    #sandbox: TestSandbox | undefined;

    override async setup(): Promise<void> {
      await super.setup();
      this.#server = await startMockOpenAI();
      const inherited = this.handleTestEvent?.bind(this);
      this.handleTestEvent = async (event, state) => {
        // Jest awaits this if the event is asynchronous, as those here are.
        await inherited?.(event as never, state);
        if (event.name === "test_start") await this.#openSandbox();
        if (["test_done", "test_skip", "test_todo"].includes(event.name)) {
          const { test } = event as { test: { errors: unknown[] } };
          await this.#closeSandbox().catch((error: unknown) => test.errors.push(error));
        }
      };
    }

    override async teardown(): Promise<void> {
      await this.#server?.stop();
      await super.teardown();
    }

    async #openSandbox(): Promise<void> {
      if (this.#server === undefined) return;
      this.#sandbox = await TestSandbox.open(this.#server, this.global.process.env);
      Object.assign(this.global, { mockOpenAI: this.#sandbox.mock });
    }

    async #closeSandbox(): Promise<void> {
      const sandbox = this.#sandbox;
      this.#sandbox = undefined;
      await sandbox?.close();
    }
  };
}

export default withMockOpenAI(TestEnvironment);

declare global {
  /** The mock of this test. */
  var mockOpenAI: MockOpenAI;
}
