// Rules as the server reads them: regular expressions become those of Python.

import { MockServerError } from "./errors.js";
import type { Conditions, Pattern, RuleDefinition } from "./types.js";

const FLAGS = "ims";
const IGNORED_FLAGS = "dgu"; // which change nothing about whether a text matches

/** Return a rule as JSON. */
export function encodeRule(rule: RuleDefinition): object {
  const { user, system, model, tools, tool_result, headers, ...rest } = rule;
  const texts = { user, system, model, tools, tool_result };
  const encoded: Record<string, unknown> = { ...rest };
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) encoded[name] = encodePatterns(value);
  }
  if (headers !== undefined) encoded["headers"] = encodeHeaders(headers);
  return encoded;
}

function encodeHeaders(headers: NonNullable<Conditions["headers"]>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, encodePattern(value)]),
  );
}

function encodePatterns(value: Pattern | Pattern[]) {
  return Array.isArray(value) ? value.map(encodePattern) : encodePattern(value);
}

function encodePattern(value: Pattern): string | object {
  return value instanceof RegExp ? { regex: translate(value) } : value;
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
