// The list of calls.

import { count, find, formatSeconds, formatTime, make, setText } from "./dom.js";
import { elapsed, isOpen, isStalled, silence } from "./store.js";
import { VirtualList } from "./virtual.js";

const OUTCOMES = {
  "client disconnected": ["client left", "warn"],
  "server stopped": ["stopped", "warn"],
  truncated: ["truncated", "bad"],
  reset: ["reset", "bad"],
  failed: ["failed", "bad"],
};

// How a call stands, in a word, and how bad that is.
export function describeState(call) {
  if (call.problem) return [call.rule ? "not servable" : "no rule", "bad"];
  if (isStalled(call)) return [`silent ${silence(call).toFixed(1)} s`, "warn"];
  if (call.state === "waiting") return ["waiting", "live"];
  if (call.state === "in progress") return [call.stream ? "streaming" : "answering", "live"];
  if (call.status >= 400) return [String(call.status), call.status >= 500 ? "bad" : "warn"];
  return OUTCOMES[call.state] ?? [call.finish_reason ?? String(call.status), ""];
}

const nameEndpoint = (call) => call.path.replace(/^.*?\/v\d+\//, "").replace("chat/completions", "chat");

export function describeQuestion(call) {
  return call.user ?? `${call.method} ${call.path}`;
}

export function describeEvents(call) {
  if (call.events === null) return "";
  const { events } = call.delivered;
  return events === call.events ? String(events) : `${events} of ${call.events}`;
}

const CELLS = ["time", "question", "what", "how", "ttft", "took", "events", "state"];

function createRow(call) {
  const cells = CELLS.map((name) => make("span", { class: name }));
  const link = make("a", { href: `#call/${call.number}`, tabindex: -1 }, cells, make("span", { class: "gauge" }, make("span")));
  return make("div", { class: "row", role: "listitem" }, link);
}

export function makeList(calls, isCurrent, isSelected) {
  function updateRow(row, call) {
    const link = row.firstChild;
    const [time, question, what, how, ttft, took, events, state, gauge] = link.children;
    const [word, level] = describeState(call);
    setText(time, formatTime(call.started));
    setText(question, describeQuestion(call));
    setText(what, [nameEndpoint(call), call.model].filter(Boolean).join(" · "));
    const by = call.rule ? `rule ${call.rule}` : "";
    setText(how, [by, ...call.faults].filter(Boolean).join(" · "));
    setText(ttft, formatSeconds(call.ttft));
    setText(took, formatSeconds(elapsed(call)));
    setText(events, describeEvents(call));
    setText(state, word);
    state.className = `state tag ${level}`;
    const share = call.events ? call.delivered.events / call.events : isOpen(call) ? 0 : 1;
    gauge.firstChild.style.width = `${100 * share}%`;
    gauge.className = `gauge ${isOpen(call) || share < 1 ? level || "part" : "whole"}`;
    link.setAttribute("aria-current", isCurrent(call) ? "true" : "false");
    link.tabIndex = isSelected(call) ? 0 : -1;
    link.title = call.faults.join(", ");
  }

  const list = new VirtualList(find("list"), { create: createRow, update: updateRow, key: (call) => call.number });

  function draw() {
    list.items = calls.visible;
    find("empty").hidden = calls.size > 0;
    find("list").hidden = calls.size === 0;
    document.querySelector("#calls .columns").hidden = calls.size === 0;
    const end = find("list-end");
    const notes = [];
    if (calls.size && !calls.visible.length) notes.push(`No call matches “${calls.query}”.`);
    if (calls.missing) notes.push(`${count(calls.missing, "event")} happened to calls that the journal has dropped.`);
    end.hidden = !notes.length;
    setText(end, notes.join(" "));
    drawCounts(calls);
  }

  let isPlanned = false;
  calls.addEventListener("change", () => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      draw();
    });
  });
  // While a call is open, its times grow.
  setInterval(() => {
    if ([...calls.all].some(isOpen)) list.draw();
  }, 200);
  draw();
  return list;
}

function drawCounts(calls) {
  let open = 0;
  let unmatched = 0;
  for (const call of calls.all) {
    open += isOpen(call);
    unmatched += Boolean(call.problem);
  }
  const parts = [["open", open], ["calls", calls.size], ["unanswered", unmatched]];
  const shown = parts.map(([name, number]) => make("span", { class: name === "unanswered" && number ? "bad" : "" },
    `${name} `, make("b", {}, number.toLocaleString("en"))));
  find("counts").replaceChildren(...shown);
}
