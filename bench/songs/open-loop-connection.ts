import { sharedNow } from "../harness/clock.ts";
import { randomSongId } from "../harness/song-id.ts";

/** A complete answer to a play: status 200, and a count. */
const ANSWER = /^HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\n\d+$/;

export interface OpenLoopOptions {
  port: number;
  /** Songs, one of which is played at random. */
  songs: number;
  /** Time between two plays. */
  intervalMs: number;
  /** Called after each play with its due time, as in {@linkcode sharedNow}, and its latency. */
  onAnswer: (dueAt: number, latencyMs: number) => void;
}

/**
 * A connection that sends plays at a constant rate, one at a time, whatever the latency of the answers.
 *
 * A play that is due while the previous one is unanswered waits, and its latency begins at its due time. So a
 * server that stalls shows in every play that it delays, and not only in the first (no coordinated omission).
 */
export class OpenLoopConnection {
  readonly #options: OpenLoopOptions;
  #socket: Bun.Socket | undefined;
  #nextAt = Number.POSITIVE_INFINITY;
  /** Due time of the play that is unanswered. */
  #dueAt: number | undefined;
  #answer = "";
  #onIdle: (() => void) | undefined;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#options.port,
      socket: {
        data: (_, bytes) => this.#receive(bytes.toString("latin1")),
        close: () => fail("the server closed a connection"),
      },
    });
  }

  /** Sets the due time of the first play, as in {@linkcode sharedNow}. */
  startAt(dueAt: number): void {
    this.#nextAt = dueAt;
  }

  /** Sends a play if one is due. To be called every millisecond. */
  tick(): void {
    const now = sharedNow();
    if (this.#dueAt !== undefined || now < this.#nextAt) return;
    // This process is late, not the server: that play is due now, and plays that were due before are left
    // out.
    this.#send(now);
    while (this.#nextAt < now) this.#nextAt += this.#options.intervalMs;
  }

  /** Stops sending, and resolves when all plays are answered. */
  async drain(): Promise<void> {
    this.#nextAt = Number.POSITIVE_INFINITY;
    if (this.#dueAt === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #send(dueAt: number): void {
    this.#dueAt = dueAt;
    this.#nextAt += this.#options.intervalMs;
    const id = randomSongId(this.#options.songs);
    this.#socket?.write(`POST /song/${id} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  }

  #receive(text: string): void {
    this.#answer += text;
    if (!isComplete(this.#answer)) return;
    if (!ANSWER.test(this.#answer)) fail(`a play was answered with ${JSON.stringify(this.#answer)}`);
    this.#answer = "";
    const now = sharedNow();
    const dueAt = this.#dueAt ?? Number.NaN;
    this.#dueAt = undefined;
    this.#options.onAnswer(dueAt, now - dueAt);
    this.#onIdle?.();
    if (this.#nextAt <= now) this.#send(this.#nextAt);
  }
}

function isComplete(answer: string): boolean {
  const [head = "", body] = answer.split("\r\n\r\n", 2);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  return body !== undefined && (length === undefined || body.length >= Number(length));
}

/** Exits: a run in which a play failed has no figures. */
function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
