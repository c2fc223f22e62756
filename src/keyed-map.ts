import { hash, processKey } from "./hash.ts";

/**
 * A map for keys that clients choose: ids, names of writers. Iterates in the order in which keys were added;
 * a removed key is replaced by the last one.
 *
 * A `Map` hashes strings without a secret, so a client could send keys that all have one hash, and each would
 * be compared with all others. Here the hash has a random key. `Map` and `Set` are for keys of the program,
 * and for a number of keys that is small by construction.
 */
export class KeyedMap<V> implements Iterable<[string, V]> {
  readonly #keys: string[] = [];
  readonly #values: V[] = [];
  readonly #hashes: number[] = [];
  /** Positions in the arrays, plus 1; 0 is free. Open addressing, at most half in use. */
  #buckets = new Int32Array(16);

  get size(): number {
    return this.#keys.length;
  }

  has(key: string): boolean {
    return this.#positionOf(key) !== -1;
  }

  get(key: string): V | undefined {
    return this.#values[this.#positionOf(key)];
  }

  set(key: string, value: V): void {
    this.update(key, () => value);
  }

  /**
   * Replaces the value of `key` with `change(value)`; `undefined` for a new key. If `change` throws, nothing
   * changes.
   */
  update(key: string, change: (value: V | undefined) => V): void {
    const keyHash = hash(key, processKey());
    const bucket = this.#bucketOf(key, keyHash);
    const position = (this.#buckets[bucket] as number) - 1;
    const value = change(this.#values[position]);
    if (position !== -1) {
      this.#values[position] = value;
      return;
    }
    this.#values.push(value);
    this.#hashes.push(keyHash);
    this.#buckets[bucket] = this.#keys.push(key);
    if (this.size * 2 > this.#buckets.length) this.#grow();
  }

  delete(key: string): void {
    const bucket = this.#bucketOf(key, hash(key, processKey()));
    const position = (this.#buckets[bucket] as number) - 1;
    if (position === -1) return;
    this.#free(bucket);
    const [lastKey, lastHash] = [this.#keys.pop() as string, this.#hashes.pop() as number];
    const lastValue = this.#values.pop() as V;
    if (position === this.#keys.length) return;
    this.#buckets[this.#bucketAt(lastHash, this.#keys.length)] = position + 1;
    this.#keys[position] = lastKey;
    this.#hashes[position] = lastHash;
    this.#values[position] = lastValue;
  }

  keys(): readonly string[] {
    return this.#keys;
  }

  values(): readonly V[] {
    return this.#values;
  }

  *[Symbol.iterator](): Generator<[string, V], undefined> {
    for (let at = 0; at < this.#keys.length; at++) yield [this.#keys[at] as string, this.#values[at] as V];
  }

  #positionOf(key: string): number {
    return (this.#buckets[this.#bucketOf(key, hash(key, processKey()))] as number) - 1;
  }

  /** Returns the bucket of a key, or the free one where it belongs. */
  #bucketOf(key: string, keyHash: number): number {
    const mask = this.#buckets.length - 1;
    for (let bucket = keyHash & mask; ; bucket = (bucket + 1) & mask) {
      const position = (this.#buckets[bucket] as number) - 1;
      if (position === -1) return bucket;
      if (this.#hashes[position] === keyHash && this.#keys[position] === key) return bucket;
    }
  }

  /** Returns the bucket that has a position. */
  #bucketAt(keyHash: number, position: number): number {
    const mask = this.#buckets.length - 1;
    let bucket = keyHash & mask;
    while (this.#buckets[bucket] !== position + 1) bucket = (bucket + 1) & mask;
    return bucket;
  }

  /** Empties a bucket, and moves the following keys that would no longer be found into the gap. */
  #free(bucket: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let gap = bucket;
    for (let at = (gap + 1) & mask; buckets[at] !== 0; at = (at + 1) & mask) {
      const home = (this.#hashes[(buckets[at] as number) - 1] as number) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      buckets[gap] = buckets[at] as number;
      gap = at;
    }
    buckets[gap] = 0;
  }

  #grow(): void {
    const buckets = new Int32Array(this.#buckets.length * 4);
    const mask = buckets.length - 1;
    for (const [position, keyHash] of this.#hashes.entries()) {
      let bucket = keyHash & mask;
      while (buckets[bucket] !== 0) bucket = (bucket + 1) & mask;
      buckets[bucket] = position + 1;
    }
    this.#buckets = buckets;
  }
}
