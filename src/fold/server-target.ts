import { lastRequestIn, readNewestFold, readPairs } from "../client/answers.ts";
import { CountServerError, problemTypeOf } from "../client/count-server-error.ts";
import type { Placement } from "../client/placement.ts";
import { allEnded, type ServerClient } from "../client/server-client.ts";
import { hash64 } from "../hash.ts";
import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import type { UnknownPolicy } from "./defaults.ts";
import { labelOf } from "./label.ts";
import type { SongPlays } from "./songs.ts";
import { BrokenFold, type FoldToStore, JobRefusal, type Target } from "./target.ts";
import { refuseTwins } from "./twins.ts";

/** Options of a {@linkcode ServerTarget}. */
export interface ServerTargetOptions {
  /** `drop` leaves out songs that a server refuses for good. Any other one ends the job there. */
  unknown: UnknownPolicy;
  signal?: AbortSignal | undefined;
}

/** Songs of one step, which sends at most one batch to each server. */
const STEP_SONGS = 2000;

/**
 * Moves folds to other servers, where each song is placed as clients place it.
 *
 * The songs are sent in their order. The batches of a fold are the requests of one writer at each server,
 * with the number of the step. So a run that follows a broken one learns from each server where to go on. It
 * sends the last batch again, and a server that has counted a different one under the number refuses it.
 *
 * A server refuses a whole batch because of one song: its id may be one that `--id-pattern` or
 * `--max-id-bytes` excludes, or its count would exceed 2^53 − 1. The batch is sent without such songs then.
 */
export class ServerTarget implements Target {
  readonly label: string;
  readonly #to: Placement;
  readonly #client: ServerClient;
  readonly #options: ServerTargetOptions;

  constructor(to: Placement, client: ServerClient, options: ServerTargetOptions) {
    this.label = labelOf("into", to.urls.toSorted().join(" "));
    this.#to = to;
    this.#client = client;
    this.#options = options;
  }

  /** Rejects if a server does not accept batches. @throws {JobRefusal} if two URLs have one store. */
  async prepare(): Promise<void> {
    await refuseTwins({
      ...{ client: this.#client, servers: this.#to.urls },
      ...{ flag: "--into", signal: this.#options.signal },
    });
    const request = { method: "POST", path: "batch", body: "", signal: this.#options.signal };
    await allEnded(this.#to.urls.map((server) => this.#client.send(server, request, readNewestFold)));
  }

  async store({ fold, songs, setAside, onProgress }: FoldToStore): Promise<void> {
    const writer = `fold-${fold}-${hash64(this.label).join("-")}`;
    const last = this.#to.urls.map(async (server) => [server, await this.#last(server, writer)] as const);
    const counted = new Map(await allEnded(last));
    let step = 0;
    for (const { songs: part, start } of songs.parts(STEP_SONGS)) {
      this.#options.signal?.throwIfAborted();
      onProgress(start);
      step++;
      const batches = Array.from(this.#to.divide(part), async ([server, songs]) => {
        if (step < (counted.get(server) ?? 0)) return;
        setAside.add(await this.#count(server, `${writer}:${step}`, songs));
      });
      await allEnded(batches);
    }
    for (const [server, newest] of counted) if (newest > step) throw brokenBy(server);
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

  /** Counts a batch, if need be without songs that a server refuses for good. Returns those. */
  async #count(server: string, key: string, songs: SongPlays): Promise<SongPlays> {
    try {
      await this.#send(server, key, songs);
      return [];
    } catch (error) {
      const isReused = problemTypeOf(error) === "KeyReused"; // by a batch without such songs, or others
      if (!isReused && !isRefusal(error)) throw error;
      const refused = this.#options.unknown === "drop" ? await this.#refusedBy(server, songs) : [];
      if (refused.length === 0) throw isReused ? brokenBy(server) : refusalOf(error as Error);
      const left = new Set(refused);
      const rest = songs.filter((song) => !left.has(song));
      await this.#send(server, key, rest).catch((other: unknown) => {
        throw problemTypeOf(other) === "KeyReused" ? brokenBy(server) : other;
      });
      return refused;
    }
  }

  /** Returns the songs that a server refuses: a batch that adds nothing to them returns their counts. */
  async #refusedBy(server: string, songs: SongPlays): Promise<SongPlays> {
    const body = writeList(
      MAPPING_SYNTAX.text,
      songs.map(([id]): SongPlays[number] => [id, 0]),
    );
    const request = { method: "POST", path: "batch", body, signal: this.#options.signal };
    const counts = new Map<string, number>();
    try {
      await this.#client.send(server, request, (answer) =>
        readPairs(answer, (id, count) => counts.set(id, count)),
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (songs.length === 1) return songs;
      const half = songs.length >> 1;
      const first = await this.#refusedBy(server, songs.slice(0, half));
      return [...first, ...(await this.#refusedBy(server, songs.slice(half)))];
    }
    return songs.filter(([id, plays]) => !Number.isSafeInteger((counts.get(id) ?? 0) + plays));
  }

  async #send(server: string, key: string, songs: SongPlays): Promise<void> {
    const body = writeList(MAPPING_SYNTAX.text, songs);
    const request = { method: "POST", path: "batch", key: `"${key}"`, body, isMinimal: true };
    await this.#client.send(server, { ...request, signal: this.#options.signal }, readNewestFold);
  }
}

/** Returns true if a server refuses a song of a batch, and will refuse it again. */
function isRefusal(error: unknown): error is CountServerError {
  if (!(error instanceof CountServerError)) return false;
  return error.status === 400 || error.type === "IdTooLong" || error.type === "CountOverflow";
}

function refusalOf({ message }: Error): JobRefusal {
  return new JobRefusal(
    `${message}. Let the server take it, and run this again, or leave such songs out by --unknown drop`,
  );
}

function brokenBy(server: string): BrokenFold {
  return new BrokenFold(
    `${server} has counted other songs under this fold: a server of --from has lost some since, or the last run left some out by --unknown drop, and this one does not. Drop the rest by --skip`,
  );
}
