import { sharedNow } from "../clock.ts";
import { randomSongId } from "../song-id.ts";

/** A whole answer to a play: of 200, and with a count. */
const ANSWER = /^HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\n\d+$/;

/** What sends plays of songs at random over one connection. */
export interface Pace {
  port: number;
  songs: number;
  /** Between two plays. */
  everyMs: number;
  /** Called with each play that is answered: when it was due, and how long that took. */
  onAnswer: (dueAt: number, tookMs: number) => void;
}

/**
 * A connection that sends plays at an even pace, one at a time.
 *
 * The pace does not depend on the answers: the time of a play that is due while the one before is not answered begins
 * when it was due. So what makes a server stop shows in all plays that it kept waiting.
 */
export class PacedConnection {
  readonly #pace: Pace;
  #socket: Bun.Socket | undefined;
  #nextAt = Number.POSITIVE_INFINITY;
  /** When the play that waits for its answer was due. */
  #dueAt: number | undefined;
  #answer = "";
  #rested: (() => void) | undefined;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  async open(): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#pace.port,
      socket: {
        data: (_, bytes) => this.#receive(bytes.toString("latin1")),
        close: () => fail("the server closed a connection"),
      },
    });
  }

  /** Has the first play be due at `at`, as {@linkcode sharedNow} has it. */
  begin(at: number): void {
    this.#nextAt = at;
  }

  /** Sends a play if one is due; to be called all the time. */
  tick(): void {
    const now = sharedNow();
    if (this.#dueAt !== undefined || now < this.#nextAt) return;
    // The server is not to blame for what this process itself is late by: that play is due now, others are left out.
    this.#send(now);
    while (this.#nextAt < now) this.#nextAt += this.#pace.everyMs;
  }

  /** Sends no more, and resolves when all is answered. */
  async rest(): Promise<void> {
    this.#nextAt = Number.POSITIVE_INFINITY;
    if (this.#dueAt === undefined) return;
    await new Promise<void>((resolve) => {
      this.#rested = resolve;
    });
  }

  #send(dueAt: number): void {
    this.#dueAt = dueAt;
    this.#nextAt += this.#pace.everyMs;
    const id = randomSongId(this.#pace.songs);
    this.#socket?.write(`POST /song/${id} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  }

  #receive(text: string): void {
    this.#answer += text;
    if (!isWhole(this.#answer)) return;
    if (!ANSWER.test(this.#answer)) fail(`a play was answered with ${JSON.stringify(this.#answer)}`);
    this.#answer = "";
    const now = sharedNow();
    const dueAt = this.#dueAt ?? Number.NaN;
    this.#dueAt = undefined;
    this.#pace.onAnswer(dueAt, now - dueAt);
    this.#rested?.();
    if (this.#nextAt <= now) this.#send(this.#nextAt);
  }
}

function isWhole(answer: string): boolean {
  const [head = "", body] = answer.split("\r\n\r\n", 2);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  return body !== undefined && (length === undefined || body.length >= Number(length));
}

/** Ends the process: figures of plays some of which failed would be of no use. */
function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
