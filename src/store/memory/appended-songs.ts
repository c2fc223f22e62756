import { MAX_COUNT } from "../count-store.ts";
import type { PackedBatch } from "../packed-batch.ts";
import { unitsOfEntry, wordsOfId } from "../packed-id.ts";
import { Refusal } from "../refusal.ts";
import { idWord } from "./entry-blocks.ts";
import type { Shards } from "./shards.ts";

// Songs that the open set does not have are added faster in two steps: all are appended to the entries of
// their shards, then the index of each shard is made once, with its final size. Nothing is looked up, unless
// there are folds. No other thread may use the store meanwhile: no lock is taken.

/**
 * Appends songs to the open set. They count after {@linkcode indexSongs}. `toCome`: for each shard, the units
 * of all its songs that are still to be appended, if known; those of these songs are subtracted. Then the
 * songs take as little memory as possible.
 *
 * @throws {Refusal} `full`
 */
export function appendSongs(shards: Shards, batch: PackedBatch, toCome?: Int32Array): void {
  const { shardCount } = shards;
  const { words, idPositions, plays } = batch;
  let present = 0;
  let shard = shards.openShard(present);
  const ordered = byShard(batch, shardCount);
  // By number: the iterator of a typed array would take as long as a quarter of the rest.
  for (let next = 0; next < ordered.length; next++) {
    const song = ordered[next] as number;
    const place = idPositions[song] as number;
    const at = (words[place] as number) & (shardCount - 1);
    if (at !== present) shard = shards.openShard((present = at));
    if (!shard.appendSong(words, place + 1, plays[song] as number, toCome?.[at])) throw Refusal.noMemory();
    if (toCome !== undefined) toCome[at]! -= unitsOf(batch, song);
  }
}

/** Adds the units of songs to those of their shards. */
export function measureSongs(batch: PackedBatch, units: Int32Array): void {
  const { size, words, idPositions } = batch;
  for (let song = 0; song < size; song++)
    units[(words[idPositions[song] as number] as number) & (units.length - 1)]! += unitsOf(batch, song);
}

function unitsOf({ words, idPositions }: PackedBatch, song: number): number {
  return unitsOfEntry(wordsOfId(words[(idPositions[song] as number) + 1] as number));
}

/** Returns the songs in the order of their shards: each shard comes into the processor's cache once. */
function byShard({ size, words, idPositions }: PackedBatch, shardCount: number): Int32Array {
  const shardOf = (song: number) => (words[idPositions[song] as number] as number) & (shardCount - 1);
  const ends = new Int32Array(shardCount);
  for (let song = 0; song < size; song++) ends[shardOf(song)]!++;
  for (let shard = 1; shard < shardCount; shard++) ends[shard]! += ends[shard - 1] as number;
  const ordered = new Int32Array(size);
  for (let song = 0; song < size; song++) ordered[--ends[shardOf(song)]!] = song;
  return ordered;
}

/**
 * Indexes and counts the appended songs of the open set.
 *
 * @throws {Refusal} `full`, or `overflow` if the count of a song exceeds 2^53 − 1.
 */
export function indexSongs(shards: Shards, maxSongs: number): void {
  const { heap, id, ring, shardCount } = shards;
  for (let at = 0; at < shardCount; at++) {
    const shard = shards.openShard(at);
    let added = shard.songs;
    if (added === 0) continue;
    if (!shard.index(id)) throw Refusal.noMemory();
    if (ring.newest !== 0) {
      added = 0;
      shard.each((entry) => {
        const plays = shard.counts[entry] as number;
        if (plays === 0) return;
        id.setAt(shard.words, idWord(entry));
        if (sealedPlays(shards, at, plays) === 0) added++;
      });
    }
    if (added > 0) heap.claimSongs(added, maxSongs);
  }
}

/** Returns the sealed plays of the present id, in shard `at`: its first `plays` in the open set are new. */
function sealedPlays(shards: Shards, at: number, plays: number): number {
  const { ring } = shards;
  const kept = shards.sum(at, ring.kept, ring.firstCounted);
  const sealed = shards.sum(at, ring.firstCounted, ring.open);
  if (plays > MAX_COUNT - kept - sealed) throw Refusal.overflow(sealed, plays, kept);
  if (sealed > 0) ring.loseSong(shards.newestPlayed);
  return sealed;
}
