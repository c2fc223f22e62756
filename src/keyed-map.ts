import { hash, processKey } from "./hash.ts";

interface Entry<V> {
  readonly key: string;
  value: V;
}

/** Distance of a key from the next one with the same hash. */
const NEXT = 2 ** 32;

/**
 * A map for keys that clients choose: ids, names of writers. Iterates in the order in which keys were added.
 *
 * A `Map` hashes strings without a secret, so a client could send keys that all have one hash, and each would
 * be compared with all others. Here it has numbers as keys: hashes with a random key. `Map` and `Set` of
 * strings are for keys of the program, and for a number of keys that is small by construction.
 */
export class KeyedMap<V> implements Iterable<[string, V]> {
  readonly #entries = new Map<number, Entry<V>>();

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(this.#slotOf(key));
  }

  get(key: string): V | undefined {
    return this.#entries.get(this.#slotOf(key))?.value;
  }

  set(key: string, value: V): void {
    this.update(key, () => value);
  }

  /**
   * Replaces the value of `key` with `change(value)`; `undefined` for a new key. If `change` throws, nothing
   * changes.
   */
  update(key: string, change: (value: V | undefined) => V): void {
    const slot = this.#slotOf(key);
    const entry = this.#entries.get(slot);
    const value = change(entry?.value);
    if (entry === undefined) this.#entries.set(slot, { key, value });
    else entry.value = value;
  }

  delete(key: string): void {
    let slot = this.#slotOf(key);
    for (; this.#entries.has(slot + NEXT); slot += NEXT)
      this.#entries.set(slot, this.#entries.get(slot + NEXT) as Entry<V>);
    this.#entries.delete(slot);
  }

  values(): V[] {
    return Array.from(this.#entries.values(), ({ value }) => value);
  }

  *[Symbol.iterator](): Generator<[string, V], undefined> {
    for (const { key, value } of this.#entries.values()) yield [key, value];
  }

  /** Returns the number that a key has, or would have, in the map. */
  #slotOf(key: string): number {
    let slot = hash(key, processKey()) | 0;
    while ((this.#entries.get(slot)?.key ?? key) !== key) slot += NEXT;
    return slot;
  }
}
