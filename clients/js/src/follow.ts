// Follows the calls of a mock over an event stream that may be cut at any time.
//
// Rules of this file: every event is given once. After a cut, the stream goes on after the last event
// that was received completely; what arrived of the next one is thrown away with the connection.

import type { Connection } from "./connection.js";
import { MockServerError } from "./errors.js";
import { Decoder, type ServerSentEvent } from "./sse.js";
import type { FollowEvent } from "./types.js";

const FIRST_PAUSE = 50; // milliseconds before connecting again; doubled after each failure
const LONGEST_PAUSE = 1000;

/** Where to begin, and when to stop. */
export interface FollowOptions {
  /** With the oldest call (the default), or with the next one. */
  begin?: "start" | "now";
  /** Begin after the event with this id. */
  after?: string;
  /** Ends the iteration. */
  signal?: AbortSignal;
  /** Milliseconds to try to connect again before the iteration throws; 5000 by default. */
  patience?: number;
}

/** Return the events about calls, as they happen. */
export function follow(
  connection: Connection,
  options: FollowOptions = {},
): AsyncIterableIterator<FollowEvent, void, undefined> {
  const place = findPlace(connection, options);
  place.catch(() => {}); // the iteration throws it
  return iterate(connection, place, options);
}

/** Return the id after which to begin; empty for the oldest call. */
async function findPlace(connection: Connection, options: FollowOptions): Promise<string> {
  if (options.after !== undefined) return options.after;
  if (options.begin !== "now") return "";
  // Not `begin=now`, which would lose calls if the connection were cut before the first event.
  const page = await connection.ask<{ last_event: string }>("/calls", { query: { limit: 1 } });
  return page.last_event;
}

async function* iterate(
  connection: Connection,
  place: Promise<string>,
  { signal, patience = 5000 }: FollowOptions,
): AsyncGenerator<FollowEvent, void, undefined> {
  let lastId = await place;
  let failingSince: number | undefined;
  let pause = FIRST_PAUSE;
  while (!signal?.aborted) {
    const cutter = new AbortController();
    const cut = () => cutter.abort();
    signal?.addEventListener("abort", cut);
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (lastId !== "") headers["last-event-id"] = lastId;
      const response = await connection.fetch("/calls/follow", { headers, signal: cutter.signal });
      failingSince = undefined;
      pause = FIRST_PAUSE;
      const decoder = new Decoder();
      for await (const bytes of response.body ?? []) {
        for (const received of decoder.decode(bytes)) {
          if (received.id !== "") lastId = received.id;
          const event = readEvent(received);
          if (event !== undefined) yield event;
          if (signal?.aborted) return;
        }
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof SyntaxError) throw error; // it is no such event stream
      if (error instanceof MockServerError) {
        if (error.status !== undefined) throw error; // the server refuses
        failingSince ??= Date.now();
        if (Date.now() - failingSince >= patience) throw error;
      }
    } finally {
      signal?.removeEventListener("abort", cut);
      cutter.abort();
    }
    await wait(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

function readEvent({ event, id, data }: ServerSentEvent): FollowEvent | undefined {
  const value = JSON.parse(data);
  switch (event) {
    case "start":
    case "end":
      return { type: event, id, call: value };
    case "progress":
      return { type: "progress", calls: value.calls };
    case "reset":
      return { type: "reset", id };
    case "gap":
      return { type: "gap", id, missing: value.missing };
    default:
      return undefined; // of a newer server
  }
}

function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}
