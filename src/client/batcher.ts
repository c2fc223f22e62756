import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { abortable, onAbort } from "../async/timing.ts";
import { nextTurn } from "../async/turns.ts";
import { type Read, readCount } from "./answers.ts";
import { KeyPool } from "./key-pool.ts";
import type { ServerClient, ServerRequest } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";
import { isTemporary } from "./retries.ts";
import { readTotals } from "./slices.ts";

/** Maximum number of plays or songs in a batch, as servers accept by default. */
const MAX_BATCH_SONGS = 10_000;

/** Statuses with which a server refuses all batches of this client, as its token does not allow them. */
const BATCHES_REFUSED = [401, 403];

/** A song and plays to add to it. */
type Song = readonly [id: string, plays: number];

/** A play that waits for its count. */
interface PendingPlay {
  id: string;
  path: string;
  signal: AbortSignal | undefined;
  resolve: (count: number) => void;
  reject: (reason: unknown) => void;
}

/** Collects the plays of one turn of the event loop that are for one server, and sends them together. */
export class Batcher {
  readonly #server: string;
  readonly #client: ServerClient;
  readonly #keys = new KeyPool();
  #pending: PendingPlay[] = [];
  #acceptsBatches = true;

  constructor(server: string, client: ServerClient) {
    this.#server = server;
    this.#client = client;
  }

  /** Adds one play to the song `id` with the path `path`, and returns its new count. */
  async play(id: string, path: string, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted();
    const counted = new Promise<number>((resolve, reject) => {
      this.#pending.push({ id, path, signal, resolve, reject });
    });
    if (this.#pending.length === 1) nextTurn().then(() => this.#sendPending());
    return await abortable(counted, signal);
  }

  /** Adds plays to songs, with one request for every 10,000, and returns the new counts of each request. */
  add(songs: readonly Song[], signal: AbortSignal | undefined): Promise<Map<string, number>>[] {
    return batchesOf(songs).map((batch) => this.#send(batch, signal));
  }

  #sendPending(): void {
    const plays = this.#pending.filter(({ signal }) => !signal?.aborted);
    this.#pending = [];
    for (const part of batchesOf(plays)) {
      if (part.length > 1 && this.#acceptsBatches) this.#sendBatch(part);
      else this.#sendEach(part);
    }
  }

  #sendEach(plays: readonly PendingPlay[]): void {
    for (const { path, signal, resolve, reject } of plays) {
      const request = { method: "POST", path, signal };
      this.#sendKeyed(request, (answer) => readCount(answer, 1)).then(resolve, reject);
    }
  }

  /** Resolves several plays of one song with ascending counts, the last of which is the song's total. */
  async #sendBatch(plays: readonly PendingPlay[]): Promise<void> {
    const { signal, dispose } = allAborted(plays.map((play) => play.signal));
    try {
      const remaining = countById(plays);
      const totals = await this.#send([...remaining], signal);
      for (const { id, resolve } of plays) {
        const after = (remaining.get(id) as number) - 1;
        remaining.set(id, after);
        resolve((totals.get(id) as number) - after);
      }
    } catch (error) {
      if (!isBatchRefused(error)) return plays.forEach(({ reject }) => reject(error));
      // Nothing was counted. If the server refused one song only, it counts the others one by one.
      if (BATCHES_REFUSED.includes(error.status ?? 0)) this.#acceptsBatches = false;
      this.#sendEach(plays.filter((play) => !play.signal?.aborted));
    } finally {
      dispose();
    }
  }

  #send(songs: readonly Song[], signal: AbortSignal | undefined): Promise<Map<string, number>> {
    const body = writeList(MAPPING_SYNTAX.text, songs);
    const request = { method: "POST", path: "batch", body, signal };
    return this.#sendKeyed(request, (answer) => readTotals(answer, songs));
  }

  /** Makes a request idempotent with a key, and sends it with retries. */
  #sendKeyed<T>(request: ServerRequest, read: Read<T>): Promise<T> {
    const send = (key: string) => this.#client.send(this.#server, { ...request, key }, read);
    return this.#keys.withKey(send, request.signal);
  }
}

function batchesOf<T>(songs: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(songs.length / MAX_BATCH_SONGS) }, (_, n) =>
    songs.slice(n * MAX_BATCH_SONGS, (n + 1) * MAX_BATCH_SONGS),
  );
}

function countById(plays: readonly PendingPlay[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { id } of plays) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Returns true if a server refuses a batch, or one song of it, and so counted nothing. */
function isBatchRefused(error: unknown): error is CountServerError {
  return error instanceof CountServerError && !error.mayBeDone && !isTemporary(error);
}

/** Returns a signal that is aborted when all of `signals` are; never if one of them is missing. */
function allAborted(signals: readonly (AbortSignal | undefined)[]): {
  signal: AbortSignal;
  dispose: () => void;
} {
  const controller = new AbortController();
  const pending = new Set(signals);
  const abort = (signal: AbortSignal) => {
    pending.delete(signal);
    if (pending.size === 0) controller.abort(signal.reason);
  };
  const disposals = [...pending].map((signal) => signal && onAbort(signal, () => abort(signal)));
  return { signal: controller.signal, dispose: () => disposals.forEach((dispose) => dispose?.()) };
}
