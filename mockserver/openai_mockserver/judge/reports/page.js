// The page of a report. Whatever comes from the report is put in as text, never as markup.
const report = JSON.parse(document.getElementById("report").textContent);
const results = report.results;
const FAILING = new Set(["wrong", "silent", "crash", "hang"]);
const LETTERS = { pass: "\u2713", unsupported: "\u2013", lossy: "~" };

const byId = (id) => document.getElementById(id);

// Elements

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "click") element.addEventListener("click", value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

function place(element, left, width) {
  element.style.left = `${left}%`;
  if (width !== undefined) element.style.width = `${width}%`;
  return element;
}

const makeButton = (options, text) => make("button", { type: "button", ...options }, text);
const makeSpan = (tone, text) => make("span", { class: tone }, text);
const makeHeading = (text) => make("h3", {}, text);
const makeNote = (tone, ...text) => make("p", { class: `note ${tone}` }, text);
const makeItem = (item) => make("li", {}, item);
const makeList = (items) => make("ul", { class: "links" }, items.map(makeItem));

function makeTable(name, heads, rows) {
  const cells = heads.map((head) => make("th", { scope: "col" }, head));
  const head = make("thead", {}, make("tr", {}, cells));
  return make("table", { class: name }, head, make("tbody", {}, rows));
}

const gradeClass = (grade) => (FAILING.has(grade) ? "failing" : grade);

const spellGrade = (grade) => `${LETTERS[grade] ?? "\u2717"} ${grade}`;

function makeTag(grade) {
  const title = report.grades[grade];
  return make("span", { class: `tag ${gradeClass(grade)}`, title }, spellGrade(grade));
}

// Text in which invisible characters are escapes. In bytes, U+DC80 to U+DCFF are those of no UTF-8.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{NChar}]/u;

function spell(character, isBytes) {
  const code = character.codePointAt(0);
  const name = { 9: "\\t", 10: "\\n", 13: "\\r" }[code];
  if (name) return name;
  if (isBytes && code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
  return `\\u{${code.toString(16)}}`;
}

function showText(text, { but = "", isBytes = false } = {}) {
  const parts = [];
  let plain = "", hidden = "";
  const flush = () => {
    if (plain) parts.push(plain);
    if (hidden) parts.push(make("span", { class: "ctl" }, hidden));
    plain = hidden = "";
  };
  for (const character of text) {
    const isHidden = HIDDEN.test(character) && !but.includes(character);
    if (isHidden ? plain : hidden) flush();
    if (isHidden) hidden += spell(character, isBytes);
    else plain += character;
  }
  flush();
  return parts;
}

const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const showSeconds = (n) => (n < 0.01 && n > 0 ? n.toFixed(4) : n.toFixed(3));

// What is shown: the filters, the cases that pass them, and the one that is open

const filters = { grades: new Set(), family: "", level: "", status: "", words: [] };
const positions = new Map();
const keys = results.map(({ case: name }, n) => {
  const key = positions.has(name) ? `${name} (${n + 1})` : name; // a case may be given twice
  positions.set(key, n);
  return key;
});
const haystacks = results.map((result) => {
  const requirement = result.requirement ?? {};
  return [
    result.case, result.family, result.description, result.grade, result.endpoint, requirement.text,
    requirement.source, ...result.citations, ...result.mistakes.map((mistake) => mistake.sentence),
  ].join("\n").toLowerCase();
});

let visible = [];
let opened = -1;
let options = new Map();

function passes(n, { but } = {}) {
  const result = results[n];
  return (
    (but === "grades" || !filters.grades.size || filters.grades.has(result.grade)) &&
    (!filters.family || result.family === filters.family) &&
    (!filters.level || result.requirement?.level === filters.level) &&
    (!filters.status || result.status === filters.status) &&
    filters.words.every((word) => haystacks[n].includes(word))
  );
}

const families = [...new Set(results.map((result) => result.family))].sort();

function listCases() {
  const list = byId("list");
  visible = [];
  options = new Map();
  const groups = families.map((family) => {
    const members = [...results.keys()].filter((n) => results[n].family === family && passes(n));
    if (!members.length) return null;
    visible.push(...members);
    const right = members.filter((n) => results[n].grade === "pass").length;
    const name = family || "other";
    const tally = `${right} of ${members.length} pass`;
    return make(
      "div",
      { role: "group", "aria-label": name },
      make("div", { class: "family", "aria-hidden": "true" }, make("b", {}, name), tally),
      members.map(makeOption),
    );
  });
  list.replaceChildren(...groups.filter(Boolean));
  if (!visible.length) {
    const text = results.length ? "No case passes these filters." : "There are no cases.";
    list.append(make("p", { class: "none" }, text));
  }
  markOpened();
  showCounts();
}

function makeOption(n) {
  const result = results[n];
  const mistake = result.mistakes[0]?.sentence ?? result.description;
  const option = make(
    "div",
    {
      class: "case", role: "option", id: `case-${n}`, "aria-selected": "false",
      click: () => open(n),
    },
    make("span", {}, result.case),
    makeTag(result.grade),
    make("small", {}, showText(mistake.slice(0, 200))),
  );
  options.set(n, option);
  return option;
}

function showCounts() {
  byId("count").textContent =
    visible.length === results.length
      ? count(results.length, "case")
      : `${visible.length} of ${count(results.length, "case")}`;
  const isFiltered = filters.grades.size || filters.family || filters.level || filters.status;
  byId("reset").hidden = !isFiltered && !filters.words.length;
  const tallies = {};
  results.forEach((result, n) => {
    if (passes(n, { but: "grades" })) tallies[result.grade] = (tallies[result.grade] ?? 0) + 1;
  });
  for (const button of byId("grades").children) {
    const { grade } = button.dataset;
    button.querySelector("b").textContent = tallies[grade] ?? 0;
    button.setAttribute("aria-pressed", filters.grades.has(grade));
  }
}

function markOpened() {
  for (const [n, option] of options) option.setAttribute("aria-selected", n === opened);
  const option = options.get(opened);
  if (option) byId("list").setAttribute("aria-activedescendant", option.id);
  else byId("list").removeAttribute("aria-activedescendant");
}

function open(n, { isStep = false } = {}) {
  showDetail(n);
  const hash = n < 0 ? "#" : `#${encodeURIComponent(keys[n])}`;
  if (isStep) location.replace(hash); // no entry in the history for each step
  else location.hash = hash;
}

function findHash() {
  try {
    return positions.get(decodeURIComponent(location.hash.slice(1))) ?? -1;
  } catch {
    return -1; // it is not ours
  }
}

function showDetail(n) {
  opened = n;
  document.body.classList.toggle("opened", n >= 0);
  const detail = byId("detail");
  detail.setAttribute("aria-label", n < 0 ? "Overview" : `Case ${results[n].case}`);
  detail.replaceChildren(...(n < 0 ? describeReport() : describeCase(results[n])).filter(Boolean));
  detail.scrollTop = 0;
  if (matchMedia("(max-width: 800px)").matches) scrollTo(0, 0);
  markOpened();
  options.get(n)?.scrollIntoView({ block: "nearest" });
}

function move(step) {
  if (!visible.length) return;
  const at = visible.indexOf(opened);
  const next = at < 0 ? (step > 0 ? 0 : visible.length - 1) : at + step;
  if (next >= 0 && next < visible.length) open(visible[next], { isStep: true });
}

// The overview

function describeReport() {
  const failing = results.filter((result) => result.status === "fails");
  const mended = results.filter((result) => result.status === "mended");
  const verdict = report.verdict.charAt(0).toUpperCase() + report.verdict.slice(1);
  const keys = "j and k go through the cases, Enter opens one, / searches.";
  const parts = [
    make(
      "div",
      { class: "head" },
      make("h2", {}, "Overview"),
      make("p", {}, `${verdict}.`),
      results.length ? make("p", { class: "soft" }, keys) : null,
    ),
  ];
  if (!results.length) return parts;
  if (!failing.length) {
    const known = results.some((result) => result.status === "known");
    const text = known ? "no requirement but those of the baseline" : "no requirement";
    parts.push(makeNote("", `\u2713 No case fails: the consumer breaks ${text}.`));
  }
  if (mended.length) {
    const names = mended.map((result) => result.case).join(", ");
    parts.push(makeNote("lossy", showText(`Mended; remove from the baseline: ${names}`)));
  }
  parts.push(makeHeading("Families"), make("div", { class: "wrap" }, makeFamilies()));
  if (failing.length) parts.push(makeHeading("Failures"), makeList(failing.map(describeFailure)));
  return parts;
}

function makeFamilies() {
  const grades = Object.keys(report.grades).filter((grade) => report.counts[grade]);
  const rows = families.map((family) => {
    const name = family || "other";
    const members = results.filter((result) => result.family === family);
    const cells = grades.map((grade) => {
      const n = members.filter((result) => result.grade === grade).length;
      if (!n) return make("td");
      const click = () => choose({ family, grades: [grade] });
      const label = `${n} ${grade} in ${name}`;
      const options = { class: gradeClass(grade), "aria-label": label, click };
      return make("td", {}, makeButton(options, n));
    });
    const click = () => choose({ family, grades: [] });
    return make("tr", {}, make("th", { scope: "row" }, makeButton({ click }, name)), cells);
  });
  return makeTable("families", ["family", ...grades.map(makeTag)], rows);
}

function describeFailure(result) {
  const href = `#${encodeURIComponent(keys[results.indexOf(result)])}`;
  const sentence = `: ${result.mistakes[0].sentence.slice(0, 300)}`;
  return [make("a", { href }, result.case), " ", makeTag(result.grade), ...showText(sentence)];
}

// Filters and keys

function choose({ family, grades }) {
  filters.family = byId("family").value = family;
  filters.grades = new Set(grades);
  listCases();
  byId("list").focus();
}

function fill(id, names) {
  const select = byId(id);
  select.append(...["", ...names].map((value) => make("option", { value }, value || "all")));
  select.addEventListener("change", () => {
    filters[id] = select.value;
    listCases();
  });
}

function describeRun() {
  const { openai_mockserver: version, python, versions } = report;
  const packages = Object.entries(versions).map(([name, number]) => `${name} ${number}`);
  const date = report.began ? report.began.replace("T", " ").replace(/\+00:00$/, " UTC") : null;
  const drawn = report.drawn ? `${count(report.drawn, "drawn stream")}` : null;
  const facts = [...packages, `openai-mockserver ${version}`, `Python ${python}`, date];
  facts.push(`${report.seconds.toFixed(1)} s`, drawn);
  return facts.filter(Boolean).map((fact) => make("span", {}, showText(fact)));
}

const hasStatus = (status) => results.some((result) => result.status === status);

function start() {
  byId("consumer").append(...showText(report.consumer));
  byId("consumer").title = report.consumer;
  byId("about").append(...describeRun());
  for (const grade of Object.keys(report.grades).filter((name) => report.counts[name])) {
    const title = report.grades[grade];
    const button = makeButton({ class: gradeClass(grade), title }, `${spellGrade(grade)} `);
    button.append(make("b"));
    button.dataset.grade = grade;
    button.addEventListener("click", () => {
      if (!filters.grades.delete(grade)) filters.grades.add(grade);
      listCases();
    });
    byId("grades").append(button);
  }
  fill("family", families.filter(Boolean));
  fill("level", ["MUST", "SHOULD", "MAY"]);
  fill("status", Object.keys(report.statuses).filter(hasStatus));
  byId("search").addEventListener("input", (event) => {
    filters.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    listCases();
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => {
    Object.assign(filters, { grades: new Set(), family: "", level: "", status: "", words: [] });
    listCases();
  });
  addEventListener("hashchange", () => findHash() !== opened && showDetail(findHash()));
  document.addEventListener("keydown", pressKey);
  listCases();
  showDetail(findHash());
}

function pressKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  if (target.matches?.("input, select, textarea")) {
    if (key === "Escape" || (key === "Enter" && target.id === "search")) byId("list").focus();
    else return;
  } else if (key === "/") byId("search").focus();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (target.id === "list" && key === "ArrowDown") move(1);
  else if (target.id === "list" && key === "ArrowUp") move(-1);
  else if (target.id === "list" && key === "Enter") enter();
  else if (key === "Escape" && opened >= 0) byId("list").focus();
  else return;
  event.preventDefault();
}

function enter() {
  if (opened < 0) move(1);
  byId("detail").focus();
}

start();
