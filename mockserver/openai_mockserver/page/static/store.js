// The calls that the page knows, and what changes them.

const MOST = 10_000; // calls that are kept; up to twice as many for a while
const OPEN = new Set(["waiting", "in progress", "written"]);

export const isOpen = (call) => OPEN.has(call.state);
export const isStalled = (call) => call.state === "in progress" && silence(call) > 1.5;

// Times of open calls grow in the page; the server tells only twice a second how far they are.
const now = () => performance.now() / 1000;
export const silence = (call) => (call.silentSince === null ? 0 : now() - call.silentSince);
export const elapsed = (call) =>
  isOpen(call) && call.state !== "written" ? Math.max(0, Date.now() / 1000 - call.started) : call.seconds;

export class Calls extends EventTarget {
  #calls = new Map();
  #sorted = null;
  #texts = new Map();
  query = "";
  missing = 0;

  find(number) {
    return this.#calls.get(number);
  }

  get size() {
    return this.#calls.size;
  }

  get all() {
    return this.#calls.values();
  }

  // Newest first.
  get visible() {
    if (this.#sorted === null) {
      const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
      const calls = [...this.#calls.values()].filter((call) => {
        const text = words.length ? this.#describe(call) : "";
        return words.every((word) => text.includes(word));
      });
      this.#sorted = calls.sort((a, b) => b.number - a.number);
    }
    return this.#sorted;
  }

  #describe(call) {
    let text = this.#texts.get(call.number);
    if (text === undefined) {
      const rule = call.rule ? `rule ${call.rule}` : "";
      text = [`#${call.number}`, call.user, call.path, call.model, call.status, call.state, rule,
        call.finish_reason, call.problem, ...call.faults].join(" ").toLowerCase();
      this.#texts.set(call.number, text);
    }
    return text;
  }

  filter(query) {
    this.query = query;
    this.#change();
  }

  // What is older than what is known changes nothing: pages may arrive after later events.
  put(call) {
    const known = this.#calls.get(call.number);
    if (known && !isOpen(known)) return;
    call.silentSince = call.silent === null ? null : now() - call.silent;
    this.#calls.set(call.number, call);
    if (this.#calls.size > 2 * MOST) this.#drop();
    this.#texts.delete(call.number);
    this.#change(call.number);
  }

  // Of a page that is open for days, the oldest calls are dropped.
  #drop() {
    const oldest = [...this.#calls.keys()].sort((a, b) => a - b).slice(0, -MOST);
    for (const number of oldest) {
      this.#calls.delete(number);
      this.#texts.delete(number);
    }
  }

  clear() {
    this.#calls.clear();
    this.#texts.clear();
    this.missing = 0;
    this.#change();
  }

  take({ event, data }) {
    if (event === "start" || event === "end") this.put(data);
    else if (event === "reset") this.clear();
    else if (event === "gap") this.missing += data.missing;
    else if (event === "progress") data.calls.forEach((one) => this.#progress(one));
  }

  #progress({ number, events, bytes, silent }) {
    const call = this.#calls.get(number);
    if (!call || !isOpen(call)) return;
    Object.assign(call.delivered, { events, bytes });
    if (call.state === "waiting" && events) call.state = "in progress";
    call.silentSince = now() - silent;
    this.#change(number, false);
  }

  #change(number = null, isNew = true) {
    if (isNew) this.#sorted = null;
    this.dispatchEvent(new CustomEvent("change", { detail: number }));
  }
}
