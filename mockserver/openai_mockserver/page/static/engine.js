// The capacity of the server: the engine that is chosen, and what it does.

import { change, get } from "./api.js";
import { count, find, formatSeconds, make, setText } from "./dom.js";

const capacity = find("capacity");
const rows = find("engine");
const PAUSE = 500; // milliseconds between two looks at an engine
let names = [];
let planned = null;

// Which engine

function fillSelect(engine) {
  const select = capacity.elements.engine;
  if (select === document.activeElement) return; // it may be open
  const value = typeof engine === "string" ? engine : engine === null ? "" : "own";
  const options = [["", "Unlimited"], ...names.map((name) => [name, name])];
  if (value === "own") options.push([value, "its own values"]);
  if (select.options.length !== options.length) {
    select.replaceChildren(...options.map(([name, text]) => make("option", { value: name }, text)));
  }
  select.value = value;
}

capacity.addEventListener("submit", (event) => event.preventDefault());
capacity.addEventListener("change", async ({ target }) => {
  if (target.value === "own") return;
  const message = capacity.querySelector(".message");
  target.blur();
  try {
    draw(await change("PUT", "/engine", { engine: target.value || null }));
    setText(message, "");
  } catch (error) {
    setText(message, error.message);
  }
  message.classList.toggle("bad", message.textContent !== "");
});

// What it does

const describeMost = (most) => (most === null ? "" : ` of ${most.toLocaleString("en")}`);

// A row: its name, a text, and how full something is, from 0 to 1.
function describe(state) {
  const { engines, running, waiting, slots, queue, batch, itl, cached_blocks, cache_blocks } = state;
  const found = engines > 1 ? [["Engines", `${engines}, one a process`, null]] : [];
  found.push(
    ["Slots", `${running}${describeMost(slots)}`, running / slots],
    ["Queue", `${waiting}${describeMost(queue)}`, queue ? waiting / queue : Number(waiting > 0)],
    ["Batch", `${batch} · ${formatSeconds(itl)} a token`, null],
  );
  if (cache_blocks) {
    const share = state.prompt_tokens ? Math.round((100 * state.cached_tokens) / state.prompt_tokens) : 0;
    found.push(["Cache", `${count(cached_blocks, "block")} · ${share} % of the prompts`, cached_blocks / cache_blocks]);
  }
  for (const { key, model, unit, limit, used, reset } of state.limits) {
    const what = [model, key].filter(Boolean).join(" ");
    found.push([`${unit[0].toUpperCase()}${unit.slice(1)}`, `${used.toLocaleString("en")}${describeMost(limit)} · ${what} · reset in ${formatSeconds(reset)}`, used / limit]);
  }
  if (state.refused) found.push(["Refused", count(state.refused, "request"), null]);
  return found;
}

function draw(state) {
  fillSelect(state.engine);
  rows.hidden = state.engine === null;
  const described = rows.hidden ? [] : describe(state);
  while (rows.children.length > 2 * described.length) rows.lastChild.remove();
  described.forEach(([name, text, share], index) => {
    const term = rows.children[2 * index] ?? rows.appendChild(make("dt"));
    const value = rows.children[2 * index + 1] ?? rows.appendChild(
      make("dd", {}, make("span", { class: "text" }), make("span", { class: "gauge" }, make("span"))));
    setText(term, name);
    setText(value.firstChild, text);
    const gauge = value.lastChild;
    gauge.hidden = share === null;
    gauge.className = share >= 1 ? "gauge warn" : "gauge";
    gauge.firstChild.style.width = `${100 * Math.min(1, share ?? 0)}%`;
  });
  if (!rows.hidden && !document.hidden) noteEngine();
}

async function look() {
  draw(await get("/engine"));
}

// Looks soon, and then again and again as long as there is an engine.
export function noteEngine() {
  planned ??= setTimeout(() => {
    planned = null;
    look().catch((error) => console.debug(error));
  }, PAUSE);
}

document.addEventListener("visibilitychange", () => document.hidden || noteEngine());

export async function drawEngine(engines) {
  names = engines;
  await look();
}
