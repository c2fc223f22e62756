import { client } from "./playcount/client.gen.ts";
import { acknowledgeFold, addBatch, play, sealFold } from "./playcount/index.ts";

client.setConfig({ baseUrl: process.env["PLAYCOUNT_URL"] ?? "http://localhost:8000" });
const path = { id: "42" };

const played = await play({ path });
console.log(played.data?.count);
const added = await play({ path, body: 2 ** 40 });
console.log(added.data?.count);
const batch = await addBatch({ body: { "42": 1, "a/b": 2 } });
console.log(batch.data?.["a/b"]);

const sealed = await sealFold({ path: { fold: 1 }, body: "plays-to-db" });
console.log(sealed.data?.["a/b"]); // store the fold in the database before the next request
const done = await acknowledgeFold({ path: { fold: 1 } });
console.log(done.data?.status);

const refused = await play({ path, body: Number.MAX_SAFE_INTEGER });
console.log(refused.error?.type);
