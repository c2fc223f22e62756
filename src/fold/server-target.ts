import { lastRequestIn, readNewestFold } from "../client/answers.ts";
import { problemTypeOf } from "../client/count-server-error.ts";
import type { Placement } from "../client/placement.ts";
import { allEnded, type ServerClient } from "../client/server-client.ts";
import { hash64 } from "../hash.ts";
import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { labelOf } from "./label.ts";
import { type FoldToStore, BrokenFold, type Target } from "./target.ts";
import { refuseTwins } from "./twins.ts";

/** Songs of one step, which sends at most one batch to each server. */
const STEP_SONGS = 2000;

/**
 * Moves folds to other servers, where each song is placed as clients place it.
 *
 * The songs are sent in their order. The batches of a fold are the requests of one writer at each server,
 * with the number of the step. So a run that follows a broken one learns from each server where to go on. It
 * sends the last batch again, and a server that has counted a different one under the number refuses it.
 */
export class ServerTarget implements Target {
  readonly label: string;
  readonly #to: Placement;
  readonly #client: ServerClient;
  readonly #signal: AbortSignal | undefined;

  constructor(to: Placement, client: ServerClient, signal: AbortSignal | undefined) {
    this.label = labelOf("into", to.urls.toSorted().join(" "));
    this.#to = to;
    this.#client = client;
    this.#signal = signal;
  }

  /** Rejects if a server does not accept batches. @throws {JobRefusal} if two URLs have one store. */
  async prepare(): Promise<void> {
    await refuseTwins({
      ...{ client: this.#client, servers: this.#to.urls },
      ...{ flag: "--into", signal: this.#signal },
    });
    const request = { method: "POST", path: "batch", body: "", signal: this.#signal };
    await allEnded(this.#to.urls.map((server) => this.#client.send(server, request, readNewestFold)));
  }

  async store({ fold, songs, onProgress }: FoldToStore): Promise<void> {
    const writer = `fold-${fold}-${hash64(this.label).join("-")}`;
    const last = this.#to.urls.map(async (server) => [server, await this.#last(server, writer)] as const);
    const counted = new Map(await allEnded(last));
    let step = 0;
    for (const { songs: part, start } of songs.parts(STEP_SONGS)) {
      this.#signal?.throwIfAborted();
      onProgress(start);
      step++;
      const batches = Array.from(this.#to.divide(part), async ([server, songs]) => {
        if (step >= (counted.get(server) ?? 0)) await this.#send(server, `${writer}:${step}`, songs);
      });
      await allEnded(batches);
    }
    for (const [server, newest] of counted) if (newest > step) throw differs(server);
  }

  /** Returns the step whose batch a server has counted last; 0 if none. */
  async #last(server: string, writer: string): Promise<number> {
    try {
      await this.#send(server, `${writer}:0`, []);
      return 0;
    } catch (error) {
      const last = lastRequestIn(error);
      if (last === undefined) throw error;
      return last;
    }
  }

  async #send(server: string, key: string, songs: [string, number][]): Promise<void> {
    const body = writeList(MAPPING_SYNTAX.text, songs);
    const request = { method: "POST", path: "batch", key: `"${key}"`, body, isMinimal: true };
    try {
      await this.#client.send(server, { ...request, signal: this.#signal }, readNewestFold);
    } catch (error) {
      throw problemTypeOf(error) === "KeyReused" ? differs(server) : error;
    }
  }
}

function differs(server: string): BrokenFold {
  return new BrokenFold(
    `${server} has counted other songs under this fold: a server of --from has lost some since. Drop the rest by --skip`,
  );
}
