// Jobs that take time, and the webhooks that tell of their ends.

import type { Connection } from "./connection.js";
import { MockServerError } from "./errors.js";
import type { Job, NewWebhookEndpoint, WebhookDelivery, WebhookEndpoint } from "./types.js";

const PAGE = 1000; // deliveries that are read at once
const INTERVAL = 50; // milliseconds between two looks whether an event was sent
const TIMEOUT = 20_000; // milliseconds after which an event should have been sent

/** Background responses, batches and other jobs of a server, or of one of its sandboxes. */
export class Jobs {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Return the jobs that are running or have ended, the oldest first. */
  async list(): Promise<Job[]> {
    return (await this.#connection.ask<{ jobs: Job[] }>("/jobs")).jobs;
  }

  /** End a job now, as it would have ended by itself. */
  finish(id: string): Promise<Job> {
    return this.#connection.ask(`/jobs/${encodeURIComponent(id)}/finish`, { method: "POST" });
  }

  /** Let a job fail now; the error has defaults. */
  fail(id: string, error: { message?: string; code?: string } = {}): Promise<Job> {
    const options = { method: "POST", body: error };
    return this.#connection.ask(`/jobs/${encodeURIComponent(id)}/fail`, options);
  }

  /** Move the clock of the jobs and webhooks forward by a number of seconds. */
  async advance(seconds: number): Promise<void> {
    await this.#connection.ask("/jobs/advance", { method: "POST", body: { seconds } });
  }
}

/** The webhooks that a server sends, or one of its sandboxes. */
export class Webhooks {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Add a receiver, and return it with its secret, which is never shown again.
   *
   * @param url - its URL, which the server must be able to reach.
   * @param options - `secret`: by default that of the server's environment, or a random one; `types`:
   * the types of events that it receives, all by default; `timeout`: seconds for its answer.
   */
  to(
    url: string,
    options: { secret?: string; types?: string[]; timeout?: number } = {},
  ): Promise<NewWebhookEndpoint> {
    return this.#connection.ask("/webhooks", { method: "POST", body: { url, ...options } });
  }

  /** Return the receivers, the oldest first. */
  async endpoints(): Promise<WebhookEndpoint[]> {
    return (await this.#connection.ask<{ endpoints: WebhookEndpoint[] }>("/webhooks")).endpoints;
  }

  /** Remove a receiver. */
  async remove(endpoint: { number: number }): Promise<void> {
    await this.#connection.ask(`/webhooks/${endpoint.number}`, { method: "DELETE" });
  }

  /**
   * Send an event to each receiver, and return the deliveries after their first attempt.
   *
   * @param type - the type of the event, such as `response.completed`.
   * @param data - its data; by default that of an object which does not exist.
   * @param options - `faults`: names of faults of webhooks, such as `late`.
   */
  async send(
    type: string,
    data?: Record<string, unknown>,
    { faults = [] }: { faults?: string[] } = {},
  ): Promise<WebhookDelivery[]> {
    const options = { method: "POST", body: { type, data: data ?? null, faults } };
    const answer = await this.#connection.ask<{ deliveries: WebhookDelivery[] }>("/webhooks/send", options);
    let { deliveries } = answer;
    const numbers = new Set(deliveries.map((one) => one.number));
    const deadline = Date.now() + TIMEOUT;
    while (deliveries.some((one) => one.state === "pending" && !one.attempts.length)) {
      if (Date.now() > deadline) throw new MockServerError(`the server has not sent ${type}`);
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
      const later = await this.deliveries(Math.min(...numbers) - 1);
      deliveries = later.filter((one) => numbers.has(one.number));
    }
    return deliveries;
  }

  /** Return the deliveries after one, by its number, the oldest first. */
  async deliveries(after = 0): Promise<WebhookDelivery[]> {
    const deliveries: WebhookDelivery[] = [];
    for (;;) {
      const query = { after, limit: PAGE };
      const answer: { deliveries: WebhookDelivery[] } = await this.#connection.ask(
        "/webhooks/deliveries",
        { query },
      );
      deliveries.push(...answer.deliveries);
      const last = answer.deliveries.at(-1);
      if (!last || answer.deliveries.length < PAGE) return deliveries;
      after = last.number;
    }
  }
}
