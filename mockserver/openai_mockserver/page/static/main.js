// The page: which call is open, keys, the theme, and what follows the server.

import { baseUrl, follow, get, sendCall } from "./api.js";
import { showCall } from "./call.js";
import { drawControls, noteCall, noteRecording, noteReset } from "./controls.js";
import { noteEngine } from "./engine.js";
import { copy, find, formatSeconds } from "./dom.js";
import { makeList } from "./list.js";
import { Calls } from "./store.js";

const FIRST_PAGE = 200;
const PAGE = 1000;
const calls = new Calls();
let selected = null; // the number of the call that keys move from

const openNumber = () => Number(location.hash.match(/^#call\/(\d+)/)?.[1]) || null;
const isSelected = (call) => call.number === (calls.find(selected) ?? calls.visible[0])?.number;
const list = makeList(calls, (call) => call.number === openNumber(), isSelected);

// Following the server

// Reads the newest calls, and the older ones while the newer are followed.
async function start() {
  calls.clear();
  const page = await get(`/calls?order=newest&limit=${FIRST_PAGE}`);
  page.calls.forEach((call) => calls.put(call));
  const lost = page.calls.find((call) => call.problem && call.rule === null);
  if (lost) noteCall(lost);
  show();
  if (page.next !== null) readOlder(page.next).catch((error) => console.debug(error));
  return page.last_event;
}

let history = 0; // counts resets: pages of calls that were cleared meanwhile are dropped

async function readOlder(next) {
  const before = history;
  while (next !== null) {
    const page = await get(`/calls?order=newest&limit=${PAGE}&after=${next}`);
    if (history !== before) return;
    page.calls.forEach((call) => calls.put(call));
    next = page.next;
  }
}

function take(event) {
  calls.take(event);
  if (event.event === "reset") {
    history += 1;
    noteReset();
  }
  if (event.event === "start" || event.event === "end") noteCall(event.data);
  if (event.event === "start") noteEngine();
  if (event.event === "end") noteRecording();
}

let goneSince = null;

function showConnection(isUp) {
  goneSince = isUp ? null : goneSince ?? performance.now();
  showBanner();
  if (isUp) drawControls().catch((error) => console.debug(error));
}

function showBanner() {
  const banner = find("banner");
  banner.hidden = goneSince === null;
  if (goneSince === null) return;
  const gone = formatSeconds((performance.now() - goneSince) / 1000);
  banner.textContent = `The server does not answer (${gone}). What is shown may be old; the page connects again by itself.`;
}

setInterval(showBanner, 1000);

// Opening calls

let before = null;

function show() {
  const number = openNumber();
  if (number !== null) selected = number;
  const isNew = number !== before;
  before = number;
  document.body.classList.toggle("has-call", number !== null);
  showCall(calls.find(number), number);
  document.title = number === null ? "openai-mockserver" : `Call ${number} · openai-mockserver`;
  list.draw();
  if (isNew && number !== null && !find("calls").offsetParent) find("call").focus(); // the list is hidden
}

addEventListener("hashchange", show);
addEventListener("popstate", show);
calls.addEventListener("change", ({ detail }) => {
  if (detail === null || detail === openNumber()) show();
});

function close() {
  switchDrawer(false);
  if (openNumber() !== null) window.history.pushState(null, "", location.pathname);
  show();
  focusSelected();
}

function focusSelected() {
  const call = calls.find(selected) ?? calls.visible[0];
  if (call) list.show(call)?.firstChild.focus({ preventScroll: true });
}

function move(step) {
  const all = calls.visible;
  const index = all.findIndex((call) => call.number === selected);
  const call = all[index < 0 ? 0 : Math.min(all.length - 1, Math.max(0, index + step))];
  if (!call) return;
  selected = call.number;
  if (openNumber() !== null) location.replace(`#call/${call.number}`);
  list.draw();
  focusSelected();
}

const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  "/": () => find("filter").select(),
  "?": () => find("help").showModal(),
  Escape: close,
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isWriting = event.target.matches("input, textarea, select");
  if (isWriting && event.key === "Escape") return event.target.id === "filter" && focusSelected();
  const isElsewhere = event.target.closest("#controls, #call") && event.key.startsWith("Arrow");
  const handle = KEYS[event.key];
  if (isWriting || isElsewhere || !handle) return;
  event.preventDefault();
  handle();
});

find("list").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link) selected = Number(link.hash.split("/")[1]);
});

// What else there is

find("base-url").textContent = baseUrl;
find("copy-url").addEventListener("click", (event) => copy(baseUrl, event.target));
find("help-switch").addEventListener("click", () => find("help").showModal());
find("filter").addEventListener("input", (event) => calls.filter(event.target.value));
find("filter").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    selected = calls.visible[0]?.number ?? null;
    list.draw();
    focusSelected();
  }
});
find("send").addEventListener("click", () => sendCall().catch((error) => console.debug(error)));
const first = `curl -N ${baseUrl}/chat/completions \\
  -H 'Content-Type: application/json' \\
  -d '{"model": "gpt-4o", "stream": true,
       "messages": [{"role": "user", "content": "Hi"}]}'`;
find("first-call").textContent = first;
find("copy-first").addEventListener("click", (event) => copy(first, event.target));

const theme = find("theme-switch");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
function applyTheme() {
  const chosen = localStorage.getItem("openai-mockserver theme");
  const isDark = chosen ? chosen === "dark" : prefersDark.matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  theme.setAttribute("aria-pressed", String(isDark));
}
theme.addEventListener("click", () => {
  const isDark = document.documentElement.dataset.theme === "dark";
  localStorage.setItem("openai-mockserver theme", isDark ? "light" : "dark");
  applyTheme();
});
prefersDark.addEventListener("change", applyTheme);
applyTheme();

const drawer = find("drawer-switch");
function switchDrawer(isOpen) {
  document.body.classList.toggle("has-drawer", isOpen);
  drawer.setAttribute("aria-expanded", String(isOpen));
}
drawer.addEventListener("click", () => switchDrawer(!document.body.classList.contains("has-drawer")));

show();
follow(start, take, showConnection);
