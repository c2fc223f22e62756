import prelude from "./prelude.lua" with { type: "text" };

/** A Lua script, which Redis runs as one atomic step. */
export class Script {
  readonly source: string;
  /** SHA-1 of the source, by which a server knows a script that it has run before. */
  readonly sha: string;
  /** True if the script may change something. */
  readonly writes: boolean;

  /** `frees`: the script runs although memory is full, because it frees some, or completes what was begun. */
  constructor(text: string, { writes, frees = false }: { writes: boolean; frees?: boolean }) {
    this.source = `${frees ? "#!lua flags=allow-oom\n" : ""}${prelude}\n${text}`;
    this.sha = new Bun.CryptoHasher("sha1").update(this.source).digest("hex");
    this.writes = writes;
  }
}

/** The input of one run of a script. The request is passed as JSON. */
export interface ScriptInput {
  readonly keys: readonly string[];
  readonly verb: string;
  readonly request?: object;
}

/** Returns the number to add to the changes of a shard. Random, so that no sum of them repeats. */
export function randomChange(): number {
  return 1 + Math.floor(Math.random() * 2 ** 20);
}
