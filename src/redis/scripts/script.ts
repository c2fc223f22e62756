/** A program that Redis runs as one step, in between all others. */
export class Script {
  readonly source: string;
  /** By what a server knows it that has run it before. */
  readonly sha: string;
  /** Whether it may change something. */
  readonly writes: boolean;

  constructor(source: string, { writes }: { writes: boolean }) {
    this.source = source;
    this.sha = new Bun.CryptoHasher("sha1").update(source).digest("hex");
    this.writes = writes;
  }
}
