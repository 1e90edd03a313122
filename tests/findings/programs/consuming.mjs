// What the JavaScript programs share: a line of JSON in for each stream, a line with its outcome out.
//
// A program says how its client asks and accumulates, as in consuming.py.

import { createInterface } from "node:readline";

export const BASE_URL = process.env.OPENAI_BASE_URL;
export const API_KEY = process.env.OPENAI_API_KEY;
export const PATIENCE = 1000 * process.env.PATIENCE; // milliseconds of silence that a client bears
export const MODEL = "gpt-4o-mini";
export const PROMPT = "Go on.";
export const PARAMETERS = { type: "object", properties: {}, additionalProperties: true };

/** The tools to offer, which take any object. */
export const functions = (asked) =>
  asked.tools.map((name) => ({ type: "function", function: { name, parameters: PARAMETERS } }));

/** A signal that aborts after so much silence: whatever comes is to wake it. */
export function silence() {
  const stopped = new AbortController();
  const timer = setTimeout(() => stopped.abort(new Error("silence")), PATIENCE);
  return { signal: stopped.signal, wake: () => timer.refresh(), end: () => clearTimeout(timer) };
}

/**
 * Consume stream after stream, until there is no more line.
 *
 * @param consume Makes one request and fills in what the client makes of the answer, as it comes: an
 *   exception leaves standing what was told before it.
 */
export async function run(consume) {
  // Clients print what they like, which is not ours to read.
  console.log = console.info = console.debug = console.error;
  const tell = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);
  // What a client throws where nobody awaits it is lost to the application.
  process.on("unhandledRejection", (error) => console.error(error));
  tell({});
  for await (const line of createInterface({ input: process.stdin })) {
    const told = {};
    try {
      await consume(JSON.parse(line), told);
      told.error = null;
    } catch (error) {
      const named = error?.name && error.name !== "Error";
      const type = named ? error.name : (error?.constructor?.name ?? typeof error);
      told.error = { type, message: String(error?.message ?? error) };
    }
    tell(told);
  }
  process.exit(); // connections that are kept alive keep the program, too
}
