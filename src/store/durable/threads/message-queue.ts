import type { BatchAddition } from "../../count-store.ts";
import { errorOf } from "./answers.ts";
import type { Channel } from "./channel.ts";
import { type Added, type Addend, type WriteReply, MOST_SONGS } from "./messages.ts";

/** Additions that go in one message, and who waits for them. */
interface Gathered {
  addends: Addend[];
  songs: number;
  waiting: PromiseWithResolvers<BatchAddition>[];
}

/** Additions that go by message: while one message is under way the next one gathers. */
export class MessageQueue {
  readonly #channel: Channel;
  readonly #gathered: Gathered[] = [];
  /** How much waits: a request is 1, and of hundreds of songs 1 for each. */
  weight = 0;

  /** Whoever owns the channel calls {@linkcode send} behind each of its answers. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** @throws {Refusal} or {UnknownOutcome} as the answer says. */
  ask(addend: Addend): Promise<BatchAddition> {
    const gathered = this.#gatherFor(addend.key?.writer);
    const waiting = Promise.withResolvers<BatchAddition>();
    gathered.addends.push(addend);
    gathered.waiting.push(waiting);
    gathered.songs += addend.plays.length;
    this.weight += weightOf(addend);
    this.send();
    return waiting.promise;
  }

  /** Sends what has gathered, if nothing is under way. */
  send(): void {
    if (this.#channel.underWay > 0) return;
    const gathered = this.#gathered.shift();
    if (gathered === undefined) return;
    const { addends } = gathered;
    void this.#channel.ask({ do: "add", addends }).then((answer) => this.#settle(gathered, answer));
  }

  /** Where the next addition goes. A writer's next request waits for the one before it. */
  #gatherFor(writer: string | undefined): Gathered {
    const last = this.#gathered.at(-1);
    if (
      last !== undefined &&
      last.songs < MOST_SONGS &&
      !(writer !== undefined && last.addends.some(({ key }) => key?.writer === writer))
    )
      return last;
    const gathered: Gathered = { addends: [], songs: 0, waiting: [] };
    this.#gathered.push(gathered);
    return gathered;
  }

  #settle({ addends, waiting }: Gathered, answer: WriteReply): void {
    for (const addend of addends) this.weight -= weightOf(addend);
    for (const [at, { resolve, reject }] of waiting.entries()) {
      const added = answer.did === "add" ? (answer.added[at] as Added) : answer;
      if ("counts" in added) resolve({ counts: Float64Array.from(added.counts), fold: added.fold });
      else reject(errorOf(added));
    }
  }
}

function weightOf({ plays }: Addend): number {
  return Math.ceil((plays.length + 1) / 100);
}
