// A request as a conversation, and an answer as its last message.

import { make, shorten } from "./dom.js";

const show = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function describeUrl(url) {
  const data = /^data:([^;,]*)[^,]*,/.exec(url);
  if (!data) return shorten(url, 120);
  return `${data[1] || "data"}, ${Math.ceil((url.length - data[0].length) * 0.75).toLocaleString("en")} bytes`;
}

// A part of a message that is not text, in words.
function describePart(part) {
  const kind = part.type ?? "part";
  const url = part.image_url?.url ?? part.image_url ?? part.file?.file_data ?? part.file_data ?? part.file_url;
  if (typeof url === "string") return `${kind.includes("image") ? "image" : "file"}: ${part.file?.filename ?? part.filename ?? describeUrl(url)}`;
  if (part.input_audio) return `audio: ${part.input_audio.format ?? "unknown format"}`;
  const id = part.file_id ?? part.file?.file_id;
  return id ? `${kind}: ${id}` : `${kind}: ${show(part)}`;
}

function makeParts(content) {
  if (content === null || content === undefined) return [];
  if (typeof content === "string") return [make("div", { class: "text" }, content)];
  if (!Array.isArray(content)) return [make("pre", {}, show(content))];
  return content.map((part) => {
    const text = typeof part === "string" ? part : part?.text ?? part?.refusal;
    if (typeof text === "string") return make("div", { class: "text" }, text);
    return make("div", { class: "chip" }, describePart(part ?? {}));
  });
}

export function makeToolCall(name, argumentsText, id) {
  let text = argumentsText ?? "";
  try {
    text = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* not JSON: as it came */ }
  return make("div", { class: "tool" }, make("p", {}, make("code", {}, name ?? "?"), id ? make("span", { class: "soft" }, ` ${id}`) : ""), make("pre", {}, text));
}

export function makeMessage(role, parts, note = "", kind = "") {
  const label = make("div", { class: "role" }, role, note ? make("span", { class: "soft" }, note) : "");
  const empty = make("div", { class: "soft" }, "nothing");
  return make("li", { class: `message-row ${kind}` }, label, make("div", { class: "said" }, parts.length ? parts : empty));
}

function makeItem(item) {
  if (typeof item === "string") return makeMessage("user", makeParts(item));
  if (item.type === "function_call") return makeMessage("assistant", [makeToolCall(item.name, item.arguments, item.call_id)]);
  if (item.type === "function_call_output") return makeMessage("tool", makeParts(item.output), item.call_id);
  if (item.role) {
    const calls = (item.tool_calls ?? []).map((call) =>
      makeToolCall(call.function?.name ?? call.custom?.name, call.function?.arguments ?? call.custom?.input, call.id));
    return makeMessage(item.role, [...makeParts(item.content), ...calls], item.name ?? item.tool_call_id);
  }
  return makeMessage(item.type ?? "item", [make("pre", {}, show(item))]);
}

const MEMBERS = ["instructions", "messages", "input", "prompt"];

export function makeConversation(request) {
  const body = request.json;
  if (body === null || typeof body !== "object") {
    const text = body ?? request.text ?? (request.base64 ? "binary data" : null);
    return text === null ? [] : [makeMessage("body", makeParts(text))];
  }
  const rows = [];
  if (typeof body.instructions === "string") rows.push(makeMessage("system", makeParts(body.instructions)));
  for (const name of MEMBERS.slice(1)) {
    const value = body[name];
    if (typeof value === "string") rows.push(makeMessage("user", makeParts(value)));
    else if (Array.isArray(value)) rows.push(...value.map((one) => makeItem(one ?? "null")));
  }
  return rows;
}

export function listParameters(request) {
  const body = request.json;
  if (body === null || typeof body !== "object") return [];
  return Object.entries(body).filter(([name]) => !MEMBERS.includes(name)).map(([name, value]) => [name, show(value)]);
}

function makeOutput(said) {
  const parts = [];
  const text = (value) => (Array.isArray(value) ? value.join("") : value);
  if (said.reasoning) parts.push(make("div", { class: "text reasoning" }, text(said.reasoning)));
  if (said.text) parts.push(make("div", { class: "text" }, text(said.text)));
  if (said.refusal) parts.push(make("div", { class: "text refusal" }, text(said.refusal)));
  for (const call of said.tool_calls ?? []) parts.push(makeToolCall(call.name, call.arguments, call.id));
  if (said.function_call) parts.push(makeToolCall(said.function_call.name, said.function_call.arguments));
  for (const item of said.output ?? []) parts.push(make("pre", {}, show(item)));
  for (const name of ["audio", "annotations"]) if (said[name]) parts.push(make("div", { class: "chip" }, `${name}: ${shorten(show(said[name]), 300)}`));
  return parts;
}

// What went over a WebSocket: a row for each change of sides, a line for equal events in a row.
function makeSession(events) {
  const rows = [];
  for (const { kind, event, says } of events) {
    const about = says.slice(event.length + 4); // after the arrow and the name
    if (rows.at(-1)?.sender !== kind) rows.push({ sender: kind, lines: [] });
    const lines = rows.at(-1).lines;
    if (lines.at(-1)?.event === event) Object.assign(lines.at(-1), { times: lines.at(-1).times + 1, about: lines.at(-1).about + about });
    else lines.push({ event, about, times: 1 });
  }
  return rows.map(({ sender, lines }) => makeMessage(sender, lines.map(({ event, about, times }) =>
    make("div", { class: "text" }, make("code", {}, event), times > 1 ? ` × ${times}` : "", about ? ` ${shorten(about, 300)}` : "")), "", "answer"));
}

// The answer, as far as the client has received it.
export function makeAnswer(parts, isSent, isWhole, note) {
  if (["client", "server"].includes(parts.events[0]?.kind)) return makeSession(parts.events);
  const rows = [];
  if (isWhole && parts.reply) {
    const choices = parts.reply.choices ?? [parts.reply];
    choices.forEach((choice, index) =>
      rows.push(makeMessage(choices.length > 1 ? `assistant ${index}` : "assistant", makeOutput(choice), choice.finish_reason ?? "", "answer")));
  } else if (!isWhole || !parts.error) {
    const said = [];
    for (const { kind, text } of parts.events.filter(isSent).flatMap((event) => event.pieces)) {
      if (said.at(-1)?.kind === kind) said.at(-1).text += text;
      else said.push({ kind, text });
    }
    const boxes = said.map(({ kind, text }) => make(kind === "tool_call" ? "pre" : "div", { class: `text ${kind}` }, text));
    if (!said.length && isWhole) boxes.push(...parts.events.map((event) => make("pre", {}, event.data)));
    rows.push(makeMessage("assistant", boxes, note, "answer"));
  }
  if (parts.error && isWhole) rows.push(makeMessage("error", [make("pre", {}, show(parts.error))], "", "error"));
  return rows;
}
