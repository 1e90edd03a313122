// A case of the report: its mistakes, both answers side by side, and what went over the wire.
// It is put before page.js, whose elements it uses.
"use strict";

const ENDS = {
  finish: "the body ends",
  close: "the body ends, then FIN",
  truncate: "FIN, with the body unfinished",
  reset: "RST",
  half_close: "the body ends, then FIN in one direction",
  cut: "FIN, without the end of TLS",
  hold: "silence until the client leaves",
};
const BROKEN = new Set(["truncate", "reset", "cut", "hold"]);
const FENCE = "sent once the client has read everything before";
const WHOLE = "The pauses of this stream were shortened; here they are whole.";
const LINES = { but: "\n" };
const SHORT = 24; // characters that are not worth hiding

function describeCase(result) {
  const { exchanges, recipes, citations } = result;
  return [
    make("button", { class: "back", type: "button", click: () => open(-1) }, "\u2190 All cases"),
    makeHead(result),
    ...describeMistakes(result),
    makeHeading("The right answer, and this one"),
    make("div", { class: "wrap" }, makeAnswers(result)),
    makeHeading("Requests"),
    describeRequests(result),
    ...exchanges.flatMap((exchange, n) => describeExchange(exchange, n, exchanges.length)),
    recipes.length ? makeHeading("Reproduce") : null,
    recipes.length && result.silence !== null ? make("p", { class: "wrap soft" }, WHOLE) : null,
    ...recipes.map(makeRecipe),
    citations.length ? makeHeading("Seen at") : null,
    citations.length ? makeList(citations.map(makeCitation)) : null,
    makeHeading("Data"),
    makeJson("The request, as JSON", result.request),
    makeJson("Both answers, as JSON", { expected: result.expected, got: result.got }),
  ];
}

function makeHead(result) {
  const { requirement } = result;
  const time = `answered in ${showSeconds(result.seconds)} s`;
  const facts = [`POST ${result.path}`, `reads: ${result.reads}`, time];
  if (result.silence !== null) facts.push(`pauses of ${result.silence} s at most`);
  const rule = requirement && [
    make("b", {}, requirement.level),
    ` ${requirement.text} `,
    makeSpan("soft", requirement.source),
  ];
  return make(
    "div",
    { class: "head" },
    make("h2", {}, showText(result.case), " ", makeTag(result.grade)),
    result.description ? make("p", {}, showText(result.description)) : null,
    rule ? make("p", {}, rule) : null,
    make("p", { class: "soft" }, facts.join(" \u00b7 ")),
  );
}

function describeMistakes({ mistakes, grade, status }) {
  const notes = mistakes.map((mistake) => {
    const text = showText(mistake.sentence);
    return makeNote(gradeClass(mistake.grade), make("b", {}, `${mistake.grade}: `), text);
  });
  if (!notes.length) notes.push(makeNote("", `\u2713 ${report.grades.pass}`));
  if (status === "known") {
    notes.push(makeNote("unsupported", "The baseline lists this as a known failure."));
  } else if (status === "mended") {
    const text = "The baseline lists this as a failure, which it is no more: remove it there.";
    notes.push(makeNote("lossy", text));
  } else if (status === "ok" && FAILING.has(grade)) {
    notes.push(makeNote("unsupported", "This does not fail the check: the requirement is a MAY."));
  }
  return notes;
}

// Both answers

function makeAnswers({ comparison }) {
  const rows = comparison.map((row) => {
    const { name, expected, got, silent } = row;
    const isSame = silent || row.prose || (expected || "") === (got || "");
    const [right, other] = isSame ? [expected, got] : findDifference(expected ?? "", got ?? "");
    const mark = isSame ? null : make("span", { class: "warn", title: "not the same" }, " \u2260");
    const unknown = makeSpan("soft", "not reported, so not judged");
    const answer = silent ? unknown : showAnswer(got, other);
    return make(
      "tr",
      { class: isSame ? "same" : "other" },
      make("th", { scope: "row" }, name.replace("_", " "), mark),
      make("td", { class: "right" }, showAnswer(expected, right)),
      make("td", {}, answer),
    );
  });
  return makeTable("answers", ["field", "the right answer", "the consumer\u2019s"], rows);
}

function showAnswer(value, parts) {
  if (value === null || value === undefined) return makeSpan("soft", "none");
  if (value === "") return makeSpan("soft", "empty");
  return make("pre", {}, typeof parts === "string" ? showText(parts, LINES) : parts);
}

// The parts of two texts, with what lies between their common beginning and end marked.
function findDifference(one, other) {
  const [left, right] = [[...one], [...other]];
  const least = Math.min(left.length, right.length);
  let start = 0, end = 0;
  while (start < least && left[start] === right[start]) start++;
  while (end < least - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  const mark = (characters) => {
    const stop = characters.length - end;
    const [before, middle, after] = [[0, start], [start, stop], [stop]].map((bounds) =>
      showText(characters.slice(...bounds).join(""), LINES),
    );
    return [...before, ...(middle.length ? [make("mark", {}, middle)] : []), ...after];
  };
  return [mark(left), mark(right)];
}

// Requests, citations, data and recipes

function describeRequests({ requests, left }) {
  if (!requests.length) return make("p", { class: "wrap soft" }, "The consumer sent no request.");
  return makeList(
    requests.map((at, n) => {
      const end = left[n] === null ? "" : `; the client left after ${showSeconds(left[n])} s`;
      return `request ${n + 1} at ${showSeconds(at)} s${end}`;
    }),
  );
}

function makeCitation(text) {
  if (!/^https?:\/\//.test(text)) return showText(text);
  return make("a", { href: text, rel: "noopener noreferrer" }, text);
}

function makeJson(title, value) {
  return makeDetails(title, JSON.stringify(value, null, 2));
}

function makeDetails(title, text) {
  return make("details", {}, make("summary", {}, title), make("pre", {}, showText(text, LINES)));
}

function makeRecipe({ title, code }) {
  const button = make("button", { type: "button", "aria-label": `Copy: ${title}` }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copy(code)) ? "Copied" : "Failed";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  const bar = make("div", {}, make("span", {}, title), button);
  return make("div", { class: "recipe" }, bar, make("pre", {}, code));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy"); // where a file may not use the clipboard
    area.remove();
    return isCopied;
  }
}

// What went over the wire

function describeExchange(exchange, n, total) {
  const facts = [
    `HTTP ${exchange.status}${exchange.raw ? ", in the bytes below" : ""}`,
    count(exchange.reads, "read"),
    count(exchange.bytes, "byte"),
    `${showSeconds(exchange.seconds)} s`,
  ];
  if (exchange.rows.some((row) => row[3])) facts.push(`\u2016 is ${FENCE}`);
  const table = makeTimeline(exchange);
  const toggle = make("button", { type: "button", class: "toggle", "aria-pressed": "false" });
  toggle.append("Show repeated parts");
  toggle.addEventListener("click", () => {
    toggle.setAttribute("aria-pressed", table.classList.toggle("whole"));
  });
  const hasFolds = table.querySelector(".fold");
  const headers = exchange.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    makeHeading(total > 1 ? `Response ${n + 1} of ${total}` : "The response, read by read"),
    make("p", { class: "wrap soft bar" }, facts.join(" \u00b7 "), hasFolds ? toggle : null),
    make("div", { class: "wrap" }, table),
    headers ? makeDetails(count(exchange.headers.length, "header"), headers) : null,
  ];
}

function makeTimeline(exchange) {
  const { seconds: span, delay, bytes } = exchange;
  const at = (due) => (100 * (delay + due)) / span;
  const rows = [];
  let number = 0, position = 0, previous = -delay, before = "";
  for (const row of exchange.rows) {
    if (row.length === 2) {
      const text = `${count(row[0], "read")} with ${count(row[1], "byte")} left out here`;
      rows.push(makeRow("\u22ee", "", row[1], "", makeSpan("warn", text)));
      number += row[0];
      position += row[1];
      continue;
    }
    const [due, size, text, isFenced] = row;
    const gap = due - previous;
    const isLong = gap > 0 && gap >= Math.max(0.05, span / 5);
    const pause = `pause of ${showSeconds(gap)} s${size ? ", then " : ""}`;
    const graph = span
      ? makeDot(at(previous), at(due), isLong ? "warn" : "", size)
      : makeBytes(position, size, bytes);
    rows.push(
      makeRow(
        size ? ++number : "",
        showSeconds(delay + due),
        size || "",
        graph,
        isLong ? makeSpan("warn", pause) : null,
        isFenced ? make("span", { class: "soft", title: FENCE }, "\u2016 ") : null,
        foldText(text, before),
      ),
    );
    [position, previous, before] = [position + size, due, text];
  }
  rows.push(makeEnd(exchange));
  const scale = span ? ["0", `${showSeconds(span)} s`] : ["0", count(bytes, "byte")];
  const axis = make("div", { class: "axis" }, scale.map((text) => make("span", {}, text)));
  return makeTable("time", ["read", "seconds", "bytes", axis, "what the client gets"], rows);
}

function makeEnd({ end, seconds: span }) {
  const tone = BROKEN.has(end) ? "bad" : "soft";
  const mark = place(make("i", { class: tone }), 100);
  const graph = span ? make("div", { class: "g" }, mark) : "";
  return makeRow("\u25a0", showSeconds(span), "", graph, makeSpan(tone, ENDS[end] ?? end));
}

function makeRow(number, time, size, graph, ...text) {
  const cells = [number, time, size.toLocaleString("en"), graph, text.flat()];
  return make("tr", {}, cells.map((cell) => make("td", {}, cell)));
}

// The text of a read; its beginning, if it is that of the read before, can be hidden.
function foldText(text, before) {
  const isBytes = true;
  let length = 0;
  while (length < text.length && text[length] === before[length]) length++;
  length = 1 + Math.max(...["{", "[", ","].map((mark) => text.lastIndexOf(mark, length - 1)));
  if (length < SHORT) return showText(text, { isBytes });
  const title = "as in the read before";
  return [
    make("span", { class: "fold" }, showText(text.slice(0, length), { isBytes })),
    make("span", { class: "folded", title }, "\u2026 "),
    ...showText(text.slice(length), { isBytes }),
  ];
}

function makeDot(from, to, tone, size) {
  const line = to > from ? place(make("s", { class: tone }), from, to - from) : null;
  return make("div", { class: "g" }, line, size ? place(make("i", { class: tone }), to) : null);
}

function makeBytes(from, size, total) {
  if (!size) return "";
  const bar = place(make("s", { class: "bytes" }), (100 * from) / total, (100 * size) / total);
  return make("div", { class: "g" }, bar);
}
