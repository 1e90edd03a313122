// The scenarios of the JavaScript programs; each prints one line of JSON for the tests.
//
// A program defines how its client streams a text, calls the tool, reports usage, and answers in a
// structure. The prompts are chosen here, as in scenarios.py.

import { readFileSync } from "node:fs";

export const PROMPTS = JSON.parse(readFileSync(new URL("prompts.json", import.meta.url), "utf8"));
export const WEATHER = "sunny, 21 degrees";
const PIECES_READ = 3;

/** Return the pieces with text, at most `most` of them; then close the stream. */
async function read(pieces, most = Infinity) {
  const read = [];
  for await (const piece of pieces) {
    if (piece) read.push(piece);
    if (read.length === most) break;
  }
  return read;
}

async function report(scenario, ask) {
  let result;
  try {
    result = await ask();
  } catch (error) {
    result = { failed: error?.stack ?? String(error) };
  }
  // As Python's json writes it, but for its escapes.
  console.log(`{"scenario": ${JSON.stringify({ scenario, ...result }).slice(12)}`);
}

/**
 * Run all scenarios with one client, and print the result of each.
 *
 * @param stream An async generator function that yields the pieces of the answer to a prompt, and
 *   ends the client's stream when it is closed.
 * @param asks `tool`, `usage` and `structured`, as far as the client supports them.
 */
export async function run(stream, asks) {
  const attempt = async (prompt) => {
    try {
      return { pieces: await read(stream(prompt)) };
    } catch (error) {
      return { raised: error.name === "Error" ? error.constructor.name : error.name, message: error.message };
    }
  };
  await report("text", async () => ({ pieces: await read(stream(PROMPTS.text)) }));
  for (const [name, ask] of Object.entries(asks)) await report(name, () => ask(PROMPTS[name]));
  await report("early_break", async () => ({
    pieces: await read(stream(PROMPTS.early_break), PIECES_READ),
    again: await read(stream(PROMPTS.again)),
  }));
  await report("busy", () => attempt(PROMPTS.busy));
  await report("refused", () => attempt(PROMPTS.refused));
}
