import type { Subject } from "./subject.ts";

/** Headers of a client that wants a stream, as browsers send them. */
export const eventStream = { accept: "text/event-stream" } as const;

/** An event of a stream. */
export interface ReadEvent {
  event: string;
  data: unknown;
}

/** Reads a stream of events. */
export class EventReader {
  readonly response: Response;
  /** Everything that was read. */
  text = "";
  readonly #aborting: AbortController;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #at = 0;

  private constructor(response: Response, aborting: AbortController) {
    this.response = response;
    this.#aborting = aborting;
    this.#pieces = (response.body as ReadableStream<Uint8Array>)[Symbol.asyncIterator]();
  }

  static async open(fetch: Subject["fetch"], path: string): Promise<EventReader> {
    const aborting = new AbortController();
    return new EventReader(await fetch(path, { headers: eventStream, signal: aborting.signal }), aborting);
  }

  /** Returns the next event, or `undefined` if the stream ends first. Comments are left out. */
  async next(): Promise<ReadEvent | undefined> {
    for (;;) {
      const end = this.text.indexOf("\n\n", this.#at);
      if (end === -1) {
        if (!(await this.#read())) return undefined;
        continue;
      }
      const block = this.text.slice(this.#at, end);
      this.#at = end + 2;
      const [, event = ""] = /^event: (.*)$/m.exec(block) ?? [];
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (data !== undefined) return { event, data: JSON.parse(data) as unknown };
    }
  }

  /** Reads events until `isWanted` returns true for one; false if the stream ends first. */
  async until(isWanted: (event: ReadEvent) => boolean): Promise<boolean> {
    for (let event = await this.next(); event !== undefined; event = await this.next())
      if (isWanted(event)) return true;
    return false;
  }

  /** Reads to the end of the stream, and returns what was not read before. */
  async rest(): Promise<string> {
    while (await this.#read());
    return this.text.slice(this.#at);
  }

  /** Closes the stream from the client's side. */
  async close(): Promise<void> {
    this.#aborting.abort();
    await this.#pieces.return?.().catch(() => {});
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done) return false;
    this.text += this.#decoder.decode(value, { stream: true });
    return true;
  }
}
