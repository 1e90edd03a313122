// One call, opened: what was asked, what was answered, and when.

import { get } from "./api.js";
import { makeAnswer, makeConversation, listParameters } from "./conversation.js";
import { copy, count, find, formatSeconds, formatTime, make, setText } from "./dom.js";
import { describeQuestion, describeState } from "./list.js";
import { elapsed, isOpen } from "./store.js";
import { drawTimeline, findGaps, isLate, isSent, timeOf } from "./timeline.js";
import { VirtualList } from "./virtual.js";

const TABS = [["conversation", "Conversation"], ["events", "Events"], ["request", "Request"]];
const COPIES = [["curl", "curl"], ["test", "pytest test"], ["rule", "Scenario rule"], ["response", "Stream file"]];
let tab = "conversation"; // the same for the next call
let shown = null;

const OUTCOMES = {
  reset: ["bad", (sent) => `The connection was reset after ${sent}. A client must report an error.`],
  truncated: ["bad", (sent) => `The response was cut off after ${sent}. A client must report an error.`],
  failed: ["bad", (sent) => `The server failed after ${sent}.`],
  "server stopped": ["warn", (sent) => `The server was stopped after ${sent}.`],
  "client disconnected": ["warn", (sent, left) => `The client left${left ? ` after ${formatSeconds(left)}` : ""}, when ${sent} had been sent.`],
};

class CallView {
  constructor(article, call) {
    Object.assign(this, { article, call, parts: null, detail: null, chosen: null });
    this.panel = make("div", { id: "panel", role: "tabpanel", tabindex: 0, "aria-labelledby": `tab-${tab}` });
    this.figure = make("figure", { class: "timeline" });
    this.notes = make("div", { class: "notes" });
    this.meta = make("p", { class: "soft meta" });
    const copies = COPIES.map(([kind, name]) => make("button", { onclick: (event) => this.#copy(kind, event.target) }, name));
    this.tabs = TABS.map(([id, name]) => make("button", {
      id: `tab-${id}`, role: "tab", "aria-controls": "panel", onclick: () => this.#choose(id), onkeydown: (event) => this.#moveTab(event),
    }, name));
    this.state = make("span", { class: "tag" });
    article.replaceChildren(
      make("div", { class: "head" },
        make("div", { class: "title" }, make("h2", {}, describeQuestion(call)), this.state,
          make("a", { class: "close", href: "#", "aria-label": "Close the call" }, "✕")),
        this.meta,
        make("div", { class: "buttons", role: "group", "aria-label": "Copy as" }, make("span", { class: "soft" }, "Copy as"), copies),
        make("p", { class: "message", role: "status" })),
      this.notes, this.figure,
      make("div", { class: "tabs", role: "tablist", "aria-label": "Views of the call" }, this.tabs), this.panel);
    this.resize = new ResizeObserver(() => this.drawTimeline());
    this.resize.observe(this.figure);
    this.draw();
    this.load();
  }

  async load() {
    const { number } = this.call;
    this.isLoading = true;
    try {
      this.detail ??= await get(`/calls/${number}`);
      this.parts = await get(`/calls/${number}/events`);
    } catch (error) {
      if (error.status !== 409) this.#say(error.message); // 409: it has no response yet
    }
    this.isLoading = false;
    if (shown === this) this.draw();
  }

  // The call has changed: an open one has sent more, an ended one has its times.
  update(call) {
    const hasEnded = isOpen(this.call) && !isOpen(call);
    this.call = call;
    if (hasEnded || (!this.parts && !this.isLoading && call.state !== "waiting")) this.load();
    else this.draw();
  }

  #say(text) {
    setText(this.article.querySelector(".message"), text);
  }

  async #copy(kind, button) {
    try {
      await copy(await get(`/calls/${this.call.number}/${kind}`), button);
      this.#say("");
    } catch (error) {
      this.#say(error.message);
    }
  }

  #choose(id) {
    tab = id;
    this.panel.replaceChildren();
    this.list = null;
    this.draw();
  }

  #moveTab(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = (TABS.findIndex(([id]) => id === tab) + step + TABS.length) % TABS.length;
    this.#choose(TABS[index][0]);
    this.tabs[index].focus();
  }

  get isWhole() {
    return !isOpen(this.call) && (this.call.events === null || this.call.delivered.events >= this.call.events)
      && !["reset", "truncated", "failed"].includes(this.call.state);
  }

  draw() {
    const { call } = this;
    const [word, level] = describeState(call);
    this.state.className = `tag ${level}`;
    setText(this.state, word);
    const facts = [`#${call.number}`, formatTime(call.started), `${call.method} ${call.path}`, call.model,
      call.attempt > 1 ? `attempt ${call.attempt}` : "", call.rule ? `rule ${call.rule}` : "", ...call.faults,
      call.ttft === null ? "" : `TTFT ${formatSeconds(call.ttft)}`, elapsed(call) === null ? "" : `${isOpen(call) ? "open for" : "took"} ${formatSeconds(elapsed(call))}`];
    setText(this.meta, facts.filter(Boolean).join(" · "));
    this.#drawNotes();
    this.drawTimeline();
    this.tabs.forEach((button, index) => {
      const [id, name] = TABS[index];
      button.setAttribute("aria-selected", String(id === tab));
      button.tabIndex = id === tab ? 0 : -1;
      setText(button, id === "events" && this.parts ? `${name} ${this.parts.total}` : name);
    });
    this.panel.setAttribute("aria-labelledby", `tab-${tab}`);
    this.panel.className = tab;
    this.#drawPanel();
  }

  #drawNotes() {
    const { call, parts } = this;
    const notes = [];
    const add = (level, ...content) => notes.push(make("p", { class: `note ${level}` }, ...content));
    if (call.problem) add("bad", call.problem);
    if (call.unrecorded) add("bad", call.unrecorded);
    const outcome = OUTCOMES[call.state];
    const sent = call.events === null ? `${call.delivered.bytes.toLocaleString("en")} bytes` : `${call.delivered.events} of ${count(call.events, "event")}`;
    if (outcome) add(outcome[0], outcome[1](sent, parts?.left));
    call.warnings.forEach((warning) => add("warn", `Warning: ${warning}`));
    if (parts?.unreadable) add("warn", `The answer cannot be read: ${parts.unreadable}`);
    for (const { fact, meaning } of parts?.odd ?? []) add("odd", make("b", {}, fact[0].toUpperCase() + fact.slice(1)), `. ${meaning}`);
    if (notes.length !== this.notes.childElementCount || notes.some((note, index) => note.textContent !== this.notes.children[index].textContent)) {
      this.notes.replaceChildren(...notes);
    }
  }

  drawTimeline() {
    const { call, parts, figure } = this;
    figure.hidden = !parts || call.events === null || !parts.events.length;
    if (!figure.hidden) drawTimeline(figure, parts, call, isOpen(call) ? elapsed(call) : null);
  }

  #drawPanel() {
    if (tab === "events") this.#drawEvents();
    else if (tab === "request") this.#drawRequest();
    else this.#drawConversation();
  }

  #drawConversation() {
    const { detail, parts, call } = this;
    if (!detail) return;
    if (!this.panel.firstChild) this.panel.replaceChildren(make("ol", { class: "messages" }, makeConversation(detail.request)));
    const list = this.panel.firstChild;
    const answer = parts ? makeAnswer(parts, (event) => isSent(event, call), this.isWhole, isOpen(call) ? "so far" : "received") : [];
    const text = answer.map((row) => row.textContent).join("\n");
    if (text === this.answerText && list.querySelector(".answer, .error")) return;
    this.answerText = text;
    list.querySelectorAll(".answer, .error").forEach((row) => row.remove());
    list.append(...answer);
  }

  #drawRequest() {
    const { detail } = this;
    if (!detail || this.panel.firstChild) return;
    const table = (pairs, name) => make("section", { "aria-label": name }, make("h3", {}, name),
      make("dl", {}, pairs.flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, make("pre", {}, value))])));
    this.panel.replaceChildren(
      table(listParameters(detail.request), "Parameters"),
      table(detail.request.headers, "Request headers"),
      table(detail.response_headers, "Response headers"));
  }

  #drawEvents() {
    const { parts, call } = this;
    if (!parts) return;
    if (!this.list) {
      const viewport = make("div", { class: "virtual", role: "list", "aria-label": "Events" });
      this.json = make("pre", { class: "json", tabindex: 0, role: "region", "aria-label": "The event" });
      this.panel.replaceChildren(viewport, this.json);
      this.list = new VirtualList(viewport, {
        key: (event) => event.index,
        create: (event) => make("div", { class: "row", role: "listitem" }, make("button", { onclick: () => this.#show(event.index) },
          ["number", "at", "late", "gauge", "says"].map((name) => make("span", { class: name })))),
        update: (row, event) => this.#updateEvent(row, event),
      });
      viewport.addEventListener("keydown", (event) => this.#moveEvent(event));
    }
    const end = Math.max(0.0001, ...parts.events.slice(-1).map(timeOf));
    const long = new Set(findGaps(parts.events).map(({ index }) => index));
    this.list.items = parts.events.map((event, index) => ({
      ...event, index, end, isLong: long.has(index), isSent: isSent(event, call),
      before: index ? timeOf(parts.events[index - 1]) : 0,
    }));
    this.json.hidden = this.chosen === null;
  }

  #updateEvent(row, event) {
    const button = row.firstChild;
    const [number, at, late, gauge, says] = button.children;
    setText(number, event.kind === "comment" || event.kind === "bytes" ? "·" : String(event.number));
    setText(at, timeOf(event).toFixed(3));
    setText(late, isLate(event) ? `+${formatSeconds(event.at - event.due)}` : event.isLong ? `gap ${formatSeconds(timeOf(event) - event.before)}` : "");
    if (!gauge.firstChild) gauge.append(make("span"));
    const start = event.before / event.end;
    gauge.firstChild.style.marginLeft = `${100 * start}%`;
    gauge.firstChild.style.width = `max(3px, ${100 * (timeOf(event) / event.end - start)}%)`;
    setText(says, (event.says || event.data).replaceAll("\n", "↵"));
    button.className = [`kind-${event.kind}`, event.isSent ? "" : "unsent", event.isLong ? "long" : ""].join(" ");
    button.setAttribute("aria-pressed", String(this.chosen === event.index));
  }

  #show(index) {
    this.chosen = this.chosen === index ? null : index;
    if (this.chosen !== null) {
      const { data, event } = this.parts.events[index];
      let text = data;
      try {
        text = JSON.stringify(JSON.parse(data), null, 2);
      } catch { /* not JSON: as it came */ }
      setText(this.json, event ? `event: ${event}\n${text}` : text);
    }
    this.json.hidden = this.chosen === null;
    this.list.draw();
  }

  #moveEvent(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = this.chosen ?? -1;
    const index = Math.min(this.list.items.length - 1, Math.max(0, from + step));
    if (index !== from) this.#show(index);
    this.list.show(this.list.items[index])?.firstChild.focus({ preventScroll: true });
  }
}

// Shows a call, or none.
export function showCall(call, number) {
  const article = find("call");
  article.hidden = number === null;
  if (call && shown?.call.number === call.number && article.firstChild) return shown.update(call);
  shown?.resize.disconnect();
  shown = null;
  if (call) shown = new CallView(article, call);
  else if (number !== null) {
    article.replaceChildren(make("p", { class: "note" }, `The journal has no call ${number}, or not any more. `, make("a", { href: "#" }, "Close")));
  }
}

setInterval(() => {
  if (shown && isOpen(shown.call)) shown.draw();
}, 200);
