// Rules as the server reads them: regular expressions become those of Python.

import { MockServerError } from "./errors.js";
import type { RuleDefinition } from "./types.js";

const FLAGS = "ims";
const IGNORED_FLAGS = "dgu"; // which change nothing about whether a text matches

/** Return a rule as JSON. */
export function encodeRule(rule: RuleDefinition): object {
  return encode(rule) as object;
}

function encode(value: unknown): unknown {
  if (value instanceof RegExp) return { regex: translate(value) };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== "object" || value === null || "toJSON" in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, encode(part)]));
}

/** Return a regular expression in Python's notation. */
function translate({ source, flags }: RegExp): string {
  for (const flag of flags) {
    if (!FLAGS.includes(flag) && !IGNORED_FLAGS.includes(flag)) {
      throw new MockServerError(`/${source}/${flags}: the flag ${flag} cannot be sent`, {
        advice: `Use the flags ${[...FLAGS].join(", ")}, or { regex } in Python's notation.`,
      });
    }
  }
  const sent = [...flags].filter((flag) => FLAGS.includes(flag)).join("");
  const named = source.replace(/(\\.)|\(\?<(?=[A-Za-z_$])/g, (_, escaped) => escaped ?? "(?P<");
  return (sent && `(?${sent})`) + named.replace(/\\k<(\w+)>/g, "(?P=$1)");
}
