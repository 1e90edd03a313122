// The faults that are chosen for the next reply, with their arguments.

import { find, make } from "./dom.js";

// What is written as JSON is JSON; everything else is text.
function readValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export class FaultPicker {
  #chosen = []; // { fault, inputs } in order

  constructor(faults) {
    this.faults = faults;
    this.list = find("fault-list");
    const select = document.querySelector("#next select[name=fault]");
    const kinds = Map.groupBy(faults, (fault) => fault.kind.replace("_", " "));
    for (const [kind, members] of kinds) {
      select.append(make("optgroup", { label: kind }, members.map(({ name }) => make("option", { value: name }, name))));
    }
    select.addEventListener("change", () => {
      if (select.value) this.#add(this.faults.find((fault) => fault.name === select.value));
      select.value = "";
    });
  }

  // The chosen faults as scenario files write them.
  get values() {
    return this.#chosen.map(({ fault, inputs }) => {
      const given = inputs.filter(([, input]) => input.value.trim() !== "");
      if (!given.length) return fault.name;
      return { [fault.name]: Object.fromEntries(given.map(([name, input]) => [name, readValue(input.value)])) };
    });
  }

  #add(fault) {
    const inputs = fault.arguments.map((argument) => [argument.name, this.#makeInput(fault, argument)]);
    const entry = { fault, inputs };
    const item = make("li", { class: "fault", "aria-label": fault.name },
      make("div", { class: "title" }, make("code", {}, fault.name),
        make("button", { type: "button", class: "plain", "aria-label": `Remove ${fault.name}`, onclick: () => this.#remove(entry, item) }, "✕")),
      make("p", {}, fault.about.split("`").map((text, index) => (index % 2 ? make("code", {}, text) : text))),
      inputs.length ? make("div", { class: "arguments" }, inputs.map(([name, input]) => make("label", {}, name, input))) : null);
    this.#chosen.push(entry);
    this.list.append(item);
    (inputs[0]?.[1] ?? item.querySelector("button")).focus();
  }

  #makeInput(fault, { name, default: value, choices }) {
    const label = `${name} of ${fault.name}`;
    if (choices.length) return make("select", { "aria-label": label }, choices.map((one) => make("option", {}, one)));
    const isNeeded = value === null;
    return make("input", {
      "aria-label": label, required: isNeeded, autocomplete: "off",
      placeholder: isNeeded ? "needed" : value === "None" ? "none" : value,
    });
  }

  #remove(entry, item) {
    this.#chosen = this.#chosen.filter((one) => one !== entry);
    item.remove();
    document.querySelector("#next select[name=fault]").focus();
  }
}

export function describeFault(fault) {
  if (typeof fault === "string") return fault;
  const [[name, values]] = Object.entries(fault);
  return `${name}(${Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(", ")})`;
}
