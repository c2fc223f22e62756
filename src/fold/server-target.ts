import { lastRequestIn, readNewestFold } from "../client/answers.ts";
import { CountServerError } from "../client/count-server-error.ts";
import type { Placement } from "../client/placement.ts";
import { allEnded, type ServerClient } from "../client/server-client.ts";
import { hash64 } from "../hash.ts";
import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { StatelessTarget } from "./stateless-target.ts";
import { type FoldToStore, JobRefusal, MAX_LABEL_LENGTH, nothing, type SetAside } from "./target.ts";

/** Songs of one step, which sends at most one batch to each server. */
const STEP_SONGS = 2000;

/**
 * Moves folds to other servers, where each song is placed as clients place it.
 *
 * The songs are sent in their order. The batches of a fold are the requests of one writer at each server,
 * with the number of the step. So a run that follows a broken one learns from each server where to go on. It
 * sends the last batch again, and a server that has counted a different one under the number refuses it.
 */
export class ServerTarget extends StatelessTarget {
  readonly #to: Placement;
  readonly #client: ServerClient;
  readonly #signal: AbortSignal | undefined;

  constructor(to: Placement, client: ServerClient, signal: AbortSignal | undefined) {
    const label = `playcount fold into ${to.urls.toSorted().join(" ")}`;
    super(
      label.length <= MAX_LABEL_LENGTH
        ? label
        : `${label.slice(0, MAX_LABEL_LENGTH - 20)} ${hash64(label).join()}`.slice(0, MAX_LABEL_LENGTH),
    );
    this.#to = to;
    this.#client = client;
    this.#signal = signal;
  }

  /** Rejects if a server does not accept batches. */
  override async prepare(): Promise<void> {
    const request = { method: "POST", path: "batch", body: "", signal: this.#signal };
    await allEnded(this.#to.urls.map((server) => this.#client.send(server, request, readNewestFold)));
  }

  async store({ fold, rows, onProgress }: FoldToStore): Promise<SetAside> {
    const writer = `fold-${fold}-${hash64(this.label).join("-")}`;
    const counted = new Map(
      await allEnded(
        this.#to.urls.map(async (server) => [server, await this.#last(server, writer)] as const),
      ),
    );
    let [step, stored] = [0, 0];
    for (const { ids, plays } of rows.parts(STEP_SONGS)) {
      this.#signal?.throwIfAborted();
      step++;
      await allEnded(
        Array.from(
          this.#to.divide(ids.map((id, at) => [id, plays[at] as number])),
          async ([server, songs]) => {
            if (step >= (counted.get(server) ?? 0)) await this.#send(server, `${writer}:${step}`, songs);
          },
        ),
      );
      onProgress((stored += ids.length));
    }
    for (const [server, last] of counted) if (last > step) throw differs(server);
    return nothing();
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
    const request = {
      method: "POST",
      path: "batch",
      key: `"${key}"`,
      body,
      isMinimal: true,
      signal: this.#signal,
    };
    try {
      await this.#client.send(server, request, readNewestFold);
    } catch (error) {
      throw error instanceof CountServerError && error.type === "KeyReused" ? differs(server) : error;
    }
  }
}

function differs(server: string): JobRefusal {
  return new JobRefusal(
    `${server} has counted other songs under this fold: a server of --from has lost some since. Drop the rest by --skip`,
  );
}
