// What the server answers: the next reply, the rules, the settings, the capacity, and recordings.

import { change, get } from "./api.js";
import { count, find, formatSeconds, make, setText, shorten } from "./dom.js";
import { drawEngine } from "./engine.js";
import { describeFault, FaultPicker } from "./faults.js";

const next = find("next");
const settings = find("settings");
const record = find("record");
let picker = null;

// Says below a form what has happened; a mistake stays until the next attempt.
async function attempt(form, work, done = "") {
  const message = form.querySelector(".message");
  try {
    await work();
    message.className = "message";
    setText(message, done);
    return true;
  } catch (error) {
    message.className = "message bad";
    setText(message, error.message);
    return false;
  }
}

// The next reply

let streams = null;

async function loadStreams() {
  streams ??= await get("/streams");
  drawStreams();
}

function drawStreams() {
  const words = next.elements.streams.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (streams ?? []).filter(({ name, family, about }) => {
    const text = `${name} ${family} ${about}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const families = Map.groupBy(found, ({ family }) => family.replaceAll("_", " "));
  const select = next.elements.stream;
  const before = select.value;
  select.replaceChildren(...[...families].map(([family, members]) =>
    make("optgroup", { label: family }, members.map(({ name }) => make("option", { value: name, title: name }, name)))));
  select.value = found.some(({ name }) => name === before) ? before : found[0]?.name ?? "";
  describeStream();
}

function describeStream() {
  const chosen = streams?.find(({ name }) => name === next.elements.stream.value);
  setText(find("stream-about"), chosen ? `${chosen.about} For ${chosen.path.replace("/v1/", "")}.` : "No stream matches.");
}

function readReply() {
  const { kind, text, status, retry, stream } = next.elements;
  if (kind.value === "error") {
    const error = { status: status.valueAsNumber };
    if (retry.value) error.retry_after = retry.valueAsNumber;
    return { error };
  }
  return kind.value === "stream" ? { stream: stream.value } : text.value;
}

next.addEventListener("change", ({ target }) => {
  if (target.name === "stream") describeStream();
  if (target.name !== "kind") return;
  next.querySelectorAll("[data-kind]").forEach((part) => (part.hidden = part.dataset.kind !== target.value));
  if (target.value === "stream") attempt(next, loadStreams);
});
next.elements.streams.addEventListener("input", drawStreams);

next.addEventListener("submit", (event) => {
  event.preventDefault();
  const isOnce = event.submitter?.name !== "always";
  const rule = { reply: readReply(), faults: picker?.values ?? [] };
  if (next.elements.user.value) rule.user = { contains: next.elements.user.value };
  if (isOnce) rule.times = 1;
  attempt(next, async () => {
    await change("POST", "/rules", rule);
    await drawRules();
  }, isOnce ? "The next request gets this reply." : "All requests get this reply.");
});

// The rules

let missed = null; // the last call that no rule answered

async function drawRules() {
  const { rules } = await get("/rules");
  let misses = null;
  if (missed !== null) misses = await get(`/calls/${missed}/near-misses`).catch(() => null);
  const reasons = new Map(misses?.rules.map(({ rule, reason }) => [rule, reason]));
  const items = [...rules].reverse().map((rule) => {
    const reason = reasons.get(rule.number);
    const isSpent = rule.rule?.times && rule.use_count >= rule.rule.times;
    const used = rule.use_count ? `answered ${count(rule.use_count, "request")}` : "never used";
    const why = reason === undefined ? "" : reason === null ? `would answer #${missed} now` : `not #${missed}: ${reason}`;
    return make("li", { "aria-label": `Rule ${rule.number}`, class: isSpent ? "spent" : "" },
      make("code", {}, describeRule(rule)),
      make("button", { class: "plain", "aria-label": `Delete rule ${rule.number}`, onclick: () => remove(rule.number) }, "✕"),
      make("p", {}, `rule ${rule.number} · ${used}${isSpent ? ", used up" : ""}${rule.is_pinned ? " · of the server" : ""}`),
      why ? make("p", { class: "reason" }, why) : null);
  });
  if (!items.length) items.push(make("li", { class: "soft" }, "No rules: the server answers as it was started."));
  find("rules").replaceChildren(...items);
  const miss = find("miss");
  miss.hidden = misses === null || !misses.problem;
  setText(miss, misses?.rules.length ? `No rule answered call #${missed}. Below each rule is why.` : `No rule answered call #${missed}: there was none.`);
}

function describeReply(reply) {
  if (typeof reply === "string") return `“${shorten(reply, 60)}”`;
  if (reply?.error) return `error ${reply.error.status}`;
  if (reply?.script) return "a recorded response";
  const calls = (reply?.tool_calls ?? []).map(({ name }) => name).join(", ");
  return calls ? `calls ${calls}` : shorten(JSON.stringify(reply) ?? "…", 60);
}

function describeRule({ description, rule }) {
  const { reply, replies, faults = [], times } = rule ?? {};
  const what = replies ? `${replies.length} replies in turn` : describeReply(reply);
  const conditions = description.replace(/^on\(\)$/, "any request").replace(/^on\((.*)\)$/s, "$1");
  return [`${conditions} → ${what}`, ...faults.map(describeFault), times ? `${times}×` : ""].filter(Boolean).join(" · ");
}

async function remove(number) {
  await attempt(next, () => change("DELETE", `/rules/${number}`));
  await drawRules();
}

let planned = null;
let pause = 300;

// Use counts and near misses follow the calls, at most a few times a second.
export function noteCall(call) {
  if (call?.problem && call.rule === null) missed = call.number;
  planned ??= setTimeout(async () => {
    planned = null;
    const begun = performance.now();
    await drawRules().catch((error) => console.debug(error));
    pause = Math.max(300, 5 * (performance.now() - begun)); // many rules take long
  }, pause);
}

export function noteReset() {
  missed = null;
  noteCall(null);
}

find("reset").addEventListener("click", async () => {
  await attempt(next, () => change("POST", "/reset", { settings: true }), "Rules, calls and objects were removed; pace, dialect and faults are those of the start.");
  await drawSettings();
  await drawEngine(choices.engines);
});
find("clear").addEventListener("click", () => attempt(next, () => change("POST", "/reset", { rules: false, objects: false })));

// Every reply

function fillSelect(select, options, value, words) {
  const known = options.some(([name]) => name === value);
  const all = known ? options : [...options, [value, words]];
  select.replaceChildren(...all.map(([name, text]) => make("option", { value: name }, text)));
  select.value = value;
}

let choices = null;

async function drawSettings() {
  const now = await get("/settings");
  const paces = choices.paces.map(({ name, ttft, itl }) =>
    [name, name === "none" ? "none" : `${name} · ${formatSeconds(ttft)}, ${formatSeconds(itl)}`]);
  const pace = now.pace ?? "none";
  fillSelect(settings.elements.pace, paces, typeof pace === "string" ? pace : JSON.stringify(pace), "own pace");
  const dialects = [["", "OpenAI"], ...choices.dialects.filter((name) => name !== "openai").map((name) => [name, name])];
  fillSelect(settings.elements.dialect, dialects, now.dialect === "openai" ? "" : now.dialect ?? "", now.dialect);
  find("shared-faults").replaceChildren(...now.faults.map((fault, index) => make("li", { class: "fault" },
    make("div", { class: "title" }, make("code", {}, describeFault(fault)), make("button", {
      type: "button", class: "plain", "aria-label": `Remove ${describeFault(fault)} from every reply`,
      onclick: () => set({ faults: now.faults.filter((_, other) => other !== index) }),
    }, "✕")))));
}

async function set(values) {
  await attempt(settings, () => change("PATCH", "/settings", values));
  await drawSettings();
}

settings.addEventListener("change", ({ target }) => {
  if (target.name === "pace") set({ pace: target.value.startsWith("{") ? JSON.parse(target.value) : target.value });
  if (target.name === "dialect") set({ dialect: target.value || null });
});
find("share-faults").addEventListener("click", () => set({ faults: picker?.values ?? [] }));

// Recordings

async function drawRecordings(state) {
  const { upstream, recordings } = state ?? await get("/recordings");
  const { start, stop } = record.elements;
  start.hidden = upstream !== null;
  stop.hidden = upstream === null;
  if (upstream !== null) record.elements.upstream.value = upstream;
  record.elements.upstream.readOnly = upstream !== null;
  find("recordings").replaceChildren(...recordings.map(({ name }) => make("li", {}, make("code", {}, name),
    make("button", { type: "button", "aria-label": `Replay ${name}`, onclick: () => replay(name) }, "Replay"))));
}

// A recording answers from now on, event by event and in its own time.
function replay(name) {
  attempt(record, async () => {
    const lines = (await get(`/recordings/${encodeURIComponent(name)}`)).trim().split("\n");
    await change("POST", "/rules", { reply: { script: lines.map((line) => JSON.parse(line)) } });
    await drawRules();
  }, `All requests get ${name}.`);
}

record.addEventListener("submit", (event) => {
  event.preventDefault();
  const upstream = record.elements.upstream.value;
  attempt(record, async () => drawRecordings(await change("POST", "/recordings/start", { upstream })),
    "Requests that no rule answers go to the upstream.");
});
record.elements.stop.addEventListener("click", () =>
  attempt(record, async () => drawRecordings(await change("POST", "/recordings/stop"))));

// Draws everything again, as after a connection was lost.
export async function drawControls() {
  choices ??= await get("/choices");
  picker ??= new FaultPicker(choices.faults);
  await Promise.all([drawRules(), drawSettings(), drawEngine(choices.engines), drawRecordings()]);
}

let recording = null;
export function noteRecording() {
  if (record.elements.stop.hidden) return;
  recording ??= setTimeout(() => {
    recording = null;
    drawRecordings().catch((error) => console.debug(error));
  }, 800);
}
