// A stream drawn against time: a mark for each event, what was late, and where it ended.

import { count, formatSeconds, make, makeSvg } from "./dom.js";

const HEIGHT = 76;
const AXIS = 38;
const PAD = 14;
const LATE = 0.05;
const ENDS = { reset: "reset", cut: "cut off", truncate: "cut off", hold: "nothing more" };

export const timeOf = (event) => event.at ?? event.due;
export const isSent = (event, call) =>
  event.at !== null || (event.kind !== "bytes" && event.number > 0 && event.number <= call.delivered.events);
export const isLate = (event) => event.at !== null && event.at - event.due > LATE;

// A gap that is long for this stream, in seconds; the first event has the TTFT instead.
export function findGaps(events) {
  const gaps = events.slice(1).map((event, index) => timeOf(event) - timeOf(events[index]));
  const middle = [...gaps].sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  const least = Math.max(0.15, 4 * middle);
  return gaps.map((gap, index) => ({ gap, index: index + 1 })).filter(({ gap }) => gap >= least);
}

function chooseStep(seconds, room) {
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];
  return steps.find((step) => (seconds / step) * 62 <= room) ?? 3600;
}

export function describe(parts, call) {
  const sent = parts.events.filter((event) => isSent(event, call));
  const gaps = findGaps(sent).map(({ gap }) => `a gap of ${formatSeconds(gap)}`);
  const words = [count(parts.events.length, "event"), `${sent.length} sent`];
  if (sent.length) words.push(`the first after ${formatSeconds(timeOf(sent[0]))}`, `the last after ${formatSeconds(timeOf(sent.at(-1)))}`);
  if (call.state in { reset: 1, truncated: 1, failed: 1, "client disconnected": 1 }) words.push(`then ${call.state}`);
  return [...words, ...gaps.slice(0, 5)].join(", ");
}

// Draws into a figure of any width. `now` is how old an open call is, in seconds; else null.
export function drawTimeline(figure, parts, call, now) {
  const width = Math.max(240, figure.clientWidth);
  const { events } = parts;
  const sent = events.filter((event) => isSent(event, call));
  const planned = Math.max(parts.seconds, timeOf(events.at(-1)));
  // Of an open call, what is due much later is not drawn yet.
  const ahead = now === null ? planned : Math.min(planned, Math.max(1, 2 * now));
  const whole = Math.max(0.0001, now ?? 0, ahead, parts.left ?? 0, ...sent.slice(-1).map(timeOf));
  const x = (time) => PAD + ((width - 2 * PAD) * time) / whole;
  const svg = makeSvg("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": `Timeline: ${describe(parts, call)}`,
  });
  const add = (tag, attributes, ...children) => svg.append(makeSvg(tag, attributes, ...children));
  const line = (from, to, y, kind) => add("line", { x1: from, x2: to, y1: y, y2: y, class: kind });
  line(PAD, width - PAD, AXIS, "axis");
  const step = chooseStep(whole, width - 2 * PAD);
  for (let time = 0; time <= whole * 1.0001; time += step) {
    add("line", { x1: x(time), x2: x(time), y1: AXIS + 10, y2: AXIS + 14, class: "axis" });
    const anchor = time === 0 ? "start" : x(time) > width - 40 ? "end" : "middle";
    add("text", { x: anchor === "start" ? PAD - 2 : anchor === "end" ? width - PAD + 2 : x(time), y: AXIS + 27, "text-anchor": anchor }, formatTick(time));
  }
  const labels = []; // where a label stands, so that the next does not cover it
  const label = (from, to, text, kind) => {
    const half = text.length * 3.2;
    const middle = Math.min(width - PAD - half, Math.max(PAD + half, (from + to) / 2));
    if (labels.some((other) => Math.abs(other.middle - middle) < other.half + half + 6)) return;
    labels.push({ middle, half });
    add("text", { x: middle, y: 16, "text-anchor": "middle", class: kind }, text);
  };
  if (sent.length) line(PAD, x(timeOf(sent.at(-1))), AXIS, "done");
  for (const { gap, index } of findGaps(sent)) {
    const [from, to] = [x(timeOf(sent[index - 1])), x(timeOf(sent[index]))];
    line(from, to, AXIS, "gap");
    label(from, to, formatSeconds(gap), "warn");
  }
  if (now !== null && sent.length && now - timeOf(sent.at(-1)) > 1) {
    const from = x(timeOf(sent.at(-1)));
    line(from, x(now), AXIS, "gap");
    label(from, x(now), `silent ${formatSeconds(now - timeOf(sent.at(-1)))}`, "warn");
  }
  if (sent.length > 1 && timeOf(sent.at(-1)) - timeOf(sent[0]) < 0.0005) {
    label(x(timeOf(sent[0])), x(timeOf(sent[0])), `${sent.length} events at once`, "");
  }
  if (sent.length && timeOf(sent[0]) > whole / 20) label(PAD, x(timeOf(sent[0])), `TTFT ${formatSeconds(timeOf(sent[0]))}`, "");
  drawMarks(add, events, call, x, width);
  if (now !== null) add("line", { x1: x(now), x2: x(now), y1: AXIS - 12, y2: AXIS + 12, class: "now" });
  drawEnd(add, label, parts, call, x, sent);
  figure.replaceChildren(svg, makeLegend(sent.length < events.length, sent.some(isLate)));
}

function formatTick(time) {
  if (time === 0) return "0";
  return time < 0.999 ? `${Math.round(time * 1000)} ms` : `${Number(time.toFixed(2))} s`;
}

function drawMarks(add, events, call, x, limit) {
  const taken = new Set(); // two marks on one pixel are one
  for (const event of events) {
    const place = x(timeOf(event));
    if (place > limit) continue;
    const isDone = isSent(event, call);
    const key = `${Math.round(place)} ${isDone}`;
    if (isLate(event)) add("line", { x1: x(event.due), x2: place, y1: AXIS + 7, y2: AXIS + 7, class: "late" });
    if (taken.has(key)) continue;
    taken.add(key);
    add("circle", { cx: place, cy: AXIS, r: 3.5, class: isDone ? `mark kind-${event.kind}` : "mark unsent" },
      makeSvg("title", {}, `${event.number} · ${formatSeconds(timeOf(event))} · ${event.says.slice(0, 80)}`));
  }
}

function drawEnd(add, label, parts, call, x, sent) {
  const last = sent.length ? timeOf(sent.at(-1)) : 0;
  if (parts.left !== null) {
    add("line", { x1: x(parts.left), x2: x(parts.left), y1: AXIS - 12, y2: AXIS + 12, class: "left" });
    label(x(parts.left), x(parts.left), `client left ${formatSeconds(parts.left)}`, "warn");
  } else if (call.state === "reset" || call.state === "truncated") {
    const place = x(Math.max(last, call.seconds ?? 0, parts.seconds));
    add("path", { d: `M${place - 5} ${AXIS - 5}l10 10m0 -10l-10 10`, class: "broken" });
    label(place, place, ENDS[parts.end] ?? call.state, "bad");
  }
}

function makeLegend(hasUnsent, hasLate) {
  const entries = [["mark", "event"]];
  if (hasUnsent) entries.push(["mark unsent", "not sent"]);
  if (hasLate) entries.push(["late", "late: due, then sent"]);
  if (entries.length === 1) return "";
  return make("figcaption", {}, entries.map(([kind, text]) => make("span", {}, make("i", { class: kind }), text)));
}
