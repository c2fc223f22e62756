import type { MessagePort } from "node:worker_threads";
import type { WriteCommand, WriteReply } from "./messages.ts";
import type { Signals } from "./signals.ts";

/** Sends commands to the commit thread, and passes each reply to the caller that waits for it. */
export class Channel {
  readonly #port: MessagePort;
  readonly #signals: Signals;
  readonly #onReply: () => void;
  readonly #waiting: ((reply: WriteReply) => void)[] = [];
  /** True once the commit thread has ended. */
  isLost = false;

  /** Calls `onReply` after each reply, and when the channel is lost. */
  constructor(port: MessagePort, signals: Signals, onReply: () => void) {
    this.#port = port;
    this.#signals = signals;
    this.#onReply = onReply;
    port.on("message", (reply: WriteReply) => this.#receive(reply));
    port.on("close", () => this.#lose());
    port.unref(); // it keeps the process alive only while a reply is missing
  }

  /** Commands that have no reply yet. */
  get unanswered(): number {
    return this.#waiting.length;
  }

  send(command: WriteCommand): Promise<WriteReply> {
    if (this.isLost) return Promise.resolve({ did: "fail", isUnknown: false, storageFailure: "failed" });
    this.#port.ref();
    this.#port.postMessage(command);
    this.#signals.wakeForMessage();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #receive(reply: WriteReply): void {
    this.#waiting.shift()?.(reply);
    if (this.#waiting.length === 0) this.#port.unref();
    this.#onReply();
  }

  /** Fails the commands under way: they may be durable or not. */
  #lose(): void {
    this.isLost = true;
    for (const resolve of this.#waiting.splice(0))
      resolve({ did: "fail", isUnknown: true, storageFailure: "failed" });
    this.#onReply();
  }
}
