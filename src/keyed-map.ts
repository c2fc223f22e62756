import { hash, type HashKey, randomKey } from "./hash.ts";

/** Made at the first use: workerd has no random numbers before the first request. */
let processKey: HashKey | undefined;

/**
 * A map for keys that clients choose: ids, names of writers. Iterates in the order in which keys were added.
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
    const keyHash = hashOf(key);
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
    return (this.#buckets[this.#bucketOf(key, hashOf(key))] as number) - 1;
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

function hashOf(key: string): number {
  return hash(key, (processKey ??= randomKey()));
}
