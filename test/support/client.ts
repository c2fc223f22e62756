import process from "node:process";
import { CountClient, type CountServerError } from "../../src/client/client.ts";

// A client that plays on the servers of its arguments, the last of which breaks its listings off, and says what came of it.
const servers = process.argv.slice(2);
const well = new CountClient(servers.slice(0, -1), { timeoutMs: 3_600_000 });
const all = new CountClient(servers);

const first = await well.incrementPlayCount("a/b ä🎵");
const second = await well.incrementPlayCount("a/b ä🎵");
const counts = Object.fromEntries(await well.getAllPlayCounts());
const failed = await all.getAllPlayCounts().catch((error: CountServerError) => error.server);
const aborted = await well.getPlayCount("1", { signal: AbortSignal.abort("bored") }).catch((error) => error);
await well.resetAllPlayCounts();
const after = await well.getPlayCount("a/b ä🎵");
console.log(JSON.stringify({ first, second, counts, failed, aborted, after }));
// Nothing is left that would keep the process alive, the long time-out included.
