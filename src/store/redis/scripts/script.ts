/** A program that Redis runs as one step, in between all others. */
export class Script {
  readonly source: string;
  /** By what a server knows it that has run it before. */
  readonly sha: string;
  /** Whether it may change something. */
  readonly writes: boolean;

  /** What `frees` memory, or leads to that, is run when Redis has none left as well. */
  constructor(source: string, { writes, frees = false }: { writes: boolean; frees?: boolean }) {
    this.source = frees ? `#!lua flags=allow-oom\n${source}` : source;
    this.sha = new Bun.CryptoHasher("sha1").update(this.source).digest("hex");
    this.writes = writes;
  }
}
