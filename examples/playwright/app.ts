// The application: a page, and a chat that is streamed to it. It knows nothing about the mock.

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import OpenAI from "openai";

/** Return the application's server; it does not listen yet. */
export function createApp(): Server {
  const openai = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY, as in production
  return createServer((request, response) => {
    const handle =
      request.method === "POST" ? streamAnswer(openai, request, response) : sendPage(response);
    handle.catch((error: unknown) => response.destroy(error as Error));
  });
}

async function sendPage(response: ServerResponse): Promise<void> {
  const page = await readFile(new URL("page.html", import.meta.url));
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
}

async function streamAnswer(openai: OpenAI, request: IncomingMessage, response: ServerResponse) {
  const stream = await openai.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: await text(request) }],
    stream: true,
  });
  response.on("close", () => stream.controller.abort());
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.delta.content;
    if (piece) response.write(piece);
  }
  response.end();
}
