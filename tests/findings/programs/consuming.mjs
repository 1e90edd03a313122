// The loop of the JavaScript programs: a line of JSON in for each stream, a line with its outcome out.
//
// A program defines how its client sends a request and accumulates the answer, as in consuming.py.

import { createInterface } from "node:readline";

export const BASE_URL = process.env.OPENAI_BASE_URL;
export const API_KEY = process.env.OPENAI_API_KEY;
export const PATIENCE = 1000 * process.env.PATIENCE; // milliseconds of silence after which a client gives up
export const MODEL = "gpt-4o-mini";
export const PROMPT = "Go on.";
export const PARAMETERS = { type: "object", properties: {}, additionalProperties: true };

/** Return the tools to offer, which accept any object. */
export const functions = (request) =>
  request.tools.map((name) => ({ type: "function", function: { name, parameters: PARAMETERS } }));

/** Return a signal that aborts after silence; call `wake` whenever something arrives. */
export function silence() {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("silence")), PATIENCE);
  return { signal: abort.signal, wake: () => timer.refresh(), end: () => clearTimeout(timer) };
}

/**
 * Consume a stream for each line of input.
 *
 * @param consume Sends one request, and fills in the outcome while the answer arrives; an exception
 *   keeps the outcome so far.
 */
export async function run(consume) {
  // Keep other output of the client apart.
  console.log = console.info = console.debug = console.error;
  const print = (outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`);
  // Errors that nobody awaits are lost to the application.
  process.on("unhandledRejection", (error) => console.error(error));
  print({});
  for await (const line of createInterface({ input: process.stdin })) {
    const outcome = {};
    try {
      await consume(JSON.parse(line), outcome);
      outcome.error = null;
    } catch (error) {
      const named = error?.name && error.name !== "Error";
      const type = named ? error.name : (error?.constructor?.name ?? typeof error);
      outcome.error = { type, message: String(error?.message ?? error) };
    }
    print(outcome);
  }
  process.exit(); // open connections would keep the program running
}
