import type { BatchAddition } from "../../count-store.ts";
import type { Channel } from "./channel.ts";
import { type AddRequest, type AddResult, MAX_COMMIT_SONGS, type WriteReply } from "./messages.ts";
import { errorOfReply } from "./reply-errors.ts";

/** A message in the making, and the callers that wait for its reply. */
interface AddMessage {
  requests: AddRequest[];
  songs: number;
  waiting: PromiseWithResolvers<BatchAddition>[];
}

/** Sends additions by message, one message at a time; the next one collects requests meanwhile. */
export class MessageQueue {
  readonly #channel: Channel;
  readonly #messages: AddMessage[] = [];
  /** Load of the requests that wait: 1 for each 100 songs that a request has or begins. */
  weight = 0;

  /** The owner of the channel must call {@linkcode send} after each reply. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** @throws {Refusal} or {UnknownOutcome} as the reply says. */
  add(request: AddRequest): Promise<BatchAddition> {
    const message = this.#messageFor(request.key?.writer);
    const waiting = Promise.withResolvers<BatchAddition>();
    message.requests.push(request);
    message.waiting.push(waiting);
    message.songs += request.plays.length;
    this.weight += weightOf(request);
    this.send();
    return waiting.promise;
  }

  /** Sends the oldest message, if none is under way. */
  send(): void {
    if (this.#channel.unanswered > 0) return;
    const message = this.#messages.shift();
    if (message === undefined) return;
    const { requests } = message;
    void this.#channel.send({ do: "add", requests }).then((reply) => this.#settle(message, reply));
  }

  /**
   * Returns the message for the next request. A writer's requests go in different ones, as each needs the
   * reply before.
   */
  #messageFor(writer: string | undefined): AddMessage {
    const last = this.#messages.at(-1);
    const hasWriter = writer !== undefined && last?.requests.some(({ key }) => key?.writer === writer);
    if (last !== undefined && last.songs < MAX_COMMIT_SONGS && !hasWriter) return last;
    const message: AddMessage = { requests: [], songs: 0, waiting: [] };
    this.#messages.push(message);
    return message;
  }

  #settle({ requests, waiting }: AddMessage, reply: WriteReply): void {
    for (const request of requests) this.weight -= weightOf(request);
    for (const [at, { resolve, reject }] of waiting.entries()) {
      const result = reply.did === "add" ? (reply.results[at] as AddResult) : reply;
      if ("counts" in result) resolve({ counts: Float64Array.from(result.counts), fold: result.fold });
      else reject(errorOfReply(result));
    }
  }
}

function weightOf({ plays }: AddRequest): number {
  return Math.ceil((plays.length + 1) / 100);
}
