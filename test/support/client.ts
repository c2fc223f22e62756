import process from "node:process";
import { CountClient, type CountServerError } from "../../src/client/client.ts";

// A program that plays on the servers of its arguments, and prints the results. The last server breaks off
// its listings.
const servers = process.argv.slice(2);
const healthy = new CountClient(servers.slice(0, -1), { timeoutMs: 3_600_000 });
const all = new CountClient(servers);

const first = await healthy.incrementPlayCount("a/b ä🎵");
const second = await healthy.incrementPlayCount("a/b ä🎵");
const counts = Object.fromEntries(await healthy.getAllPlayCounts());
const failed = await all.getAllPlayCounts().catch((error: CountServerError) => error.server);
const aborted = await healthy
  .getPlayCount("1", { signal: AbortSignal.abort("bored") })
  .catch((error) => error);
// Node 20 would warn of a signal that many calls share.
const { signal } = new AbortController();
await Promise.all(Array.from({ length: 20 }, (_, n) => healthy.getPlayCount(`${n}`, { signal })));
await Promise.all(Array.from({ length: 20 }, (_, n) => healthy.incrementPlayCount(`${n}`, { signal })));
await healthy.resetAllPlayCounts();
const after = await healthy.getPlayCount("a/b ä🎵");
console.log(JSON.stringify({ first, second, counts, failed, aborted, after }));
// The process must end by itself: no timer, not even the long timeout, may keep it alive.
