// The fixture `mockOpenAI` for Playwright.
//
//   import { expect, test } from "openai-mockserver/playwright";
//   test("it answers", async ({ page, mockOpenAI }) => { … });
//
// A test that uses it gets a sandbox, to which OPENAI_BASE_URL points while it runs. It fails at its
// end if a request was answered by no rule. Workers share the server of a global setup; without one,
// each starts its own.

import { test as base } from "@playwright/test";

import { TestSandbox } from "./fixture.js";
import type { MockOpenAI } from "./mock.js";
import { startMockOpenAI, type StartOptions } from "./start.js";

export { expect } from "@playwright/test";

/** What a test can use. */
export interface MockOpenAIFixtures {
  /** The mock of this test. */
  mockOpenAI: MockOpenAI;
}

/** What a worker has. */
export interface MockOpenAIWorkerFixtures {
  /** How to find or start the server. */
  mockOpenAIOptions: StartOptions;
  /** The server. */
  mockOpenAIServer: MockOpenAI;
}

/** Playwright's `test` with the fixtures. */
export const test = base.extend<MockOpenAIFixtures, MockOpenAIWorkerFixtures>({
  mockOpenAIOptions: [{}, { option: true, scope: "worker" }],
  mockOpenAIServer: [
    async ({ mockOpenAIOptions }, use) => {
      const server = await startMockOpenAI(mockOpenAIOptions);
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  mockOpenAI: async ({ mockOpenAIServer }, use, testInfo) => {
    const sandbox = await TestSandbox.open(mockOpenAIServer);
    await use(sandbox.mock);
    if (testInfo.status !== testInfo.expectedStatus) {
      const calls = JSON.stringify(await sandbox.mock.calls(), null, 2);
      await testInfo.attach("openai-calls.json", { body: calls, contentType: "application/json" });
    }
    await sandbox.close();
  },
});
