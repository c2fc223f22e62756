import type { MessagePort } from "node:worker_threads";
import type { Question, WriteCommand, WriteReply } from "./messages.ts";
import type { Signals } from "./signals.ts";

/** A command under way. */
interface Pending {
  resolve: (reply: WriteReply) => void;
  /** Answers the question of a command that has one. */
  decide: ((version: string) => boolean) | undefined;
}

/** Sends commands to the commit thread, and passes each reply to the caller that waits for it. */
export class Channel {
  readonly #port: MessagePort;
  readonly #signals: Signals;
  readonly #onLoss: () => void;
  readonly #waiting: Pending[] = [];
  /** True once the commit thread has ended. */
  isLost = false;

  /** Calls `onLoss` when the commit thread has ended. */
  constructor(port: MessagePort, signals: Signals, onLoss: () => void) {
    this.#port = port;
    this.#signals = signals;
    this.#onLoss = onLoss;
    port.on("message", (reply: WriteReply | Question) => this.#receive(reply));
    port.on("close", () => this.#lose());
    port.unref(); // it keeps the process alive only while a reply is missing
  }

  send(
    command: WriteCommand,
    transfer: ArrayBuffer[] = [],
    decide?: (version: string) => boolean,
  ): Promise<WriteReply> {
    if (this.isLost) return Promise.resolve({ did: "fail", failure: "failed" });
    this.#port.ref();
    this.#port.postMessage(command, transfer);
    this.#signals.wakeForMessage();
    return new Promise((resolve) => this.#waiting.push({ resolve, decide }));
  }

  #receive(reply: WriteReply | Question): void {
    if (reply.did === "ask")
      return this.#signals.answer(reply.question, this.#waiting[0]?.decide?.(reply.version) ?? false);
    this.#waiting.shift()?.resolve(reply);
    if (this.#waiting.length === 0) this.#port.unref();
  }

  /** Fails the commands under way: they may be durable or not. */
  #lose(): void {
    this.isLost = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ did: "fail", failure: "unknown" });
    this.#onLoss();
  }
}
