// Event streams, decoded as the HTML standard says.

/** An event as it was received. */
export interface ServerSentEvent {
  /** Its type; `message` if it has none. */
  event: string;
  data: string;
  /** The last id that the stream has had, up to this event. */
  id: string;
}

/** Decodes an event stream that arrives in pieces. */
export class Decoder {
  readonly #text = new TextDecoder();
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id = "";

  /** Return the events that these bytes complete. */
  decode(bytes: Uint8Array): ServerSentEvent[] {
    this.#rest += this.#text.decode(bytes, { stream: true });
    // A CR at the end may be half a line end.
    const isSplit = this.#rest.endsWith("\r");
    const lines = (isSplit ? this.#rest.slice(0, -1) : this.#rest).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + (isSplit ? "\r" : "");
    return lines.flatMap((line) => this.#readLine(line));
  }

  #readLine(line: string): ServerSentEvent[] {
    if (line === "") return this.#dispatch();
    const [, name, value] = /^([^:]*)(?::[ ]?(.*))?$/s.exec(line) ?? [];
    if (name === "event") this.#event = value ?? "";
    if (name === "data") this.#data.push(value ?? "");
    if (name === "id" && !value?.includes("\0")) this.#id = value ?? "";
    return [];
  }

  #dispatch(): ServerSentEvent[] {
    const event = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return isEmpty ? [] : [event];
  }
}
