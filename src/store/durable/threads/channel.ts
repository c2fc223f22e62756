import type { MessagePort } from "node:worker_threads";
import type { WriteReply, WriteCommand } from "./messages.ts";
import type { Signals } from "./signals.ts";

/** The way to the thread that writes: asks, and gives each answer to who asked. */
export class Channel {
  readonly #port: MessagePort;
  readonly #signals: Signals;
  readonly #onAnswer: () => void;
  readonly #waiting: ((answer: WriteReply) => void)[] = [];
  isLost = false;

  /** `onAnswer` is called behind each answer, and when there will be no more. */
  constructor(port: MessagePort, signals: Signals, onAnswer: () => void) {
    this.#port = port;
    this.#signals = signals;
    this.#onAnswer = onAnswer;
    port.on("message", (answer: WriteReply) => this.#receive(answer));
    port.on("close", () => this.#lose());
    port.unref(); // it keeps the process alive only while an answer is missing
  }

  /** How many messages have no answer yet. */
  get underWay(): number {
    return this.#waiting.length;
  }

  ask(ask: WriteCommand): Promise<WriteReply> {
    if (this.isLost) return Promise.resolve({ did: "fail", isUnknown: false, ailment: "failed" });
    this.#port.ref();
    this.#port.postMessage(ask);
    this.#signals.ringForMessage();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #receive(answer: WriteReply): void {
    this.#waiting.shift()?.(answer);
    if (this.#waiting.length === 0) this.#port.unref();
    this.#onAnswer();
  }

  /** What the other thread was at may be durable or not. */
  #lose(): void {
    this.isLost = true;
    for (const resolve of this.#waiting.splice(0))
      resolve({ did: "fail", isUnknown: true, ailment: "failed" });
    this.#onAnswer();
  }
}
