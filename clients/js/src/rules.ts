// Rules that were added, and rules that are being made.

import type { Connection } from "./connection.js";
import { encodeRule } from "./patterns.js";
import type { Conditions, Reply, ReplyOptions, RuleDefinition, RuleSummary } from "./types.js";

/** A rule on the server. */
export class Rule {
  readonly number: number;
  readonly description: string;
  readonly #connection: Connection;

  constructor(connection: Connection, summary: RuleSummary) {
    this.#connection = connection;
    this.number = summary.number;
    this.description = summary.description;
  }

  /** Return the rule as it is now. */
  read(): Promise<RuleSummary> {
    return this.#connection.ask(`/rules/${this.number}`);
  }

  /** Return how many requests it has answered. */
  async useCount(): Promise<number> {
    return (await this.read()).use_count;
  }

  /** Remove it. */
  async delete(): Promise<void> {
    await this.#connection.ask(`/rules/${this.number}`, { method: "DELETE" });
  }
}

/** Conditions that wait for their reply, as returned by `mock.on(...)`. */
export class RuleBuilder {
  readonly #connection: Connection;
  readonly #conditions: Conditions;

  constructor(connection: Connection, conditions: Conditions) {
    this.#connection = connection;
    this.#conditions = conditions;
  }

  /** Answer matching requests with this reply. */
  reply(reply: Reply, options: ReplyOptions = {}): Promise<Rule> {
    return addRule(this.#connection, { ...this.#conditions, ...options, reply });
  }

  /** Answer matching requests with these replies in turn, and then with the last again and again. */
  replies(replies: Reply[], options: ReplyOptions = {}): Promise<Rule> {
    return addRule(this.#connection, { ...this.#conditions, ...options, replies });
  }
}

async function addRule(connection: Connection, rule: RuleDefinition): Promise<Rule> {
  const body = encodeRule(rule);
  const added = await connection.ask<{ rules: [RuleSummary] }>("/rules", { method: "POST", body });
  return new Rule(connection, added.rules[0]);
}
