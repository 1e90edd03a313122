// The loop of the JavaScript programs: a line of JSON in for each task, a line with its outcome out.
//
// A program defines how its client sends a request and accumulates the answer, as in consuming.py.

import { createInterface } from "node:readline";

/** Return the parameters of a request besides the usual ones. */
export function more({ model, messages, input, stream, ...rest }) {
  return rest;
}

/** Return the text of the last message, or the input. */
export function getPrompt({ messages, input }) {
  const given = messages ?? input;
  return typeof given === "string" ? given : given.at(-1).content;
}

/** Return the functions that are offered as tools, each with its name and parameters. */
export const listFunctions = ({ tools }) => (tools ?? []).map((tool) => tool.function ?? tool);

/** Return the arguments of a call as text. */
export const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? ""));

/**
 * Consume a stream for each line of input.
 *
 * @param consume Sends one request, and fills in the outcome while the answer arrives; an exception
 *   keeps the outcome so far.
 */
export async function run(consume) {
  // Keep other output of the client apart.
  console.log = console.info = console.debug = console.error;
  const print = (outcome) => process.stdout.write(`${JSON.stringify(spellTexts(outcome), wellFormed)}\n`);
  // Errors that nobody awaits are lost to the application.
  process.on("unhandledRejection", (error) => console.error(error));
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

/** Half a surrogate pair, which JSON cannot carry, becomes U+FFFD. */
const wellFormed = (_, value) => (typeof value === "string" ? value.toWellFormed() : value);

/** Return an outcome whose texts that are not text, such as lists, are JSON. */
function spellTexts(outcome) {
  const spelt = { ...outcome };
  for (const name of ["text", "reasoning", "refusal", "finish_reason"]) {
    if (typeof (spelt[name] ?? "") !== "string") spelt[name] = JSON.stringify(spelt[name]);
  }
  return spelt;
}

/**
 * Read an event of the Responses API as an application does: the text comes from its deltas until
 * the final response arrives, which then counts.
 */
export function readEvent(event, outcome) {
  outcome.text ??= "";
  outcome.tool_calls ??= [];
  outcome.finish_reason ??= null;
  if (event.type === "response.output_text.delta") outcome.text += event.delta;
  if (event.type === "response.refusal.delta") outcome.refusal = (outcome.refusal ?? "") + event.delta;
  if (event.type === "error") throw new Error(`${event.code}: ${event.message}`);
  if (["response.completed", "response.incomplete", "response.failed"].includes(event.type)) {
    Object.assign(outcome, describeResponse(event.response));
    const { error } = event.response;
    if (event.type === "response.failed") throw new Error(`${error?.code}: ${error?.message}`);
  }
}

function describeResponse({ output, status, incomplete_details, usage }) {
  const parts = output.filter((item) => item.type === "message").flatMap((item) => item.content);
  const calls = output.filter((item) => item.type === "function_call");
  const join = (type, member) =>
    parts.filter((part) => part.type === type).map((part) => part[member]).join("");
  return {
    text: join("output_text", "text"),
    refusal: join("refusal", "refusal"),
    tool_calls: calls.map(({ name, arguments: json, call_id }) => ({ name, arguments: json, id: call_id })),
    finish_reason:
      status === "incomplete" ? (incomplete_details?.reason ?? null) : calls.length ? "tool_calls" : "stop",
    usage: usage ?? null,
  };
}
