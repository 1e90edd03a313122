// What was delivered of a response, read from its stream file.

import { Decoder } from "./sse.js";
import type { Call, CallWithResponse, DeliveredEvent } from "./types.js";

interface Line {
  mockserver?: number;
  json?: unknown;
  data?: string;
  event?: string;
  id?: string;
  text?: string;
  base64?: string;
}

/** Return a call with what its client has received. */
export function addResponse(call: Call, streamFile: string): CallWithResponse {
  const lines = streamFile
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
  const isStream = call.response_headers.some(
    ([name, value]) => /^content-type$/i.test(name) && value.startsWith("text/event-stream"),
  );
  if (isStream) return { ...call, response: { events: addTimes(call, readEvents(lines)) } };
  const bytes = Buffer.concat(lines.map(readBytes)).subarray(0, call.delivered.bytes);
  return { ...call, response: { events: [], body: bytes.toString() } };
}

function readEvents(lines: Line[]): DeliveredEvent[] {
  const decoder = new Decoder();
  return lines.flatMap(({ mockserver, json, data, event, id, ...rest }) => {
    const named = { ...(event !== undefined && { event }), ...(id !== undefined && { id }) };
    if (mockserver !== undefined) return [];
    if (json !== undefined) return [{ ...named, data: JSON.stringify(json), json }];
    if (data !== undefined) return [{ ...named, ...parse(data) }];
    return decoder.decode(readBytes(rest)).map((one) => ({
      ...(one.event !== "message" && { event: one.event }),
      ...(one.id !== "" && { id: one.id }),
      ...parse(one.data),
    }));
  });
}

function parse(data: string): { data: string; json?: unknown } {
  try {
    return { data, json: JSON.parse(data) };
  } catch {
    return { data };
  }
}

function readBytes({ text, base64 }: Line): Buffer {
  return text !== undefined ? Buffer.from(text) : Buffer.from(base64 ?? "", "base64");
}

/** Return the events that were delivered, with the times at which they were written. */
function addTimes(call: Call, events: DeliveredEvent[]): DeliveredEvent[] {
  const times = call.deliveries.flatMap(({ at, events: count }) => Array<number>(count).fill(at));
  return events.slice(0, call.delivered.events).map((event, index) => {
    const at = times[index];
    return at === undefined ? event : { at, ...event };
  });
}
