import type { GivenSettings } from "../settings/settings.ts";

/** Options of a `CountClient`. `resource` and `token` are the settings of the servers. */
export interface CountClientOptions extends GivenSettings<"resource" | "token"> {
  /**
   * Time that a server may send nothing, in milliseconds: 1 to 2^31 − 1. A mapping that keeps coming may take
   * longer. Default: 5000.
   */
  timeoutMs?: number | undefined;
  /** Maximum number of retries of a request, with exponential back-off: 0 to 20. Default: 3. */
  retries?: number | undefined;
  /** Sends the requests. Default: the global `fetch`. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** Options of a call that reads counts. */
export interface ReadOptions extends CallOptions {
  /**
   * Leaves out the plays of this fold and of older ones, as a page does that adds the counts of its database:
   * 0 to 2^53 − 1. Default: 0.
   */
  after?: number | undefined;
}

/** Options of `CountClient.fold`. */
export interface FoldOptions extends CallOptions {
  /**
   * True if a song of the fold may be stored, after an earlier call has failed. The fold is then only read: a
   * server that has forgotten it would seal new plays under the old number. Its plays are in the next fold.
   */
  isBegun?: boolean | undefined;
  /** About the number of songs in a slice: 1 to 16,000,000. Default: 1,000,000. */
  sliceSongs?: number | undefined;
}
