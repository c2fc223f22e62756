import { cutOffError } from "../../error-message.ts";

/** A source of events for any number of readers. */
export interface Events {
  /** The last look at the counts whose changes are for the readers. */
  readonly offered: number;
  /** Returns the event with all changes after a look. */
  eventSince(look: number): Uint8Array;
}

/** The options of a reader. Times are in milliseconds. */
export interface ReaderOptions {
  /** When the stream ends. */
  endsAt: number;
  /** Time that the client may read nothing while something waits for it. */
  idleMs: number;
  /** Called once when the stream has ended, or its client is gone. */
  onEnd: (reader: Reader) => void;
}

/** Silence after which a comment is written. Proxies close a connection that is silent for longer. */
const COMMENT_MS = 15_000;
const COMMENT = new TextEncoder().encode(":\n\n");

const CUT_OFF = cutOffError("a stream");

/**
 * One client of a stream. It is written to when it has read everything before, so at most one event waits in
 * memory. It remembers the look of its last event: what it has missed follows from that.
 */
export class Reader {
  readonly #events: Events;
  readonly #options: ReaderOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #seen: number;
  #writtenAt = 0;
  /** Since when something waits for the client to read; `undefined` if nothing does. */
  #waitsSince: number | undefined;

  /** `seen` is the look of the first event. */
  constructor(events: Events, seen: number, options: ReaderOptions) {
    this.#events = events;
    this.#seen = seen;
    this.#options = options;
  }

  /** Makes the stream, which begins with `first`. */
  open(first: Uint8Array, now: number): ReadableStream<Uint8Array> {
    const stream = new ReadableStream<Uint8Array>(this, { highWaterMark: 1 });
    this.#write(first, now);
    return stream;
  }

  /** Writes changes or a comment, or ends the stream, if any is due. Returns true if it has written. */
  tend(now: number): boolean {
    const { endsAt, idleMs } = this.#options;
    if (this.#controller === undefined) return false;
    if (now >= endsAt || now - (this.#waitsSince ?? now) >= idleMs) {
      this.end();
      return false;
    }
    if (!this.#isBehind && now - this.#writtenAt < COMMENT_MS) return false;
    if ((this.#controller.desiredSize ?? 0) <= 0) {
      this.#waitsSince ??= now;
      return false;
    }
    if (this.#isBehind) this.#catchUp(now);
    else this.#write(COMMENT, now);
    return true;
  }

  /** Ends the stream. A client that does not read could not see its end, and is cut off. */
  end(): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    this.cancel();
    try {
      if (this.#waitsSince === undefined) controller.close();
      else controller.error(CUT_OFF);
    } catch {
      // The runtime has given the stream up.
    }
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  /** Called when the client has read everything. */
  pull(): void {
    if (this.#waitsSince === undefined) return;
    this.#waitsSince = undefined;
    if (this.#isBehind) this.#catchUp(performance.now());
  }

  /** Called when the client is gone. */
  cancel(): void {
    this.#controller = undefined;
    this.#options.onEnd(this);
  }

  get #isBehind(): boolean {
    return this.#seen < this.#events.offered;
  }

  #catchUp(now: number): void {
    this.#write(this.#events.eventSince(this.#seen), now);
    this.#seen = this.#events.offered;
  }

  #write(bytes: Uint8Array, now: number): void {
    this.#writtenAt = now;
    try {
      this.#controller?.enqueue(bytes);
    } catch {
      this.cancel(); // the runtime has given the stream up
    }
  }
}
