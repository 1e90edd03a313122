// The fixture `mockOpenAI` for Vitest.
//
//   import { test } from "openai-mockserver/vitest";
//   test("it answers", async ({ mockOpenAI }) => { … });
//
// A test that uses it gets a sandbox, to which OPENAI_BASE_URL points while it runs. It fails at its
// end if a request was answered by no rule.

import { test as base } from "vitest";

import { TestSandbox } from "./fixture.js";
import type { MockOpenAI } from "./mock.js";
import { startMockOpenAI } from "./start.js";

/** What a test can use. */
export interface MockOpenAIFixtures {
  /** The mock of this test. */
  mockOpenAI: MockOpenAI;
  /** The server of this worker, or with a global setup of the whole run. */
  mockOpenAIServer: MockOpenAI;
}

/** Vitest's `test` with the fixtures. */
export const test = base.extend<MockOpenAIFixtures>({
  mockOpenAIServer: [
    async ({}, use) => {
      const server = await startMockOpenAI();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  mockOpenAI: async ({ mockOpenAIServer }, use) => {
    const sandbox = await TestSandbox.open(mockOpenAIServer);
    await use(sandbox.mock);
    await sandbox.close();
  },
});

export const it = test;
