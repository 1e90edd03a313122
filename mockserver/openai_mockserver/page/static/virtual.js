// A list of rows of one height, of which only the visible ones are in the document.

const OVERSCAN = 8;

export class VirtualList {
  #rows = new Map();
  #items = [];

  // create(item) returns a row, update(row, item) writes into it, key(item) identifies it.
  constructor(viewport, { create, update, key }) {
    Object.assign(this, { viewport, create, update, key });
    this.sizer = document.createElement("div");
    this.sizer.className = "sizer";
    this.sizer.setAttribute("role", "presentation");
    viewport.replaceChildren(this.sizer);
    viewport.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(viewport);
  }

  get rowHeight() {
    return parseFloat(getComputedStyle(this.viewport).getPropertyValue("--row")) || 40;
  }

  set items(items) {
    const height = this.rowHeight;
    const top = Math.floor(this.viewport.scrollTop / height);
    const anchor = top > 0 && this.#items[top];
    this.#items = items;
    this.sizer.style.height = `${items.length * height}px`;
    if (anchor) { // what is being read stays where it is
      const index = items.findIndex((item) => this.key(item) === this.key(anchor));
      if (index > top) this.viewport.scrollTop += (index - top) * height;
    }
    this.draw();
  }

  get items() {
    return this.#items;
  }

  draw() {
    const { scrollTop, clientHeight } = this.viewport;
    const height = this.rowHeight;
    this.sizer.style.height = `${this.#items.length * height}px`;
    const first = Math.max(0, Math.floor(scrollTop / height) - OVERSCAN);
    const last = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / height) + OVERSCAN);
    const shown = new Map();
    for (let index = first; index < last; index += 1) shown.set(this.key(this.#items[index]), index);
    for (const [key, row] of this.#rows) {
      if (shown.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    let place = 0;
    for (const [key, index] of shown) {
      const item = this.#items[index];
      let row = this.#rows.get(key);
      if (!row) {
        row = this.create(item);
        this.#rows.set(key, row);
      }
      if (this.sizer.children[place] !== row) this.sizer.insertBefore(row, this.sizer.children[place] ?? null);
      row.style.transform = `translateY(${index * height}px)`;
      row.setAttribute("aria-posinset", index + 1);
      row.setAttribute("aria-setsize", this.#items.length);
      this.update(row, item);
      place += 1;
    }
  }

  row(item) {
    return this.#rows.get(this.key(item));
  }

  // Scrolls so that an item is in view, and returns its row.
  show(item) {
    const index = this.#items.findIndex((one) => this.key(one) === this.key(item));
    if (index < 0) return null;
    const height = this.rowHeight;
    const { scrollTop, clientHeight } = this.viewport;
    if (index * height < scrollTop) this.viewport.scrollTop = index * height;
    else if ((index + 1) * height > scrollTop + clientHeight) {
      this.viewport.scrollTop = (index + 1) * height - clientHeight;
    }
    this.draw();
    return this.row(item);
  }
}
