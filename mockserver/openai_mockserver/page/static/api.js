// The control API: requests, and the stream of calls.

import { find } from "./dom.js";

const SANDBOX = location.pathname.match(/^\/s\/[^/]+/)?.[0] ?? "";
const KEY = `openai-mockserver token ${SANDBOX}`;
export const baseUrl = `${location.origin}${SANDBOX}/v1`;

export class Problem extends Error {
  constructor(status, detail, place) {
    super(place ? `${place}: ${detail}` : detail);
    this.status = status;
  }
}

let asking = null;

// One dialog, however many requests wait for the token.
function askForToken(wasWrong) {
  asking ??= new Promise((resolve) => {
    const dialog = find("token");
    dialog.querySelector(".message").textContent = wasWrong ? "The server refused this token." : "";
    dialog.addEventListener("close", () => {
      const input = dialog.querySelector("input");
      sessionStorage.setItem(KEY, input.value);
      input.value = "";
      asking = null;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

async function send(method, path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(KEY);
    const headers = { ...options.headers };
    if (token) headers.authorization = `Bearer ${token}`;
    const response = await fetch(`${SANDBOX}/_mock${path}`, { ...options, method, headers });
    if (response.status !== 401) return response;
    if (sessionStorage.getItem(KEY) === token) await askForToken(Boolean(token));
  }
}

async function read(response) {
  const kind = response.headers.get("content-type") ?? "";
  const value = kind.includes("json") && !kind.includes("jsonl") ? await response.json() : await response.text();
  if (!response.ok) throw new Problem(response.status, value.detail ?? response.statusText, value.place);
  return value;
}

export async function get(path) {
  return read(await send("GET", path));
}

export async function change(method, path, body) {
  const options = body === undefined ? {} : {
    body: JSON.stringify(body), headers: { "content-type": "application/json" },
  };
  return read(await send(method, path, options));
}

// Yields { event, id, data } for each event, until the connection ends.
// The server is never silent for so long as SILENCE: then the connection is lost, though not closed.
const SILENCE = 40_000;

async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const timer = setTimeout(() => reader.cancel(), SILENCE);
    const { done, value } = await reader.read();
    clearTimeout(timer);
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const event = { event: "message", id: null, data: "" };
      for (const line of part.split("\n")) {
        const [, name, content] = line.match(/^(\w*): ?(.*)$/s) ?? [];
        if (name in event) event[name] = content;
      }
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}

// Follows the calls for ever. A cut connection is taken up again after the last event received.
// `start` is called first and returns the id to begin after; it may throw, as if the server were
// gone.
export async function follow(start, onEvent, onState) {
  let last = null;
  let failures = 0;
  for (;;) {
    try {
      last ??= await start();
      const response = await send("GET", `/calls/follow?last_event_id=${encodeURIComponent(last)}`);
      if (!response.ok) throw new Problem(response.status, response.statusText);
      onState(true);
      failures = 0;
      for await (const event of readEvents(response)) {
        onEvent(event);
        if (event.id !== null) last = event.id;
      }
    } catch (error) {
      console.debug(error);
    }
    onState(false);
    failures += 1;
    await new Promise((resolve) => setTimeout(resolve, Math.min(250 * failures, 3000)));
  }
}

// Sends one streamed call as any client would, and reads it to its end.
export async function sendCall() {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer any" },
    body: JSON.stringify({
      model: "gpt-4o",
      messages: [{ role: "user", content: "Tell me a story about a fox, in a few sentences." }],
      stream: true,
    }),
  });
  await response.text();
}
