// One server for a whole run, for the option `globalSetup` of Vitest, Playwright and Jest.
//
//   globalSetup: "openai-mockserver/global-setup"
//
// Workers inherit the variable OPENAI_MOCKSERVER_URL, by which `startMockOpenAI` and the fixtures find
// the server. A server that is named there already is used as it is.

import { startMockOpenAI, type StartOptions } from "./start.js";

const VARIABLE = "OPENAI_MOCKSERVER_URL";
const TOKEN = "OPENAI_MOCKSERVER_CONTROL_TOKEN";

/** Return a global setup that starts a server with these options. */
export function createGlobalSetup(options: StartOptions = {}) {
  return async function setUp(): Promise<() => Promise<void>> {
    const server = await startMockOpenAI(options);
    const earlier = { [VARIABLE]: process.env[VARIABLE], [TOKEN]: process.env[TOKEN] };
    process.env[VARIABLE] = server.url;
    if (options.token !== undefined) process.env[TOKEN] = options.token;
    return async function tearDown() {
      for (const [name, value] of Object.entries(earlier)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await server.stop();
    };
  };
}

export default createGlobalSetup();
