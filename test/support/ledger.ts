import { writeSync } from "node:fs";
import process from "node:process";
import type { Addition } from "../../src/store/count-store.ts";
import { ShardedStore } from "../../src/store/memory/sharded-store.ts";

// The program itself, with a store that prints the number of counted plays at the end. Before the first play
// it adds SONGS songs with ids of 500 bytes, for a listing that does not fit into buffers.
const add = ShardedStore.prototype.add;
let counted = 0;
let seeds = Number(process.env["SONGS"] ?? 0);

ShardedStore.prototype.add = function (id: string, plays: number): Addition {
  for (; seeds > 0; seeds--) add.call(this, String(seeds).padEnd(500, "-"), 1);
  const addition = add.call(this, id, plays);
  counted += plays;
  return addition;
};
process.on("exit", () => writeSync(1, `counted ${counted}\n`));

await import("../../src/main.ts");
