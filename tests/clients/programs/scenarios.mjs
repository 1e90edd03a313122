// What the JavaScript programs share: the scenarios, and one line of JSON on each for the tests.
//
// A program says how its client streams a prompt's text, calls the tool, tells its usage, and answers
// in a structure; what is asked of it is decided here, as in scenarios.py.

import { readFileSync } from "node:fs";

export const PROMPTS = JSON.parse(readFileSync(new URL("prompts.json", import.meta.url), "utf8"));
export const WEATHER = "sunny, 21 degrees";
const PIECES_READ = 3;

/** The pieces that say something, at most so many of them, and then the stream is closed. */
async function read(pieces, most = Infinity) {
  const read = [];
  for await (const piece of pieces) {
    if (piece) read.push(piece);
    if (read.length === most) break;
  }
  return read;
}

async function tell(scenario, ask) {
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
 * Do all scenarios with one client, and print what came of each.
 *
 * @param stream A prompt's answer, as the pieces of text that the client gives; an async generator
 *   that ends the client's stream where it is left.
 * @param asks `tool`, `usage` and `structured`, as far as the client has them.
 */
export async function run(stream, asks) {
  const attempt = async (prompt) => {
    try {
      return { pieces: await read(stream(prompt)) };
    } catch (error) {
      return { raised: error.name === "Error" ? error.constructor.name : error.name, message: error.message };
    }
  };
  await tell("text", async () => ({ pieces: await read(stream(PROMPTS.text)) }));
  for (const [name, ask] of Object.entries(asks)) await tell(name, () => ask(PROMPTS[name]));
  await tell("early_break", async () => ({
    pieces: await read(stream(PROMPTS.early_break), PIECES_READ),
    again: await read(stream(PROMPTS.again)),
  }));
  await tell("busy", () => attempt(PROMPTS.busy));
  await tell("refused", () => attempt(PROMPTS.refused));
}
